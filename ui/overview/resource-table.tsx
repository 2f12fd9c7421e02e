import type { LiveIncidents } from '../../src/server/admin/live-stats.ts'
import { Badge } from '../components/badge.tsx'
import { type Column, Table } from '../components/table.tsx'
import { formatCount, formatShort } from '../lib/format.ts'
import { own } from '../lib/live-state.ts'
import { routeTo } from '../lib/router.ts'
import type { ResourceSummary } from './deployment-rows.ts'

type ResourceRow = ResourceSummary & { readonly phase: string | null }

/** The resources with their sums. A row shows only this resource. */
export function ResourceTable(props: {
  readonly summaries: readonly ResourceSummary[]
  readonly incidents: Readonly<Record<string, LiveIncidents>>
}) {
  const rows = props.summaries.map((summary): ResourceRow => {
    const incidents = own(props.incidents, summary.resource)
    return { ...summary, phase: incidents?.running === true ? incidents.phase : null }
  })
  return (
    <section class="panel stack" aria-labelledby="resources-title">
      <h2 id="resources-title">
        Resources <span class="muted">{formatCount(rows.length)}</span>
      </h2>
      <Table
        label="Resources"
        rows={rows}
        columns={columns}
        keyOf={({ resource }) => resource}
        linkOf={({ resource }) => routeTo([], { resource })}
      />
    </section>
  )
}

const columns: readonly Column<ResourceRow>[] = [
  {
    name: 'name',
    title: 'Resource',
    sortBy: ({ resource }) => resource,
    render: ({ resource }) => (
      <a class="deployment-name" href={routeTo([], { resource })} tabIndex={-1}>
        <span>{resource}</span>
      </a>
    ),
  },
  {
    name: 'incident',
    title: 'Incident',
    isOptional: true,
    render: ({ phase }) =>
      phase === null ? <span class="muted">none</span> : <Badge tone="warn">{phase}</Badge>,
  },
  {
    name: 'deployments',
    title: 'Deployments',
    align: 'end',
    isOptional: true,
    sortBy: ({ deployments }) => deployments,
    render: ({ deployments }) => formatCount(deployments),
  },
  number('requests', 'Requests/s', ({ requestsPerSecond }) => requestsPerSecond),
  number('tokens', 'Tokens/s', ({ tokensPerSecond }) => tokensPerSecond),
  number('limited', '429/s', ({ limitedPerSecond }) => limitedPerSecond, 'tone-warn'),
  number('streams', 'Streams', ({ streams }) => streams),
]

function number(
  name: string,
  title: string,
  read: (row: ResourceRow) => number,
  tone?: string,
): Column<ResourceRow> {
  return {
    name,
    title,
    align: 'end',
    isOptional: name === 'streams' || name === 'tokens',
    sortBy: read,
    render: (row) => <span class={read(row) === 0 ? 'muted' : tone}>{formatShort(read(row))}</span>,
  }
}
