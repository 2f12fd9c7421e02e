import { expect, it } from 'vitest'
import type { LoadConnection } from './connection-pool.ts'
import type { LoadPlan } from './load-plan.ts'
import { summariseRun } from './load-report.ts'
import { LoadSession } from './load-session.ts'
import { LoadStatistics } from './load-statistics.ts'

const plan: LoadPlan = {
  url: new URL('http://127.0.0.1:8000'),
  apiKey: 'secret',
  deployment: 'gpt-4o',
  operation: 'chat',
  isStream: false,
  apiVersion: '2024-10-21',
  connections: 100,
  requestsPerSecond: 4,
  durationSeconds: 5,
  warmupSeconds: 0,
  honoursRetryAfter: false,
  workload: undefined,
  promptTokens: undefined,
  maxTokens: undefined,
  promptSeed: 'seed',
}

/** Sends four requests per second for five seconds. Each answer has 100 + 200 tokens and takes `answerMs`. */
function runFourPerSecond({ answerMs, warmupMs = 0 }: { answerMs: number; warmupMs?: number }) {
  let nowMs = 0
  const statistics = new LoadStatistics()
  const session = new LoadSession({
    now: () => nowMs,
    later: () => {},
    makeBody: () => '{}',
    isStream: false,
    honoursRetryAfter: false,
    isOpenLoop: true,
    statistics,
  })
  session.start(warmupMs)
  const stoppedMs = warmupMs + 5_000
  const events: { atMs: number; happen: () => void }[] = [
    { atMs: stoppedMs, happen: () => session.stopSending() },
  ]
  for (let dueMs = 0; dueMs < stoppedMs; dueMs += 250) {
    const connection: LoadConnection = { send: () => {} }
    session.onReady(connection)
    events.push({ atMs: dueMs, happen: () => session.arrive(dueMs) })
    events.push({
      atMs: dueMs + answerMs,
      happen: () => {
        session.onHead(connection, 200, { 'content-type': 'application/json' })
        session.onBody(connection, Buffer.from('{"usage":{"prompt_tokens":100,"completion_tokens":200}}'))
        session.onEnd(connection)
        session.onReady(connection)
      },
    })
  }
  for (const { atMs, happen } of events.toSorted((a, b) => a.atMs - b.atMs)) {
    nowMs = atMs
    happen()
  }
  const generator = { loopLagMs: { p99: 0, max: 0 }, utilization: 0, wasBottleneck: false }
  return summariseRun(plan, {
    session,
    statistics,
    generator,
    countFromMs: warmupMs,
    stoppedMs,
    ended: 'duration',
    simulator: null,
  })
}

it('a load report divides requests and tokens by the sending time', () => {
  for (const answerMs of [10, 5_400, 29_000]) {
    expect(runFourPerSecond({ answerMs })).toMatchObject({
      sendingSeconds: 5,
      sentPerSecond: 4,
      tokens: { in: 2_000, out: 4_000 },
      tokensPerSecond: { in: 400, out: 800 },
    })
  }
})

it('a load report counts answers that ended within the sending time separately', () => {
  expect(runFourPerSecond({ answerMs: 2_600 })).toMatchObject({
    measuredSeconds: 7.35,
    endedWhileSending: {
      ok: 10,
      okPerSecond: 2,
      tokens: { in: 1_000, out: 2_000 },
      tokensPerSecond: { in: 200, out: 400 },
    },
  })
})

it('a load report includes warm-up requests in the answers that ended within the sending time', () => {
  const { requests, endedWhileSending } = runFourPerSecond({ answerMs: 2_600, warmupMs: 3_000 })
  expect({ sent: requests.sent, endedWhileSending }).toMatchObject({
    sent: 20,
    endedWhileSending: { ok: 20, okPerSecond: 4, tokensPerSecond: { in: 400, out: 800 } },
  })
})

it('a load report gives the 50th, 90th, 95th and 99th percentile of each time', () => {
  const statistics = new LoadStatistics()
  for (let gapMs = 1; gapMs <= 100; gapMs++) statistics.recordGap(gapMs)
  const { p50, p90, p95, p99, max } = statistics.measures().gapMs ?? {}
  expect([p50, p90, p95, p99, max].map((value) => Math.round(value ?? 0))).toEqual([50, 90, 95, 99, 100])
})
