import { expect, it } from 'vitest'
import {
  adviceFor,
  chartColumns,
  chartFigures,
  countsOf,
  describeSlowness,
  otherErrorsPerSecond,
  sumOf,
} from './live-figures.ts'
import { idleLive } from '../../tests/support/idle-live.ts'

const sample = (atMs: number, windowMs: number, values: Readonly<Record<string, number>>) => ({
  atMs,
  windowMs,
  values: chartFigures.map((name) => values[name] ?? null),
})

it('charts show answered requests, 429s and other errors, which add up to all requests', () => {
  const values = { requests_per_second: 100, errors_per_second: 30, rate_limited_per_second: 20 }
  const { times, columns } = chartColumns([sample(1_000, 0, {}), sample(2_000, 1_000, values)])
  expect(times).toEqual([2])
  expect([columns.answered, columns.rate_limited_per_second, columns.failed]).toEqual([[70], [20], [10]])
  expect(columns.first_token_achieved_p50_ms).toEqual([null])
})

it('charts show no negative requests, and gaps where nothing was measured', () => {
  const odd = { requests_per_second: 1, errors_per_second: 2, rate_limited_per_second: 3 }
  const { columns } = chartColumns([sample(1_000, 1_000, odd), sample(9_000, 1_000, {})])
  expect(columns.answered).toEqual([0, null, null])
  expect(columns.failed).toEqual([0, null, null])
})

it('other errors do not include 429s', () => {
  const window = { ...idleLive.window, errors_per_second: 5, rate_limited_per_second: 3 }
  expect(otherErrorsPerSecond({ window })).toBe(2)
})

it('counts are sorted by size, and then by name', () => {
  expect(countsOf({ stall: 1, b: 3, a: 3, none: 0 }).map(({ name }) => name)).toEqual(['a', 'b', 'stall'])
  expect(sumOf({ tokens: 2, requests: 3 })).toBe(5)
})

it('advice names the number of processes', () => {
  expect(adviceFor({ workers: 1 })[0]).toContain('WORKERS=2')
  expect(adviceFor({ workers: 4 })[0]).toContain('more processes than 4')
})

it('slowness is described without the heading and the advice', () => {
  const facts =
    'in the last 5 s, 3 of 60 tokens (5.0 %) were sent more than 25 ms late, and event-loop lag was 9 ms (p99).'
  const bottleneck = `The simulator was the bottleneck: ${facts} Times measured in this period do not describe it. Add workers.`
  expect(describeSlowness({ bottleneck })).toBe(
    `I${facts.slice(1)} Times measured meanwhile do not describe the simulated service.`,
  )
  expect(describeSlowness({ bottleneck: 'Too slow.' })).toBe('Too slow.')
  expect(describeSlowness({ bottleneck: null })).toContain('do not describe')
})
