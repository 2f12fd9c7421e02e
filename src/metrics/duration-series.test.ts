import { expect, it } from 'vitest'
import { answerBounds, DurationSeries, workBounds } from './series-table.ts'

it('DurationSeries counts a duration in the first bucket with a bound not below it', () => {
  const series = new DurationSeries([1, 2])
  for (const seconds of [0, 1, 1.5, 2, 3]) series.observe(seconds)
  expect([...series.counts]).toEqual([2, 2, 1])
  expect([series.count, series.sumSeconds]).toEqual([5, 7.5])
})

it('bucket bounds ascend from 10 ms to two minutes, with finer ones for base durations', () => {
  expect([...workBounds].sort((a, b) => a - b)).toEqual(workBounds)
  expect([answerBounds[0], answerBounds.at(-1)]).toEqual([0.01, 120])
  expect(workBounds).toEqual(expect.arrayContaining([...answerBounds]))
})
