import { describe, expect, it } from 'vitest'
import { idleLive } from '../../tests/support/idle-live.ts'
import type { Live, LiveSimulator } from '../server/admin/live-stats.ts'
import { renderLine, renderScreen, type WatchFacts } from './watch-screen.ts'
import type { WatchedState } from './watch-state.ts'

const durations = (p50: number) => ({ count: 1, mean: p50, p50, p95: p50, p99: p50 })

const liveOf = (requestsPerSecond: number, more: Partial<Live> = {}): Live => ({
  ...idleLive,
  requests: requestsPerSecond * 10,
  ...more,
  window: {
    ...idleLive.window,
    requests_per_second: requestsPerSecond,
    tokens_per_second: requestsPerSecond * 100,
    first_token_ms: { planned: durations(300), achieved: durations(312.4) },
    between_tokens_ms: { planned: durations(20), achieved: durations(20.6) },
  },
})

const simulator: LiveSimulator = {
  version: '1.2.3',
  mode: 'generate',
  clock: 'system',
  now: '2026-01-01T00:00:00.000Z',
  uptime_seconds: 7_500,
  workers: 2,
  keeps_up: true,
  bottleneck: null,
  lateness_ms: durations(1.24),
  event_loop_lag_ms: { p50: 0, p99: 0.44, max: 1 },
  in_flight: 0,
  open_streams: 0,
  config_store: null,
  journal: false,
  recordings: null,
}

const stateOf = (deployments: Record<string, Live>, more: Partial<WatchedState> = {}): WatchedState => ({
  at_ms: 0,
  window_ms: 1_000,
  simulator,
  incidents: {},
  totals: liveOf(1_234),
  resources: { default: { totals: liveOf(1_234), deployments } },
  upstreams: {},
  ...more,
})

const facts: WatchFacts = { url: new URL('http://127.0.0.1:8000'), lost: undefined, log: [] }
const render = (state: WatchedState, columns: number, rows: number, more: Partial<WatchFacts> = {}) =>
  renderScreen(state, { ...facts, ...more }, { columns, rows, hasColor: false })

const many = (count: number): Record<string, Live> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`deployment-${index}`, liveOf(index)]))

describe('renderScreen', () => {
  it('never exceeds the screen, for any size', () => {
    const state = stateOf(many(50), {
      simulator: {
        ...simulator,
        keeps_up: false,
        bottleneck: 'The simulator was the bottleneck. '.repeat(20),
      },
      upstreams: {
        east: { requests: 1, errors: 0, by_status: {}, retries: 0, latency_ms: null, first_byte_ms: null },
      },
    })
    for (const [columns, rows] of [
      [79, 24],
      [199, 60],
      [39, 24],
      [19, 10],
      [79, 3],
    ] as const) {
      const lines = render(state, columns, rows, { log: Array.from({ length: 100 }, () => 'x'.repeat(300)) })
      expect(lines.length).toBeLessThanOrEqual(rows)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
    }
  })

  it('shows the busiest deployments first, and how many more there are', () => {
    const lines = render(stateOf(many(50)), 79, 24)
    const first = lines.findIndex((line) => line.startsWith('deployment-49'))
    expect(lines[first + 1]).toContain('deployment-48')
    expect(lines.at(-1)).toMatch(/^\.\.\. \d+ more\./)
    expect(
      lines.filter((line) => /^deployment-\d/.test(line)).length + Number(/\d+/.exec(lines.at(-1)!)?.[0]),
    ).toBe(50)
  })

  it('shows achieved and planned times, and the share of the tightest limit', () => {
    const window = { remaining: 1, window_seconds: 60, free_in_seconds: 0, empty_in_seconds: 0 }
    const limits = {
      kind: 'pay-as-you-go' as const,
      tokens: { limit: 100, used: 82, ...window },
      requests: { limit: 10, used: 1, ...window },
      requests_in_minute: null,
    }
    const ptu = { kind: 'provisioned' as const, utilization: 1.07, free_in_seconds: 0, empty_in_seconds: 0 }
    const lines = render(stateOf({ chat: liveOf(3, { limits }), ptu: liveOf(1, { limits: ptu }) }), 79, 24)
    expect(lines.find((line) => line.startsWith('chat'))).toMatch(/82 %.*312 \(300\) +20\.6 \(20\)/)
    expect(lines.find((line) => line.startsWith('ptu'))).toContain('107 %')
    expect(lines[1]).toBe('The simulator keeps up.  late p99 1.2 ms  event-loop lag p99 0.4 ms')
  })

  it('shows the most important columns on a narrow screen, and all on a wide one', () => {
    const titleOf = (columns: number): string =>
      render(stateOf(many(1)), columns, 24).find((line) => line.startsWith('deployment ')) ?? ''
    expect(titleOf(39).split(/ {2,}/)).toEqual(['deployment', 'req/s', 'tokens/s', 'limit'])
    expect(titleOf(199)).toMatch(/completion$/)
  })

  it('keeps both ends of a long name', () => {
    const lines = render(stateOf({ 'gpt-35-turbo-100k-token': liveOf(1) }), 39, 24)
    expect(lines.some((line) => line.startsWith('gpt-3..oken') || line.startsWith('gpt-3'))).toBe(true)
    expect(lines.some((line) => /^gpt-\w+\.\.[\w-]*token /.test(line))).toBe(true)
  })

  it('shows incidents, a lost connection, and the log where there is room', () => {
    const state = stateOf(many(2), {
      incidents: {
        acme: {
          running: true,
          phase: 'slow',
          round: 1,
          rounds: 2,
          started_at: null,
          round_started_at: null,
          ends_at: null,
          phases: [],
        },
      },
    })
    const lines = render(state, 79, 40, { log: ['12:00:00 warn  Something.'] })
    expect(lines).toContain('incident acme slow  round 1 of 2  endless')
    expect(lines.at(-1)).toBe('12:00:00 warn  Something.')
    const lost = render(state, 79, 24, { lost: { reason: 'connect ECONNREFUSED', sinceMs: 0 } })
    expect(lost[1]).toMatch(/^No connection since \d\d:\d\d:\d\d: connect ECONNREFUSED\. Trying again\.$/)
  })

  it('replaces control characters in names', () => {
    const lines = render(stateOf({ '\u001b[2Jevil': liveOf(1) }), 79, 24)
    expect(lines.join('')).not.toContain('\u001b')
  })
})

describe('renderLine', () => {
  it('has the sums and the verdict', () => {
    expect(renderLine(stateOf({}))).toBe(
      '1970-01-01T00:00:00.000Z  1,234 requests/s  123,400 tokens/s  0 429/s  0 errors/s  0 active  0 waiting  first token p50 312 ms (planned 300 ms)  between tokens p50 20.6 ms (planned 20 ms)  keeps up',
    )
  })
})
