import { expect, it } from 'vitest'
import { testExchange } from '../../tests/support/test-exchange.ts'
import { createTraceSampler } from './trace-recorder.ts'

/** Starts a request at each of these times, in milliseconds. Returns how many were sampled. */
function samplesAt(timesMs: readonly number[], headers: Record<string, string> = {}): number {
  let timeMs = 0
  let seen = 0
  const sampler = createTraceSampler({
    sink: {
      opened: () => undefined,
      updated: () => undefined,
      ended: () => undefined,
      seen: (count) => (seen += count),
    },
    testHeader: 'x-sim-test',
    nowMs: () => timeMs,
    countsEach: true,
  })
  const sampled = timesMs.filter((atMs) => {
    timeMs = atMs
    const exchange = testExchange({ headers })
    sampler.begin(exchange)
    exchange.end({ aborted: false, firstByteMs: 0, endMs: 0 })
    return exchange.recorder !== undefined
  })
  expect(seen).toBe(timesMs.length)
  return sampled.length
}

const every = (gapMs: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * gapMs)

it('up to 200 requests are sampled of a client that waits 5 ms between them', () => {
  expect(samplesAt(every(5, 200))).toBe(200)
  // In the 1.2 seconds up to the last one, 24 more than the 200 are due.
  expect(samplesAt(every(5, 240))).toBe(200 + 23)
})

it('five requests are sampled at the same time, and then one every 5 ms', () => {
  expect(samplesAt(every(0, 100))).toBe(5)
  expect(samplesAt(every(0.5, 200))).toBe(5 + 19)
})

it('20 requests a second are sampled of a load of up to 1,000 a second', () => {
  expect(samplesAt(every(1, 4_000)) - samplesAt(every(1, 2_000))).toBe(40)
})

it('2 requests a second are sampled of a heavier load, so that it does not become slower', () => {
  expect(samplesAt(every(0.8, 10_000)) - samplesAt(every(0.8, 5_000))).toBe(8)
})

it('20 requests a second are sampled again when the heavy load has ended', () => {
  const heavy = every(0.8, 7_500)
  const light = every(100, 30).map((ms) => 8_000 + ms)
  expect(samplesAt([...heavy, ...light]) - samplesAt(heavy)).toBe(30)
})

it('five requests are sampled at the same time again after a pause', () => {
  expect(samplesAt([...every(0, 10), ...every(0, 10).map(() => 100)])).toBe(10)
})

it('each request with x-sim-trace is sampled', () => {
  expect(samplesAt(every(0, 100), { 'x-sim-trace': 'on' })).toBe(100)
})
