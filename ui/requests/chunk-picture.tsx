import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { type Column, Table } from '../components/table.tsx'
import { formatAmount, formatBytes, formatCount, formatDuration, missing } from '../lib/format.ts'
import {
  axisTimes,
  figuresOf,
  nearestTo,
  rangeOf,
  type TimedChunk,
  timedChunks,
  type TimeRange,
} from './chunk-times.ts'

/** The picture has this width in its own units; CSS stretches it. */
const WIDTH = 1_000
const LANE_HEIGHT = 72
const BARS_HEIGHT = 56

/** The parts of an answer: when they were due, when they were sent, how late they were, and the gaps between them. */
export function ChunkPicture({ trace }: { readonly trace: Trace }) {
  const { chunks: given, chunks_total: total, response, open } = trace
  const chunks = useMemo(() => timedChunks(given), [given])
  const [chosen, setChosen] = useState<number | undefined>(undefined)
  if (chunks.length === 0) {
    return (
      <section class="panel stack" aria-labelledby="parts-title">
        <h2 id="parts-title">Parts of the answer</h2>
        <p class="muted">{open ? 'Nothing was sent yet.' : 'No part of a body was sent.'}</p>
      </section>
    )
  }
  const index = Math.min(chosen ?? 0, chunks.length - 1)
  return (
    <section class="panel stack" aria-labelledby="parts-title">
      <div class="row">
        <h2 id="parts-title">Parts of the answer</h2>
        <span class="muted">
          {formatAmount(total, 'part')}, {formatBytes(response.body_bytes)}
          {total > chunks.length && `; the first ${formatCount(chunks.length)} are shown`}
        </span>
      </div>
      {chunks.length > 1 && (
        <>
          <Figures chunks={chunks} onChoose={setChosen} />
          <Picture chunks={chunks} index={index} isChosen={chosen !== undefined} onChoose={setChosen} />
        </>
      )}
      <ChosenPart chunk={chunks[index]} total={total} isChosen={chosen !== undefined} />
      {chunks.length > 1 && <PartTable chunks={chunks} />}
    </section>
  )
}

function Figures({
  chunks,
  onChoose,
}: {
  readonly chunks: readonly TimedChunk[]
  readonly onChoose: (index: number) => void
}) {
  const figures = useMemo(() => figuresOf(chunks), [chunks])
  const { firstMs, lastMs, medianGapMs, longestGap, medianLateMs, latest } = figures
  const part = (chunk: TimedChunk | undefined, ms: number | undefined | null) =>
    chunk ? (
      <button type="button" class="link-button" onClick={() => onChoose(chunk.index)}>
        {formatDuration(ms)} <span class="muted">part {formatCount(chunk.index + 1)}</span>
      </button>
    ) : (
      missing
    )
  return (
    <dl class="part-figures">
      <Fact name="First part">{formatDuration(firstMs)}</Fact>
      <Fact name="Last part">{formatDuration(lastMs)}</Fact>
      <Fact name="Gap, median">{formatDuration(medianGapMs)}</Fact>
      <Fact name="Longest gap">{part(longestGap, longestGap?.gap_ms)}</Fact>
      <Fact name="Late, median">{formatDuration(medianLateMs)}</Fact>
      <Fact name="Latest part">{part(latest, latest?.late_ms)}</Fact>
    </dl>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

interface PictureProps {
  readonly chunks: readonly TimedChunk[]
  readonly index: number
  readonly isChosen: boolean
  readonly onChoose: (index: number) => void
}

function Picture({ chunks, index, isChosen, onChoose }: PictureProps) {
  const range = useMemo(() => rangeOf(chunks), [chunks])
  const hasDue = chunks.some((chunk) => chunk.planned_ms !== null)
  const onPointer = (event: PointerEvent): void => {
    const { currentTarget: area } = event
    if (!(area instanceof HTMLElement)) return
    const { left, width } = area.getBoundingClientRect()
    const share = (event.clientX - left) / width
    onChoose(nearestTo(chunks, range.fromMs + share * (range.toMs - range.fromMs)))
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.round(chunks.length / 20))
    const next = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: chunks.length - 1,
    }[event.key]
    if (next === undefined) return
    event.preventDefault()
    onChoose(Math.min(chunks.length - 1, Math.max(0, next)))
  }
  const chunk = chunks[index]
  const label = chunk ? describePart(chunk, chunks.length) : ''
  return (
    <div
      class="chunk-picture"
      role="slider"
      tabIndex={0}
      aria-label="Parts over time. The arrow keys choose a part."
      aria-valuemin={1}
      aria-valuemax={chunks.length}
      aria-valuenow={index + 1}
      aria-valuetext={label}
      onPointerMove={onPointer}
      onPointerDown={onPointer}
      onKeyDown={onKeyDown}
    >
      <Lanes chunks={chunks} range={range} hasDue={hasDue} />
      {hasDue && <Bars title="Late" kind="late" chunks={chunks} range={range} valueOf={lateOf} />}
      <Bars title="Gap" kind="gap" chunks={chunks} range={range} valueOf={gapOf} />
      <div class="chunk-axis" aria-hidden="true">
        {axisTimes(range).map(({ ms, label: text }) => (
          <span key={ms} style={{ left: `${xOf(ms, range) / 10}%` }}>
            {text}
          </span>
        ))}
      </div>
      {chunk && isChosen && (
        <span class="chunk-cursor" style={{ left: `${xOf(chunk.actual_ms, range) / 10}%` }} />
      )}
    </div>
  )
}

