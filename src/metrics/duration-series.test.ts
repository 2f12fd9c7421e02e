import { expect, it } from 'vitest'
import { answerBounds, DurationSeries, workBounds } from './series-table.ts'

it('puts a duration into the first bucket whose bound it does not exceed', () => {
  const series = new DurationSeries([1, 2])
  for (const seconds of [0, 1, 1.5, 2, 3]) series.observe(seconds)
  expect([...series.counts]).toEqual([2, 2, 1])
  expect([series.count, series.sumSeconds]).toEqual([5, 7.5])
})

it('has ascending bounds from 10 ms to two minutes, and finer ones for the work', () => {
  expect([...workBounds].sort((a, b) => a - b)).toEqual(workBounds)
  expect([answerBounds[0], answerBounds.at(-1)]).toEqual([0.01, 120])
  expect(workBounds).toEqual(expect.arrayContaining([...answerBounds]))
})
