import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { formatCount } from '../lib/format.ts'
import { EmptyState } from './empty-state.tsx'
import { Field } from './field.tsx'
import { filterRows, type Sorting, type SortValue, sortRows, visibleRows } from './table-rows.ts'

/** A column of a table. */
export interface Column<Row> {
  readonly name: string
  readonly title: string
  /** Explains the title, as a tooltip. */
  readonly help?: string
  /** Makes the column sortable. */
  readonly sortBy?: (row: Row) => SortValue
  readonly render: (row: Row) => ComponentChildren
  /** Numbers are at the end. Default `start`. */
  readonly align?: 'start' | 'end'
  /** Left out on narrow screens. */
  readonly isOptional?: boolean
  /** CSS width, such as `8rem`. Default: by content. */
  readonly width?: string
}

interface TableProps<Row> {
  /** What the table lists, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string | number
  readonly initialSorting?: Sorting
  /** Adds a filter that searches this text. */
  readonly filterBy?: (row: Row) => string
  readonly filterLabel?: string
  /** Beside the filter. */
  readonly tools?: ComponentChildren
  /** Address that Enter and a click on a row open. */
  readonly linkOf?: (row: Row) => string
  readonly isSelected?: (row: Row) => boolean
  /** Shown without rows. */
  readonly empty?: ComponentChildren
}

/** Up to so many rows are all rendered, without an own scroll area. */
const MAX_PLAIN_ROWS = 60
const ROW_HEIGHT = 36

/** A sortable table. Only the visible rows of a long table are rendered. The arrow keys move between rows. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, keyOf, filterBy, linkOf, isSelected, empty } = props
  const [sorting, setSorting] = useState(props.initialSorting)
  const [filter, setFilter] = useState('')
  const [scrollTop, setScrollTop] = useState(0)
  const [height, setHeight] = useState(640)
  // Which row the Tab key reaches.
  const [current, setCurrent] = useState(0)
  const area = useRef<HTMLDivElement>(null)
  const wanted = useRef<number | undefined>(undefined)

  const filtered = useMemo(
    () => (filterBy ? filterRows(rows, filterBy, filter) : rows),
    [rows, filter, filterBy],
  )
  const sortBy = columns.find(({ name }) => name === sorting?.column)?.sortBy
  const shown = useMemo(
    () => (sortBy && sorting ? sortRows(filtered, sortBy, sorting.direction) : filtered),
    [filtered, sortBy, sorting],
  )
  const isLong = shown.length > MAX_PLAIN_ROWS
  const { first, end, above, below } = isLong
    ? visibleRows(shown.length, ROW_HEIGHT, scrollTop, height)
    : { first: 0, end: shown.length, above: 0, below: 0 }

  useLayoutEffect(() => {
    const { current: element } = area
    if (!element) return undefined
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [isLong])

  useLayoutEffect(() => {
    const { current: index } = wanted
    if (index === undefined) return
    const row = area.current?.querySelector<HTMLElement>(`tr[aria-rowindex="${index + 2}"]`)
    if (!row) return
    wanted.current = undefined
    row.focus({ preventScroll: true })
    row.scrollIntoView({ block: 'nearest' })
  })

  const moveTo = (index: number): void => {
    const at = Math.min(Math.max(0, index), shown.length - 1)
    wanted.current = at
    setCurrent(at)
    const { current: element } = area
    // Brings the row into the rendered part; the effect then moves the focus.
    if (isLong && element && (at < first || at >= end)) element.scrollTop = at * ROW_HEIGHT
  }

  const onKeyDown = (event: KeyboardEvent, row: Row, index: number): void => {
    if (event.target !== event.currentTarget) return
    const page = Math.max(1, Math.floor(height / ROW_HEIGHT) - 1)
    const next = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: shown.length - 1,
    }[event.key]
    if (next !== undefined) moveTo(next)
    else if (event.key === 'Enter' && linkOf) location.hash = linkOf(row)
    else return
    event.preventDefault()
  }

  const onClick = (event: MouseEvent, row: Row): void => {
    const isControl =
      event.target instanceof Element && event.target.closest('a, button, input, select, label')
    if (!linkOf || isControl || getSelection()?.toString()) return
    location.hash = linkOf(row)
  }

  return (
    <div class="table">
      {(filterBy || props.tools) && (
        <div class="row">
          {filterBy && (
            <Field
              label={props.filterLabel ?? `Filter: ${label}`}
              hidesLabel
              type="search"
              placeholder={props.filterLabel ?? 'Filter'}
              value={filter}
              onInput={setFilter}
            />
          )}
          {props.tools}
          {filter && (
            <span class="muted" role="status">
              {formatCount(filtered.length)} of {formatCount(rows.length)}
            </span>
          )}
        </div>
      )}
      <div
        ref={area}
        class={isLong ? 'table-area table-area-long' : 'table-area'}
        onScroll={({ currentTarget }) => isLong && setScrollTop(currentTarget.scrollTop)}
      >
        <table aria-label={label} aria-rowcount={shown.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <HeadCell key={column.name} column={column} sorting={sorting} onSort={setSorting} />
              ))}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <Spacer height={above} columns={columns.length} />}
            {shown.slice(first, end).map((row, offset) => (
              <tr
                key={keyOf(row)}
                aria-rowindex={first + offset + 2}
                aria-selected={isSelected ? isSelected(row) : undefined}
                class={linkOf ? 'table-link' : undefined}
                tabIndex={first + offset === Math.min(current, shown.length - 1) ? 0 : -1}
                onKeyDown={(event) => onKeyDown(event, row, first + offset)}
                onClick={(event) => onClick(event, row)}
                onFocus={() => setCurrent(first + offset)}
              >
                {columns.map((column) => (
                  <td key={column.name} class={classOf(column)}>
                    {column.render(row)}
                  </td>
                ))}
              </tr>
            ))}
            {below > 0 && <Spacer height={below} columns={columns.length} />}
          </tbody>
        </table>
      </div>
      {shown.length === 0 &&
        (filter ? <EmptyState title="No match">Change the filter.</EmptyState> : (empty ?? null))}
    </div>
  )
}

function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    <tr aria-hidden="true" class="table-spacer">
      <td colSpan={columns} style={{ height }} />
    </tr>
  )
}

function HeadCell<Row>(props: {
  readonly column: Column<Row>
  readonly sorting: Sorting | undefined
  readonly onSort: (sorting: Sorting) => void
}) {
  const { column, sorting, onSort } = props
  const { name, title, help, sortBy, width } = column
  const direction = sorting?.column === name ? sorting.direction : undefined
  const sort = (): void =>
    onSort({ column: name, direction: direction === 'ascending' ? 'descending' : 'ascending' })
  return (
    <th
      scope="col"
      class={classOf(column)}
      title={help}
      aria-sort={direction}
      style={width === undefined ? undefined : { width }}
    >
      {sortBy ? (
        <button type="button" onClick={sort}>
          {title}
          <span aria-hidden="true" class="table-arrow">
            {direction === 'ascending' ? '▲' : direction === 'descending' ? '▼' : ''}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  )
}

function classOf<Row>({ align, isOptional }: Column<Row>): string | undefined {
  return [align === 'end' && 'align-end', isOptional && 'optional'].filter(Boolean).join(' ') || undefined
}