const lateOf = (chunk: TimedChunk): number => chunk.late_ms ?? 0

/** The gap before the first part is the time to the answer, which would hide all others. */
const gapOf = (chunk: TimedChunk): number => (chunk.index === 0 ? 0 : chunk.gap_ms)

function describePart(
  { index, planned_ms: dueMs, actual_ms: sentMs, late_ms: lateMs }: TimedChunk,
  count: number,
) {
  const due = dueMs === null ? '' : `, due at ${formatDuration(dueMs)}, late by ${formatDuration(lateMs)}`
  return `Part ${index + 1} of ${count}, sent at ${formatDuration(sentMs)}${due}`
}

function xOf(ms: number, { fromMs, toMs }: TimeRange): number {
  return ((ms - fromMs) / (toMs - fromMs)) * WIDTH
}

interface LanesProps {
  readonly chunks: readonly TimedChunk[]
  readonly range: TimeRange
  readonly hasDue: boolean
}

/** Due times above, times of sending below, and a line from one to the other. */
function Lanes({ chunks, range, hasDue }: LanesProps) {
  const half = LANE_HEIGHT / 2
  const paths = useMemo(() => {
    const at = (ms: number): string => xOf(ms, range).toFixed(2)
    const scheduled = chunks.filter((chunk) => chunk.planned_ms !== null)
    return {
      due: scheduled.map((chunk) => `M${at(chunk.planned_ms ?? 0)} 4V${half - 12}`).join(''),
      links: scheduled
        .map((chunk) => `M${at(chunk.planned_ms ?? 0)} ${half - 12}L${at(chunk.actual_ms)} ${half + 12}`)
        .join(''),
      sent: chunks
        .map((chunk) => `M${at(chunk.actual_ms)} ${hasDue ? half + 12 : 8}V${LANE_HEIGHT - 4}`)
        .join(''),
    }
  }, [chunks, range, hasDue, half])
  const density = chunks.length > 400 ? 'dense' : chunks.length > 60 ? 'medium' : 'sparse'
  return (
    <div class="chunk-lanes">
      {hasDue && <span class="chunk-title chunk-title-due">Due</span>}
      <span class="chunk-title chunk-title-sent">Sent</span>
      <svg
        class={`chunk-svg chunk-${density}`}
        viewBox={`0 0 ${WIDTH} ${LANE_HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path class="chunk-link" d={paths.links} />
        <path class="chunk-due" d={paths.due} />
        <path class="chunk-sent" d={paths.sent} />
      </svg>
    </div>
  )
}

interface BarsProps {
  readonly title: string
  readonly kind: 'late' | 'gap'
  readonly chunks: readonly TimedChunk[]
  readonly range: TimeRange
  readonly valueOf: (chunk: TimedChunk) => number
}

/** A bar for each part at the time at which it was sent. */
function Bars({ title, kind, chunks, range, valueOf }: BarsProps) {
  const { path, maxMs } = useMemo(() => {
    const max = chunks.reduce((largest, chunk) => Math.max(largest, valueOf(chunk)), 0)
    const bars = chunks.map((chunk) => {
      const height = max > 0 ? (valueOf(chunk) / max) * (BARS_HEIGHT - 4) : 0
      return height > 0.2
        ? `M${xOf(chunk.actual_ms, range).toFixed(2)} ${BARS_HEIGHT}v${(-height).toFixed(2)}`
        : ''
    })
    return { path: bars.join(''), maxMs: max }
  }, [chunks, range, valueOf])
  const density = chunks.length > 400 ? 'dense' : chunks.length > 60 ? 'medium' : 'sparse'
  return (
    <div class="chunk-bars">
      <span class="chunk-title">
        {title}
        <br />
        <span class="muted">to {formatDuration(maxMs)}</span>
      </span>
      <svg
        class={`chunk-svg chunk-${density}`}
        viewBox={`0 0 ${WIDTH} ${BARS_HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path class={`chunk-${kind}`} d={path} />
      </svg>
    </div>
  )
}

function ChosenPart({
  chunk,
  total,
  isChosen,
}: {
  readonly chunk: TimedChunk | undefined
  readonly total: number
  readonly isChosen: boolean
}) {
  if (!chunk) return null
  const { index, planned_ms: dueMs, actual_ms: sentMs, late_ms: lateMs, gap_ms: gapMs, bytes, text } = chunk
  return (
    <div class="chosen-part">
      <p class="row">
        <strong>
          Part {formatCount(index + 1)} of {formatCount(total)}
        </strong>
        {!isChosen && total > 1 && <span class="muted">point at the picture to see another one</span>}
        <span>sent at {formatDuration(sentMs)}</span>
        <span>{dueMs === null ? 'no due time' : `due at ${formatDuration(dueMs)}`}</span>
        {lateMs !== null && <span>late by {formatDuration(lateMs)}</span>}
        {index > 0 && <span>{formatDuration(gapMs)} after the part before</span>}
        <span>{formatBytes(bytes)}</span>
      </p>
      <pre class="chosen-text">
        {text === null ? 'Not shown: binary, or see the body of the answer.' : shorten(text)}
      </pre>
    </div>
  )
}

const MAX_SHOWN = 2_000

function shorten(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  return shown.trimEnd() || '(empty: only the start of the answer is kept)'
}

const columns: readonly Column<TimedChunk>[] = [
  {
    name: 'number',
    title: 'Part',
    align: 'end',
    width: '4rem',
    sortBy: (chunk) => chunk.index,
    render: ({ index }) => formatCount(index + 1),
  },
  {
    name: 'due',
    title: 'Due',
    align: 'end',
    width: '6rem',
    sortBy: (chunk) => chunk.planned_ms,
    render: (chunk) => formatDuration(chunk.planned_ms),
  },
  {
    name: 'sent',
    title: 'Sent',
    align: 'end',
    width: '6rem',
    sortBy: (chunk) => chunk.actual_ms,
    render: (chunk) => formatDuration(chunk.actual_ms),
  },
  {
    name: 'late',
    title: 'Late',
    align: 'end',
    width: '6rem',
    sortBy: (chunk) => chunk.late_ms,
    render: (chunk) => formatDuration(chunk.late_ms),
  },
  {
    name: 'gap',
    title: 'Gap',
    align: 'end',
    width: '6rem',
    sortBy: (chunk) => chunk.gap_ms,
    render: (chunk) => formatDuration(chunk.gap_ms),
  },
  {
    name: 'bytes',
    title: 'Size',
    align: 'end',
    width: '5rem',
    sortBy: (chunk) => chunk.bytes,
    render: (chunk) => formatBytes(chunk.bytes),
  },
  {
    name: 'text',
    title: 'Text',
    isOptional: true,
    render: ({ text }) => <code class="clipped clipped-wide">{text?.slice(0, 200) ?? missing}</code>,
  },
]

function PartTable({ chunks }: { readonly chunks: readonly TimedChunk[] }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Parts as a table</summary>
      {isOpen && (
        <Table label="Parts of the answer" columns={columns} rows={chunks} keyOf={({ index }) => index} />
      )}
    </details>
  )
}
