import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { useRef } from 'preact/hooks'
import { Badge, StatusBadge } from '../components/badge.tsx'
import { Table } from '../components/table.tsx'
import { formatCount, formatDuration, formatTime, missing } from '../lib/format.ts'
import type { Subject } from '../lib/history.ts'
import { routeTo } from '../lib/router.ts'
import { useRequests } from './use-requests.ts'
import { useHeld, useHold } from './use-hold.ts'
import { type FittingColumn, fittingColumns, useWidth } from './use-width.ts'
import './request-tape.css'

/** The last sampled requests of a resource or deployment with status, tokens and times. */
export function RequestTape({ subject }: { readonly subject: Subject }) {
  const { resource, deployment } = subject
  const { isHeld, handlers } = useHold()
  const requests = useRequests(subject)
  const rows = useHeld(requests, isHeld)
  const section = useRef<HTMLElement>(null)
  const width = useWidth(section)
  return (
    <section ref={section} class="panel stack" aria-labelledby="tape-title" {...handlers}>
      <div class="row">
        <h2 id="tape-title">Last requests</h2>
        <span class="muted">{isHeld ? 'paused while you read' : 'a sample of at most 20 a second'}</span>
        <a class="row-end" href={routeTo(['requests'], { resource, deployment })}>
          All requests
        </a>
      </div>
      <Table
        label="Last requests"
        rows={rows}
        columns={fittingColumns(columns, width).filter(
          ({ name }) => deployment === undefined || name !== 'deployment',
        )}
        keyOf={({ id }) => id}
        linkOf={({ id }) => routeTo(['requests', String(id)])}
        empty={<p class="muted">No request yet.</p>}
      />
    </section>
  )
}

const columns: readonly FittingColumn<TraceSummary>[] = [
  {
    name: 'time',
    fromWidth: 0,
    title: 'Time',
    render: ({ at, id }) => (
      <a href={routeTo(['requests', String(id)])} tabIndex={-1}>
        {formatTime(at)}
      </a>
    ),
  },
  {
    name: 'status',
    fromWidth: 0,
    title: 'Status',
    render: (request) => <Outcome request={request} />,
  },
  {
    name: 'deployment',
    fromWidth: 0,
    title: 'Deployment',
    render: ({ deployment, path }) => (
      <span class="deployment-name" title={deployment ?? path}>
        <span>{deployment ?? path}</span>
      </span>
    ),
  },
  {
    name: 'operation',
    fromWidth: 760,
    title: 'Operation',
    render: ({ operation }) => operation ?? missing,
  },
  {
    name: 'prompt-tokens',
    fromWidth: 860,
    title: 'Tokens in',
    align: 'end',
    render: ({ usage }) => formatCount(usage?.prompt_tokens),
  },
  {
    name: 'completion-tokens',
    fromWidth: 860,
    title: 'Tokens out',
    align: 'end',
    render: ({ usage }) => formatCount(usage?.completion_tokens),
  },
  {
    name: 'first-token',
    fromWidth: 640,
    title: 'First token',
    align: 'end',
    render: ({ first_token_ms: ms }) => formatDuration(ms),
  },
  {
    name: 'duration',
    fromWidth: 0,
    title: 'Duration',
    align: 'end',
    render: ({ duration_ms: ms, open }) => (open ? <span class="muted">open</span> : formatDuration(ms)),
  },
]

function Outcome({ request }: { readonly request: TraceSummary }) {
  const { status, stream_error_status: streamError, limited_by: limit, fault, aborted, cut, open } = request
  const why = limit ?? fault ?? (cut ? `cut: ${cut}` : aborted ? 'client disconnected' : undefined)
  return (
    <span class="row outcome">
      {status === null && open ? <Badge>open</Badge> : <StatusBadge status={streamError ?? status} />}
      {why !== undefined && <span class="muted">{why}</span>}
    </span>
  )
}
