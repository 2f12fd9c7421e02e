import { formatDuration } from '../lib/format.ts'
import { isTree } from './json-tree.ts'
import { parseTime, placePhases, type PlacedPhase } from './timetable.ts'

/** Colours of the phases, in their order. */
const series = 6

/** Draws a round of a timetable: a bar for each phase, as long as it lasts. */
export function TimetablePicture({
  timetable,
  nowMs,
}: {
  readonly timetable: unknown
  readonly nowMs?: number | undefined
}) {
  const phases = placePhases(timetable)
  const lastEnd = Math.max(0, ...phases.map(({ endMs }) => endMs).filter(Number.isFinite))
  const lastStart = Math.max(0, ...phases.map(({ startMs }) => startMs).filter(Number.isFinite))
  // A phase without an end has a sixth of the picture.
  const isOpen = phases.some(({ endMs }) => endMs === Infinity)
  const closedMs = Math.max(lastEnd, lastStart)
  const totalMs = isOpen ? Math.max(closedMs * 1.2, nowMs ?? 0, 1) : Math.max(closedMs, 1)
  const at = (ms: number): number => Math.min(100, (ms / totalMs) * 100)
  const repeat = isTree(timetable) ? timetable['repeat'] : undefined
  const wait = isTree(timetable) ? parseTime(timetable['start_after']) : undefined
  if (phases.length === 0) return <p class="muted">The timetable has no phases.</p>
  return (
    <figure class="timetable">
      <div class="timetable-track" aria-hidden="true">
        {phases.map((phase, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- phases can have the same name while they are edited
          <span key={index} class="timetable-bar" style={barOf(phase, index, at)} title={describe(phase)}>
            {phase.name}
          </span>
        ))}
        {nowMs !== undefined && <span class="timetable-now" style={{ left: `${at(nowMs)}%` }} />}
      </div>
      <div class="timetable-scale muted" aria-hidden="true">
        <span>0 s</span>
        <span>{isOpen ? 'no end' : formatDuration(totalMs)}</span>
      </div>
      <ol class="timetable-phases">
        {phases.map((phase, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- as above
          <li key={index}>
            <span class="timetable-key" style={{ background: colourOf(index) }} aria-hidden="true" />
            <strong>{phase.name}</strong> <span class="muted">{describe(phase)}</span>
          </li>
        ))}
      </ol>
      <figcaption class="muted">
        {wait ? `Starts after ${formatDuration(wait)}. ` : ''}
        {repeat === true
          ? 'Repeats without an end.'
          : typeof repeat === 'number'
            ? `${repeat} rounds.`
            : 'One round.'}
      </figcaption>
    </figure>
  )
}

function colourOf(index: number): string {
  return `var(--series-${(index % series) + 1})`
}

function barOf({ startMs, endMs }: PlacedPhase, index: number, at: (ms: number) => number) {
  const left = at(startMs)
  const right = endMs === Infinity ? 100 : at(endMs)
  return { left: `${left}%`, width: `max(3px, ${right - left}%)`, background: colourOf(index) }
}

function describe({ startMs, endMs, effects, deployment }: PlacedPhase): string {
  const time = `${startMs === 0 ? '0 s' : formatDuration(startMs)} – ${endMs === Infinity ? 'no end' : formatDuration(endMs)}`
  const where = deployment === undefined ? '' : `, only ${deployment}`
  return `${time}: ${effects.length === 0 ? 'no change' : effects.join(', ')}${where}`
}
