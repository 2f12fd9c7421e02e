import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import type { Column } from '../components/table.tsx'

/** Returns the width of an element, or of its first child, in pixels. The component renders again when it changes. */
export function useWidth(element: RefObject<HTMLElement | null>, { ofFirstChild = false } = {}): number {
  const [width, setWidth] = useState(360)
  useLayoutEffect(() => {
    const { current } = element
    const measured = ofFirstChild ? current?.firstElementChild : current
    if (!measured) return undefined
    const observer = new ResizeObserver(() => setWidth(measured.clientWidth))
    observer.observe(measured)
    return () => observer.disconnect()
  }, [ofFirstChild])
  return width
}

/** A column that is left out if the table is too narrow. */
export interface FittingColumn<Row> extends Column<Row> {
  /** Width of the panel from which the column is shown, in pixels. */
  readonly fromWidth: number
}

/** Returns the columns that fit into a panel, so that a table does not scroll sideways. */
export function fittingColumns<Row>(columns: readonly FittingColumn<Row>[], width: number): Column<Row>[] {
  return columns.filter(({ fromWidth }) => width >= fromWidth)
}
