import { useState } from 'preact/hooks'
import { Badge, StatusBadge, type Tone } from '../components/badge.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { formatDateTime, formatDuration, formatTime } from '../lib/format.ts'
import { routeTo } from '../lib/router.ts'
import type { Level, LogEntry } from './log-entry.ts'

const tones: Readonly<Record<Level, Tone>> = {
  debug: 'neutral',
  info: 'accent',
  warn: 'warn',
  error: 'error',
}

/** One entry: a line that opens to all its fields. */
export function LogRow({ entry }: { readonly entry: LogEntry }) {
  const [isOpen, setOpen] = useState(false)
  const { time, level, event, message, deployment, resource, status, ms, code } = entry
  const place = [resource === 'default' ? '' : resource, deployment].filter(Boolean).join(' / ')
  return (
    <li class={`log-row log-row-${level}`}>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <time dateTime={time} title={formatDateTime(time)}>
            {formatTime(time, { withMs: true })}
          </time>
          <span class="log-level">
            <Badge tone={tones[level]}>{level}</Badge>
          </span>
          <span class="log-event">{event}</span>
          <span class="log-message">
            {message}
            {code && <span class="muted"> {code}</span>}
          </span>
          <span class="log-place muted">{place}</span>
          <span class="log-status">{status !== null && <StatusBadge status={status} />}</span>
          <span class="log-ms">{ms !== null && formatDuration(ms)}</span>
        </summary>
        {isOpen && <Details entry={entry} />}
      </details>
    </li>
  )
}

function Details({ entry }: { readonly entry: LogEntry }) {
  const { request, deployment, resource, upstream } = entry
  return (
    <div class="log-details stack">
      <div class="row">
        {request && (
          <>
            <a class="button" href={routeTo(['requests', request])}>
              Open the request
            </a>
            <a class="button" href={routeTo(['logs'], { request })}>
              Only this request
            </a>
          </>
        )}
        {deployment && (
          <a class="button" href={routeTo(['logs'], { resource: resource ?? '', deployment })}>
            Only this deployment
          </a>
        )}
        {upstream && <span class="muted">Upstream: {upstream}</span>}
      </div>
      <CodeBlock label="Entry as JSON" text={JSON.stringify(entry, undefined, 2)} wraps />
    </div>
  )
}
