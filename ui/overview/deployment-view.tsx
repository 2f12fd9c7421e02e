import { useEffect, useState } from 'preact/hooks'
import type { Live } from '../../src/server/admin/live-stats.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { Meter } from '../components/meter.tsx'
import { api } from '../lib/api.ts'
import { formatPercent, formatShort } from '../lib/format.ts'
import { liveOf } from '../lib/history.ts'
import { own } from '../lib/live-state.ts'
import { useLive } from '../lib/live.ts'
import { routeTo, useRoute } from '../lib/router.ts'
import { Counters } from './counters.tsx'
import { usedShare } from './deployment-rows.ts'
import { phaseBands } from './incident-timeline.ts'
import { describeMeter, describeNext, type LimitMeter, metersOf } from './limit-meters.ts'
import { type ChartPanel, LiveCharts, mainPanels } from './live-charts.tsx'
import { RangeChoice } from './range-choice.tsx'
import { RequestTape } from './request-tape.tsx'
import './deployment-view.css'

const panels: readonly ChartPanel[] = [
  ...mainPanels,
  {
    title: 'Limits',
    unit: 'used',
    figure: (live) => formatPercent(usedShare(live)),
    format: formatPercent,
    minTop: 0.9,
    lines: [
      { column: 'tokens_used_share', label: 'tokens', combine: 'max', isFilled: true },
      { column: 'requests_used_share', label: 'requests', combine: 'max', colour: '--series-2' },
    ],
  },
  {
    title: 'Open requests',
    unit: 'now',
    figure: ({ active }) => formatShort(active),
    format: formatShort,
    minTop: 1,
    lines: [
      { column: 'active', label: 'all', combine: 'max', isFilled: true },
      { column: 'streams', label: 'streams', combine: 'max', colour: '--series-2' },
      { column: 'queue', label: 'waiting for a slot', combine: 'max', colour: '--warn' },
    ],
  },
]

/** One deployment: limits, rates, times, counts and its last requests. */
export function DeploymentView() {
  const { segments } = useRoute()
  const [, resource = '', deployment = ''] = segments
  const stats = useLive((state) => state.stats)
  const [rangeSeconds, setRangeSeconds] = useState(300)
  const model = useModel(resource, deployment)
  const live = liveOf(stats, { resource, deployment })
  if (!stats) return <EmptyState title="Waiting for the first figures" />
  const clockMs = Date.parse(stats.simulator.now)
  return (
    <div class="stack">
      <header class="stack deployment-head">
        <nav aria-label="Location">
          <a href="#/">Overview</a> <span aria-hidden="true">/</span>{' '}
          <a href={routeTo([], { resource })}>{resource}</a>
        </nav>
        <div class="row">
          <h1>{deployment === '' ? 'Requests without a deployment' : deployment}</h1>
          {model !== undefined && model !== deployment && <span class="muted">{model}</span>}
          <div class="row row-end">
            {deployment !== '' && (
              <a class="button" href={routeTo(['steer', 'deployments', resource, deployment])}>
                Change settings
              </a>
            )}
            <RangeChoice seconds={rangeSeconds} onChange={setRangeSeconds} />
          </div>
        </div>
      </header>
      {live ? (
        <>
          {deployment !== '' && <Limits live={live} />}
          <LiveCharts
            panels={panels}
            columns={3}
            live={live}
            subject={{ resource, deployment }}
            atMs={stats.at_ms}
            rangeSeconds={rangeSeconds}
            bands={phaseBands(own(stats.incidents, resource), { clockMs, atMs: stats.at_ms }, deployment)}
          />
          <Counters live={live} />
          <RequestTape subject={{ resource, deployment }} />
        </>
      ) : (
        <EmptyState title="No such deployment">
          The resource {resource} has no deployment {deployment}. <a href="#/">Open the overview</a>.
        </EmptyState>
      )}
    </div>
  )
}

/** The model of a deployment; undefined until it is known. */
function useModel(resource: string, deployment: string): string | undefined {
  const [model, setModel] = useState<string>()
  const change = useLive((state) => state.configChange)
  useEffect(() => {
    setModel(undefined)
    if (deployment === '') return undefined
    const abort = new AbortController()
    const path = `/++/resources/${encodeURIComponent(resource)}/deployments/${encodeURIComponent(deployment)}`
    api
      .get<{ readonly model?: unknown }>(path, { signal: abort.signal })
      .then((entry) => setModel(typeof entry.model === 'string' ? entry.model : undefined))
      // Deployments that a request has named do not have to be configured.
      .catch(() => setModel(undefined))
    return () => abort.abort()
  }, [resource, deployment, change])
  return model
}

function Limits({ live }: { readonly live: Live }) {
  const meters = metersOf(live)
  return (
    <section class="panel stack" aria-labelledby="limits-title">
      <h2 id="limits-title">Limits</h2>
      {meters.length === 0 ? (
        <p class="muted">Requests to this deployment are not limited.</p>
      ) : (
        <div class="limits">
          {meters.map((meter) => (
            <LimitPanel key={meter.id} meter={meter} />
          ))}
        </div>
      )}
    </section>
  )
}

function LimitPanel({ meter }: { readonly meter: LimitMeter }) {
  return (
    <div class="limit">
      <Meter label={meter.label} share={meter.share ?? 0} text={<strong>{describeMeter(meter)}</strong>} />
      <p class={meter.freeInSeconds > 0 || (meter.waiting ?? 0) > 0 ? 'tone-warn' : 'muted'}>
        {describeNext(meter)}
      </p>
    </div>
  )
}
