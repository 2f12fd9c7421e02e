import { useState } from 'preact/hooks'
import { EmptyState } from '../components/empty-state.tsx'
import { Select } from '../components/field.tsx'
import { liveOf } from '../lib/history.ts'
import { own } from '../lib/live-state.ts'
import { useLive } from '../lib/live.ts'
import { navigate, routeTo, useRoute } from '../lib/router.ts'
import { Counters } from './counters.tsx'
import { DEFAULT_RESOURCE, rowsOf, summariesOf } from './deployment-rows.ts'
import { DeploymentTable } from './deployment-table.tsx'
import { FirstScreen } from './first-screen.tsx'
import { IncidentPanel } from './incident-panel.tsx'
import { phaseBands } from './incident-timeline.ts'
import { LiveCharts, mainPanels } from './live-charts.tsx'
import { RangeChoice } from './range-choice.tsx'
import { RequestTape } from './request-tape.tsx'
import { ResourceTable } from './resource-table.tsx'
import { UpstreamPanel } from './upstream-panel.tsx'
import { Verdict } from './verdict.tsx'

/** The live state of the simulator by resource and deployment, or the first steps before any request. */
export function OverviewView() {
  const stats = useLive((state) => state.stats)
  const only = useRoute().query.get('resource') ?? undefined
  const [rangeSeconds, setRangeSeconds] = useState(300)
  if (!stats?.totals) return <EmptyState isView title="Waiting for the first figures" />
  const { simulator, incidents, upstreams, at_ms: atMs } = stats
  const all = rowsOf(stats.resources)
  const summaries = summariesOf(all)
  const resource = summaries.some((summary) => summary.resource === only) ? only : undefined
  const live = liveOf(stats, { resource }) ?? stats.totals
  const rows = resource === undefined ? all : all.filter((row) => row.resource === resource)
  const clockMs = Date.parse(simulator.now)
  const isFresh = stats.totals.requests === 0 && stats.totals.active === 0
  return (
    <div class="stack">
      <header class="row">
        <h1>Overview</h1>
        <div class="row row-end">
          {summaries.length > 1 && (
            <Select
              label="Resource"
              hidesLabel
              value={resource ?? ''}
              options={[
                { value: '', title: `All ${summaries.length} resources` },
                ...summaries.map((summary) => ({ value: summary.resource, title: summary.resource })),
              ]}
              onChange={(chosen) => navigate(routeTo([], { resource: chosen }))}
            />
          )}
          {!isFresh && <RangeChoice seconds={rangeSeconds} onChange={setRangeSeconds} />}
        </div>
      </header>
      {isFresh && <FirstScreen resource={resource ?? DEFAULT_RESOURCE} />}
      <Verdict simulator={simulator} />
      <IncidentPanel incidents={incidents} nowMs={clockMs} />
      {!isFresh && (
        <>
          <LiveCharts
            panels={mainPanels}
            live={live}
            subject={{ resource }}
            atMs={atMs}
            rangeSeconds={rangeSeconds}
            bands={phaseBands(own(incidents, resource ?? DEFAULT_RESOURCE), { clockMs, atMs })}
          />
          <Counters live={live} />
        </>
      )}
      {summaries.length > 1 && resource === undefined && (
        <ResourceTable summaries={summaries} incidents={incidents} />
      )}
      <DeploymentTable
        rows={rows}
        atMs={atMs}
        showsResource={summaries.length > 1 && resource === undefined}
      />
      {!isFresh && <RequestTape subject={{ resource }} />}
      <UpstreamPanel upstreams={upstreams} />
    </div>
  )
}
