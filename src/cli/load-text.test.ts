import { describe, expect, it } from 'vitest'
import type { LoadPlan } from '../load/load-plan.ts'
import type { LoadReport } from '../load/load-report.ts'
import { renderLoadProgress, renderLoadReport, renderLoadStart } from './load-text.ts'

const times = (p50: number) => ({ count: 10, p50, p90: p50 * 2, p95: p50 * 3, p99: p50 * 4, max: p50 * 5 })

const measures = {
  requests: { sent: 1_200, ok: 1_200, limited: 0, failed: 0, unfinished: 0, lateStarts: 0 },
  failures: [],
  retryAfterMs: null,
  wholeMs: times(100),
  firstTokenMs: null,
  gapMs: null,
  timePerOutputTokenMs: null,
  tokens: { in: 12_000, out: 24_000 },
  endedWhileSending: { ok: 1_100, tokens: { in: 11_000, out: 22_000 } },
}

const report: LoadReport = {
  ...measures,
  target: { address: 'http://127.0.0.1:8000', deployment: 'gpt-4o', operation: 'chat', stream: false },
  load: { workload: null, connections: 8, requestsPerSecond: null, durationSeconds: 10, warmupSeconds: 0 },
  ended: 'duration',
  refusal: null,
  sendingSeconds: 10,
  measuredSeconds: 10.1,
  neverSent: 0,
  sentPerSecond: 120,
  tokensPerSecond: { in: 1_200, out: 2_400 },
  endedWhileSending: {
    ...measures.endedWhileSending,
    okPerSecond: 110,
    tokensPerSecond: { in: 1_100, out: 2_200 },
  },
  simulator: null,
  generator: { loopLagMs: { p99: 3, max: 9 }, utilization: 0.2, wasBottleneck: false },
}

const textOf = (part: Partial<LoadReport>): string => renderLoadReport({ ...report, ...part }).join('\n')

const plan: LoadPlan = {
  url: new URL('http://127.0.0.1:8000/gateway'),
  apiKey: 'secret',
  deployment: 'gpt-4o',
  operation: 'chat',
  isStream: false,
  apiVersion: 'v1',
  connections: 8,
  requestsPerSecond: undefined,
  durationSeconds: 10,
  warmupSeconds: 0,
  honoursRetryAfter: false,
  workload: undefined,
  promptTokens: undefined,
  maxTokens: undefined,
  promptSeed: 'seed',
}

describe('start line of a load run', () => {
  it('names the connections of a closed loop, and never the key', () => {
    expect(renderLoadStart(plan)).toBe(
      '8 connections to http://127.0.0.1:8000/gateway for 10 s. Press Ctrl-C to stop and show the results.',
    )
  })

  it('names the rate of an open loop and the warm-up', () => {
    expect(renderLoadStart({ ...plan, requestsPerSecond: 50, warmupSeconds: 5 })).toBe(
      '50 requests per second over at most 8 connections to http://127.0.0.1:8000/gateway for 10 s after 5 s of warm-up. Press Ctrl-C to stop and show the results.',
    )
  })
})

describe('progress of a load run', () => {
  const progress = { phase: 'load', elapsedSeconds: 3.9, totalSeconds: 10 } as const

  it('has counts first and the times last', () => {
    expect(renderLoadProgress({ ...progress, measures: { ...measures, firstTokenMs: times(40) } })).toEqual([
      'load 3/10 s',
      '1,200 sent',
      '1,200 ok',
      '0 429',
      '0 failed',
      'first token p50 40 ms',
      'whole p50 100 ms',
    ])
  })

  it('has no times before the first answer', () => {
    expect(renderLoadProgress({ ...progress, measures: { ...measures, wholeMs: null } })).toHaveLength(5)
  })
})

