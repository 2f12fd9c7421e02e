import { describe, expect, it } from 'vitest'
import { filterRows, sortRows, visibleRows } from './table-rows.ts'

describe('sorted rows', () => {
  const same = <Value>(value: Value): Value => value

  it('are in the order of numbers, also in texts', () => {
    expect(sortRows([10, 9, 100], same, 'ascending')).toEqual([9, 10, 100])
    expect(sortRows(['d10', 'd9', 'D1'], same, 'descending')).toEqual(['d10', 'd9', 'D1'])
  })

  it.each(['ascending', 'descending'] as const)('have missing values last: %s', (direction) => {
    const sorted = sortRows([null, 2, undefined, 1, Number.NaN], same, direction)
    expect(sorted.slice(0, 2)).toEqual(direction === 'ascending' ? [1, 2] : [2, 1])
    expect(sorted.slice(2)).toEqual([null, undefined, Number.NaN])
  })

  it.each(['ascending', 'descending'] as const)('keep the order of equal values: %s', (direction) => {
    const rows = Array.from({ length: 20 }, (_, id) => ({ id, value: 1 }))
    expect(sortRows(rows, ({ value }) => value, direction)).toEqual(rows)
  })
})

describe('filtered rows', () => {
  const rows = ['default gpt-4o', 'acme gpt-4o-mini', 'acme o3']

  it('have all words in any order and case', () => {
    expect(filterRows(rows, String, 'MINI  acme')).toEqual(['acme gpt-4o-mini'])
    expect(filterRows(rows, String, '  ')).toBe(rows)
    expect(filterRows(rows, String, '.*')).toEqual([])
  })
})

describe('visible rows', () => {
  it.each([0, 1, 5_000, 17_990, 18_000, 99_999])(
    'cover the view at %d px, and heights add up',
    (scrollTop) => {
      const { first, end, above, below } = visibleRows(600, 30, scrollTop, 400)
      expect(above + (end - first) * 30 + below).toBe(Math.max(600, end) * 30)
      expect(first * 30).toBeLessThanOrEqual(scrollTop)
      expect(end).toBeGreaterThan(first)
      expect(end - first).toBeLessThan(60)
    },
  )

  it('are none in an empty table', () => {
    expect(visibleRows(0, 30, 0, 400)).toEqual({ first: 0, end: 0, above: 0, below: 0 })
  })
})
