import { useRef, useState } from 'preact/hooks'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field, Switch } from '../components/field.tsx'
import { ScopeFilter } from '../components/scope-filter.tsx'
import { type Column, Table } from '../components/table.tsx'
import {
  formatAmount,
  formatCount,
  formatDateTime,
  formatDuration,
  formatTime,
  missing,
} from '../lib/format.ts'
import { navigate, routeTo, useRoute } from '../lib/router.ts'
import type { TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { filterOf, hasFilter, outcomeOf, type TraceFilter } from './trace-list.ts'
import { useTraces } from './use-traces.ts'
import './requests.css'

/** The latest sampled requests, with filters in the address. */
export function RequestsView() {
  const filter = filterOf(useRoute().query)
  const { list, isLoading, problem } = useTraces(filter)
  const [follows, setFollows] = useState(true)
  // What is shown while the view does not follow.
  const held = useRef<readonly TraceSummary[]>([])
  const heldFor = useRef('')
  const filterKey = JSON.stringify(filter)
  if (follows || heldFor.current !== filterKey || held.current.length === 0) {
    held.current = list.traces
    heldFor.current = filterKey
  } else {
    // The rows stay in place, but open requests end.
    const current = new Map(list.traces.map((trace) => [trace.id, trace]))
    held.current = held.current.map((trace) => current.get(trace.id) ?? trace)
  }
  const newest = held.current[0]?.id ?? 0
  const waiting = list.traces.filter(({ id }) => id > newest).length
  return (
    <div class="stack">
      <div class="row">
        <h1>Requests</h1>
        <span class="row-end">
          <Switch label="Follow" isOn={follows} onChange={setFollows} />
        </span>
      </div>
      <Filters filter={filter} />
      {problem?.code === 'TracesOff' ? (
        <EmptyState title="Traces are off">{problem.message}</EmptyState>
      ) : (
        <section class="panel requests" aria-label="Requests">
          {problem && (
            <p class="field-problem" role="alert">
              {problem.message}
            </p>
          )}
          <p class="row requests-count muted" role="status">
            {waiting > 0 ? (
              <Button onClick={() => setFollows(true)}>Show {formatAmount(waiting, 'new request')}</Button>
            ) : (
              <span>{formatAmount(held.current.length, 'request')}, newest first</span>
            )}
            <SampleNote seen={list.seen} sampled={list.lastId} />
          </p>
          <Table
            label="Requests"
            columns={columns}
            rows={held.current}
            keyOf={({ id }) => id}
            linkOf={({ id }) => routeTo(['requests', String(id)])}
            empty={
              isLoading ? <p class="muted requests-loading">Loading…</p> : <NoRequests filter={filter} />
            }
          />
        </section>
      )}
    </div>
  )
}

/** How many of all requests are sampled, and how to get all. */
function SampleNote({ seen, sampled }: { readonly seen: number; readonly sampled: number }) {
  return (
    <span>
      {seen > sampled
        ? `A sample: ${formatCount(sampled)} of ${formatCount(seen)} requests: up to 20 a second per process, and each with x-sim-trace: on. `
        : 'All requests are here until there are more than 20 a second. '}
      The complete list is the journal: <code>JOURNAL_SIZE=10000</code>, <code>GET /++/requests</code>{' '}
      (docs/admin.md).
    </span>
  )
}

function NoRequests({ filter }: { readonly filter: TraceFilter }) {
  return hasFilter(filter) ? (
    <EmptyState title="No match">
      No kept request matches. <a href="#/requests">Remove the filters</a>.
    </EmptyState>
  ) : (
    <EmptyState title="No requests yet">Requests to the simulator appear here within a second.</EmptyState>
  )
}

const columns: readonly Column<TraceSummary>[] = [
  {
    name: 'time',
    title: 'Time',
    render: ({ at, id }) => (
      <a href={routeTo(['requests', String(id)])} title={`${formatDateTime(at)}, request ${id}`}>
        {formatTime(at)}
      </a>
    ),
  },
  {
    name: 'status',
    title: 'Status',
    help: 'With the reason, or with what answered',
    render: (trace) => <OutcomeCell trace={trace} />,
  },
  {
    name: 'deployment',
    title: 'Deployment',
    render: ({ deployment, resource, path }) => (
      <span class="clipped" title={path}>
        {resource !== 'default' && <span class="muted">{resource} / </span>}
        {deployment ?? <span class="muted">{path}</span>}
      </span>
    ),
  },
  {
    name: 'operation',
    title: 'Operation',
    isOptional: true,
    render: ({ operation, method, streamed }) => (
      <span class="nowrap">
        {operation ?? method}
        {streamed && <span class="muted"> stream</span>}
      </span>
    ),
  },
  {
    name: 'tokens',
    title: 'Tokens',
    help: 'Prompt and completion tokens',
    align: 'end',
    isOptional: true,
    render: ({ usage }) =>
      usage ? (
        <span class="nowrap">
          {formatCount(usage.prompt_tokens)} → {formatCount(usage.completion_tokens)}
        </span>
      ) : (
        missing
      ),
  },
  {
    name: 'first',
    title: 'First token',
    align: 'end',
    isOptional: true,
    render: ({ first_token_ms: ms }) => <span class="nowrap">{formatDuration(ms)}</span>,
  },
  {
    name: 'duration',
    title: 'Duration',
    align: 'end',
    render: ({ duration_ms: ms }) => <span class="nowrap">{formatDuration(ms)}</span>,
  },
  {
    name: 'client',
    title: 'Client',
    isOptional: true,
    render: ({ client }) => (
      <span class="clipped clipped-short" title={client}>
        {client}
      </span>
    ),
  },
]

function OutcomeCell({ trace }: { readonly trace: TraceSummary }) {
  const { tone, label, why } = outcomeOf(trace)
  const note = why ?? trace.answered_by
  return (
    <span class="outcome">
      <Badge tone={tone}>{label}</Badge>
      {note && (
        <span class="clipped muted outcome-note" title={[trace.answered_by, why].filter(Boolean).join(': ')}>
          {note}
        </span>
      )}
    </span>
  )
}

const statuses = [
  ['', 'All'],
  ['2xx', '2xx'],
  ['4xx', '4xx'],
  ['429', '429'],
  ['5xx', '5xx'],
] as const

function Filters({ filter }: { readonly filter: TraceFilter }) {
  const change = (part: Partial<TraceFilter>): void =>
    navigate(routeTo(['requests'], { ...filter, ...part }), { replace: true })
  const isOther = !statuses.some(([value]) => value === filter.status)
  return (
    <div class="row requests-filters">
      <div class="toggles" role="group" aria-label="Status">
        {statuses.map(([value, title]) => (
          <Button key={value} pressed={filter.status === value} onClick={() => change({ status: value })}>
            {title}
          </Button>
        ))}
        {isOther && <Button pressed>{filter.status}</Button>}
      </div>
      <ScopeFilter resource={filter.resource} deployment={filter.deployment} onChange={change} />
      <Field
        label="Search in requests and answers"
        hidesLabel
        type="search"
        placeholder="Search in requests and answers"
        value={filter.text}
        onInput={(text) => change({ text })}
      />
      {filter.client && (
        <Button label={`Remove the filter: client ${filter.client}`} onClick={() => change({ client: '' })}>
          Client {filter.client} ✕
        </Button>
      )}
      {hasFilter(filter) && (
        <a class="button button-quiet" href="#/requests">
          Remove filters
        </a>
      )}
    </div>
  )
}