describe('report of a load run', () => {
  it('has counts, times and tokens, and no warning without problems', () => {
    expect(textOf({}).split('\n')).toEqual([
      'requests      1,200  120/s for 10 s',
      'ok            1,200  100.0 %',
      '429               0  0.0 %',
      'failed            0  0.0 %',
      '',
      'time (ms)           p50        p90        p95        p99        max',
      'whole answer      100.0      200.0      300.0      400.0      500.0',
      '',
      'tokens: 12,000 in (1,200/s), 24,000 out (2,400/s) over 10 s of sending',
      'ended within that time: 1,100 ok (110/s), 11,000 in (1,100/s), 22,000 out (2,200/s)',
    ])
  })

  it('has the rows of streams, with dashes for what was not measured', () => {
    const text = textOf({ target: { ...report.target, stream: true }, firstTokenMs: times(40) })
    expect(text).toMatch(/^first token +40\.0 +80\.0/m)
    expect(text).toMatch(/^gap between events +- +- +- +- +-$/m)
  })

  it('has failures by their reason, in one line each and shortened', () => {
    const failures = [{ reason: '500', count: 3, example: `a\n\u001B[31m${'b'.repeat(200)}` }]
    const line =
      textOf({ failures })
        .split('\n')
        .find((one) => one.startsWith('  500')) ?? ''
    expect(line).toMatch(/^ {2}500 +3 {2}a .*b\.\.\.$/)
    expect(line).not.toContain('\u001B')
    expect(line.length).toBeLessThan(150)
  })

  it.each<[string, Partial<LoadReport>, string]>([
    [
      'the range of retry-after in 429s',
      { retryAfterMs: { leastMs: 500, mostMs: 2_000 } },
      'retry-after 500 ms to 2,000 ms',
    ],
    [
      'one retry-after shared by all 429s',
      { retryAfterMs: { leastMs: 500, mostMs: 500 } },
      '0.0 %, retry-after 500 ms\n',
    ],
    [
      'the requested rate',
      { load: { ...report.load, requestsPerSecond: 130 } },
      '120/s for 10 s (requested: 130/s)',
    ],
    [
      'unfinished requests',
      { requests: { ...report.requests, unfinished: 4 } },
      'still pending when the run ended',
    ],
    ['an early end by a signal', { ended: 'signal' }, 'Ended early: stopped by a signal.'],
    [
      'an endpoint that refuses connections',
      { ended: 'unreachable' },
      'Ended early: could not connect any more.',
    ],
    [
      'answers that were all refused',
      { ended: 'refused', refusal: { reason: '401', count: 20, example: '' } },
      'Ended early: all 20 answers were 401.',
    ],
    [
      'a deployment that the simulator does not have',
      { simulator: { deploymentConfigured: false, parts: 0, lateParts: 0, wasBottleneck: false } },
      'The simulator has no deployment gpt-4o: it answered without limits.\nThe simulator kept up.',
    ],
    [
      'a simulator that kept up',
      { simulator: { deploymentConfigured: true, parts: 1_000, lateParts: 2, wasBottleneck: false } },
      'The simulator kept up: 2 of 1,000 tokens and answers were more than 25 ms late.',
    ],
    [
      'a simulator that was late',
      { simulator: { deploymentConfigured: null, parts: 1_000, lateParts: 200, wasBottleneck: true } },
      'The simulator was the bottleneck: 200 of 1,000 tokens and answers were more than 25 ms late, or its event loop lagged.',
    ],
    [
      'a simulator with a lagging event loop',
      { simulator: { deploymentConfigured: null, parts: 0, lateParts: 0, wasBottleneck: true } },
      'The simulator was the bottleneck: its event loop lagged.',
    ],
    [
      'a command that was busy itself',
      { generator: { loopLagMs: { p99: 80, max: 90 }, utilization: 0.97, wasBottleneck: true } },
      'This command was the bottleneck: it was busy 97 % of the time, and its timers were up to 80 ms late (p99). The real times are lower. Send less, or use several machines.',
    ],
    [
      'connections that were all busy',
      { requests: { ...report.requests, lateStarts: 5 }, neverSent: 7 },
      'All 8 connections were busy: 5 requests were sent late (their times start when they were due), 7 were never sent. Increase --connections, or the endpoint cannot handle this rate.',
    ],
  ])('reports %s', (_, part, expected) => {
    expect(textOf(part)).toContain(expected)
  })
})
