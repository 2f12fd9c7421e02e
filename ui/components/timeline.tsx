import type { Tone } from './badge.tsx'

/** A bar of a timeline. Times are in any unit that `format` shows. */
export interface TimelineItem {
  readonly id: string | number
  readonly label: string
  readonly start: number
  /** Null: it has not ended. */
  readonly end: number | null
  readonly tone?: Tone
}

interface TimelineProps {
  readonly label: string
  readonly items: readonly TimelineItem[]
  readonly from: number
  readonly to: number
  /** Draws a line at this time. */
  readonly now?: number
  readonly format: (value: number) => string
}

/** Bars on a common axis, one in each row. */
export function Timeline({ label, items, from, to, now, format }: TimelineProps) {
  const span = Math.max(to - from, Number.EPSILON)
  const at = (value: number): number => Math.min(100, Math.max(0, ((value - from) / span) * 100))
  return (
    <div class="timeline">
      <ol aria-label={label}>
        {items.map(({ id, label: name, start, end, tone = 'accent' }) => (
          <li key={id}>
            <span class="timeline-name">{name}</span>
            <span class="timeline-track">
              <span
                class={`timeline-bar timeline-${tone}`}
                style={{ left: `${at(start)}%`, width: `max(2px, ${at(end ?? to) - at(start)}%)` }}
              />
              {now !== undefined && <span class="timeline-now" style={{ left: `${at(now)}%` }} />}
            </span>
            <span class="timeline-times">
              {format(start)} – {end === null ? 'open' : format(end)}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}
