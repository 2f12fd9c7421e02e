/** How a table is sorted. */
export interface Sorting {
  readonly column: string
  readonly direction: 'ascending' | 'descending'
}

/** A value to sort by. Null and undefined are last, whatever the direction. */
export type SortValue = string | number | boolean | null | undefined

/** Returns sorted rows. Rows with equal values keep their order. Numbers in texts count as numbers: `gpt-4` is before `gpt-35`. */
export function sortRows<Row>(
  rows: readonly Row[],
  valueOf: (row: Row) => SortValue,
  direction: Sorting['direction'],
): readonly Row[] {
  const sign = direction === 'ascending' ? 1 : -1
  return rows
    .map((row) => ({ row, value: valueOf(row) }))
    .toSorted((one, other) => compareValues(one.value, other.value, sign))
    .map(({ row }) => row)
}

const collator = new Intl.Collator('en', { numeric: true })

function compareValues(one: SortValue, other: SortValue, sign: 1 | -1): number {
  const isLast = (value: SortValue): boolean => value === null || value === undefined || Number.isNaN(value)
  if (isLast(one) || isLast(other)) return Number(isLast(one)) - Number(isLast(other))
  if (typeof one === 'string' || typeof other === 'string')
    return sign * collator.compare(String(one), String(other))
  return sign * (Number(one) - Number(other))
}

/** Returns the rows with all words of a filter in their text, case-insensitive. */
export function filterRows<Row>(
  rows: readonly Row[],
  textOf: (row: Row) => string,
  filter: string,
): readonly Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return rows
  return rows.filter((row) => {
    const text = textOf(row).toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/** The rows to render, and the heights of the rows above and below. */
export interface VisibleRows {
  readonly first: number
  /** Exclusive. */
  readonly end: number
  readonly above: number
  readonly below: number
}

/** Rows outside the view that are rendered as well, so that fast scrolling shows no empty rows. */
const OVERSCAN = 12

export function visibleRows(
  count: number,
  rowHeight: number,
  scrollTop: number,
  height: number,
): VisibleRows {
  const first = Math.min(Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN), Math.max(0, count - 1))
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + OVERSCAN)
  return { first, end, above: first * rowHeight, below: Math.max(0, count - end) * rowHeight }
}
