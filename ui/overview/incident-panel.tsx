import type { LiveIncidents } from '../../src/server/admin/live-stats.ts'
import { formatDuration } from '../lib/format.ts'
import { routeTo } from '../lib/router.ts'
import { describeIncidents, type IncidentTimeline, timelineOf } from './incident-timeline.ts'
import './incident-panel.css'

interface IncidentPanelProps {
  /** By resource. */
  readonly incidents: Readonly<Record<string, LiveIncidents>>
  /** Time of the clock of the simulator, in milliseconds since 1970. */
  readonly nowMs: number
}

/** The running timetables, each on a time line with past and coming phases. Nothing if none is running. */
export function IncidentPanel({ incidents, nowMs }: IncidentPanelProps) {
  const running = Object.entries(incidents).filter(([, { running }]) => running)
  if (running.length === 0) return null
  return (
    <section class="panel stack incident-panel" aria-labelledby="incidents-title">
      <h2 id="incidents-title">{running.length === 1 ? 'Incident' : 'Incidents'}</h2>
      {running.map(([resource, state]) => (
        <ResourceTimeline
          key={resource}
          resource={resource}
          incidents={state}
          timeline={timelineOf(state, nowMs)}
        />
      ))}
    </section>
  )
}

interface ResourceTimelineProps {
  readonly resource: string
  readonly incidents: LiveIncidents
  readonly timeline: IncidentTimeline
}

function ResourceTimeline({ resource, incidents, timeline }: ResourceTimelineProps) {
  const { segments, now, secondsToChange, current } = timeline
  return (
    <div class="incident">
      <p class="row">
        <strong>{resource}</strong>
        <span>{describeIncidents(incidents, timeline)}</span>
        <span class="muted row-end">
          {secondsToChange === undefined
            ? current
              ? 'until it is stopped'
              : ''
            : `${current ? 'ends' : 'begins'} in ${formatDuration(Math.ceil(secondsToChange) * 1_000)}`}
        </span>
        <a href={routeTo(['steer', 'incidents'], { resource })}>Change or stop</a>
      </p>
      <ol class="incident-track" aria-label={`Phases of ${resource}`}>
        {segments.map((segment) => (
          <li
            key={segment.name}
            class={`incident-phase incident-${segment.state}`}
            style={{ left: percent(segment.from), width: percent(segment.to - segment.from) }}
            title={titleOf(segment)}
            aria-current={segment.state === 'current' ? 'step' : undefined}
          >
            <span>{segment.name}</span>
            <span class="visually-hidden">{` ${titleOf(segment)}, ${segment.state}`}</span>
          </li>
        ))}
        {now !== undefined && <li class="incident-now" style={{ left: percent(now) }} aria-hidden="true" />}
      </ol>
    </div>
  )
}

function titleOf({
  name,
  deployment,
  startsAtSeconds,
  endsAtSeconds,
}: IncidentTimeline['segments'][number]): string {
  const end = endsAtSeconds === undefined ? 'endless' : `to ${formatDuration(endsAtSeconds * 1_000)}`
  return `${name}${deployment === null ? '' : `, ${deployment} only`}: ${formatDuration(startsAtSeconds * 1_000)} ${end}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}
