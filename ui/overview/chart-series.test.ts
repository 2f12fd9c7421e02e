import { describe, expect, it } from 'vitest'
import { bucketSeconds, downsample, seriesOf } from './chart-series.ts'

const sample = (atMs: number, value: number | null, windowMs = 1_000) => ({ atMs, windowMs, values: [value] })

describe('series of a chart', () => {
  it('joins samples that follow each other', () => {
    const { times, columns } = seriesOf([sample(1_000, 5), sample(2_010, 6), sample(5_000, 7, 2_990)], 1)
    expect(times).toEqual([1, 2.01, 5])
    expect(columns).toEqual([[5, 6, 7]])
  })

  it('has a point without values where nothing was measured', () => {
    const { times, columns } = seriesOf([sample(1_000, 5), sample(9_000, 6)], 1)
    expect(times).toEqual([1, 5, 9])
    expect(columns).toEqual([[5, null, 6]])
  })

  it('ignores a sample that is not after the previous one', () => {
    expect(seriesOf([sample(2_000, 5), sample(2_000, 6), sample(1_000, 7)], 1).columns).toEqual([[5]])
  })

  it('fills missing values with null', () => {
    expect(seriesOf([sample(1_000, 5)], 2).columns).toEqual([[5], [null]])
  })
})

describe('downsampled series', () => {
  const series = {
    times: [10, 11, 12, 14, 15, 20, 21],
    columns: [
      [1, 2, 3, 6, null, 8, 10],
      [1, 9, 3, 6, null, 8, 10],
    ],
  }

  it('combine the points of each bucket', () => {
    expect(downsample(series, 5, ['mean', 'max'])).toEqual({
      times: [14, 15, 21],
      columns: [
        [3, null, 9],
        [9, null, 10],
      ],
    })
  })

  it('keep finished buckets when time goes on', () => {
    const times = Array.from({ length: 100 }, (_, index) => index)
    const all = { times, columns: [times] }
    const later = { times: [...times, 100, 101], columns: [[...times, 100, 101]] }
    const finished = downsample(all, 10, ['mean']).columns[0]?.slice(0, 9)
    expect(downsample(later, 10, ['mean']).columns[0]?.slice(0, 9)).toEqual(finished)
  })

  it('are the series itself for buckets of a second', () => {
    expect(downsample(series, 1, ['mean', 'max'])).toEqual(series)
  })
})

it('buckets have at least two pixels', () => {
  expect(bucketSeconds(60, 600)).toBe(1)
  expect(bucketSeconds(900, 600)).toBe(5)
  expect(bucketSeconds(900, 320)).toBe(10)
  expect(bucketSeconds(900, 0)).toBe(60)
})
