import type { LiveUpstream } from '../../src/server/admin/live-stats.ts'
import { type Column, Table } from '../components/table.tsx'
import { formatCount, formatDuration } from '../lib/format.ts'
import { countsOf } from './live-figures.ts'

interface UpstreamRow {
  readonly name: string
  readonly upstream: LiveUpstream
}

/** Upstreams with their attempts since the start. Nothing without upstreams. */
export function UpstreamPanel({ upstreams }: { readonly upstreams: Readonly<Record<string, LiveUpstream>> }) {
  const rows = Object.entries(upstreams).map(([name, upstream]): UpstreamRow => ({ name, upstream }))
  if (rows.length === 0) return null
  return (
    <section class="panel stack" aria-labelledby="upstreams-title">
      <h2 id="upstreams-title">
        Upstreams <span class="muted">since the start</span>
      </h2>
      <Table label="Upstreams" rows={rows} columns={columns} keyOf={({ name }) => name} />
    </section>
  )
}

const columns: readonly Column<UpstreamRow>[] = [
  { name: 'name', title: 'Upstream', sortBy: ({ name }) => name, render: ({ name }) => name },
  {
    name: 'requests',
    title: 'Attempts',
    align: 'end',
    sortBy: ({ upstream: { requests } }) => requests,
    render: ({ upstream: { requests } }) => formatCount(requests),
  },
  {
    name: 'errors',
    title: 'Errors',
    align: 'end',
    sortBy: ({ upstream: { errors } }) => errors,
    render: ({ upstream: { errors, by_status: statuses } }) => (
      <span
        class={errors > 0 ? 'tone-error' : 'muted'}
        title={countsOf(statuses)
          .map(({ name, count }) => `${name}: ${formatCount(count)}`)
          .join(', ')}
      >
        {formatCount(errors)}
      </span>
    ),
  },
  {
    name: 'retries',
    title: 'Repeated',
    align: 'end',
    isOptional: true,
    render: ({ upstream: { retries } }) => formatCount(retries),
  },
  {
    name: 'first-byte',
    title: 'First byte (p50)',
    align: 'end',
    isOptional: true,
    render: ({ upstream: { first_byte_ms: times } }) => formatDuration(times?.p50),
  },
  {
    name: 'latency',
    title: 'Duration (p50)',
    align: 'end',
    render: ({ upstream: { latency_ms: times } }) => formatDuration(times?.p50),
  },
]
