import { useEffect, useState } from 'preact/hooks'
import type { Live } from '../../src/server/admin/live-stats.ts'
import { EmptyState } from '../components/empty-state.tsx'
import { Meter } from '../components/meter.tsx'
import { api } from '../lib/api.ts'
import { formatPercent } from '../lib/format.ts'
import { liveOf } from '../lib/history.ts'
import { own } from '../lib/live-state.ts'
import { useLive } from '../lib/live.ts'
import { routeTo, useRoute } from '../lib/router.ts'
import { Counters } from './counters.tsx'
import { phaseBands } from './incident-timeline.ts'
import { describeMeter, describeNext, type LimitMeter, metersOf } from './limit-meters.ts'
import { type ChartPanel, LiveCharts, type LiveChartsProps, mainPanels } from './live-charts.tsx'
import { RangeChoice } from './range-choice.tsx'
import { RequestTape } from './request-tape.tsx'
import './deployment-view.css'

const tokens: ChartPanel['lines'][number] = {
  column: 'tokens_used_share',
  label: 'tokens',
  combine: 'max',
  isFilled: true,
}

const payAsYouGoPanels = [
  limitPanel([
    tokens,
    { column: 'requests_used_share', label: 'requests', combine: 'max', colour: '--series-2' },
  ]),
]

const provisionedPanels = [limitPanel([{ ...tokens, label: 'provisioned throughput' }])]

function limitPanel(lines: ChartPanel['lines']): ChartPanel {
  return { title: 'Used', unit: 'share of the limit', lines, format: formatPercent, minTop: 0.9 }
}

/** One deployment: limits, rates, times, counts and its last requests. */
export function DeploymentView() {
  const { segments } = useRoute()
  const [, resource = '', deployment = ''] = segments
  const stats = useLive((state) => state.stats)
  const [rangeSeconds, setRangeSeconds] = useState(300)
  const live = liveOf(stats, { resource, deployment })
  const model = useModel(resource, deployment, live !== undefined)
  if (!stats) return <EmptyState isView title="Waiting for the first figures" />
  const clockMs = Date.parse(stats.simulator.now)
  const charts = live && {
    live,
    subject: { resource, deployment },
    atMs: stats.at_ms,
    rangeSeconds,
    bands: phaseBands(own(stats.incidents, resource), { clockMs, atMs: stats.at_ms }, deployment),
  }
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
      {live && charts ? (
        <>
          {deployment !== '' && <Limits live={live} charts={charts} />}
          <LiveCharts panels={mainPanels} {...charts} />
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
function useModel(resource: string, deployment: string, isKnown: boolean): string | undefined {
  const [model, setModel] = useState<string>()
  const change = useLive((state) => state.configChange)
  useEffect(() => {
    setModel(undefined)
    if (deployment === '' || !isKnown) return undefined
    const abort = new AbortController()
    // A deployment that a request has named does not have to be configured: reading it alone could fail.
    api
      .get<{ readonly deployments: readonly { readonly name: string; readonly model?: string }[] }>(
        `/++/resources/${encodeURIComponent(resource)}/deployments`,
        { signal: abort.signal },
      )
      .then(({ deployments }) => setModel(deployments.find(({ name }) => name === deployment)?.model))
      .catch(() => setModel(undefined))
    return () => abort.abort()
  }, [resource, deployment, isKnown, change])
  return model
}

interface LimitsProps {
  readonly live: Live
  /** What the chart has in common with the others. */
  readonly charts: Omit<LiveChartsProps, 'panels' | 'isPlain'>
}

function Limits({ live, charts }: LimitsProps) {
  const meters = metersOf(live)
  return (
    <section class="panel stack" aria-labelledby="limits-title">
      <h2 id="limits-title">Limits</h2>
      {meters.length === 0 ? (
        <p class="muted">Requests to this deployment are not limited.</p>
      ) : (
        <div class="limits">
          <div class="limit-meters">
            {meters.map((meter) => (
              <LimitPanel key={meter.id} meter={meter} />
            ))}
          </div>
          {live.limits && (
            <LiveCharts
              panels={live.limits.kind === 'provisioned' ? provisionedPanels : payAsYouGoPanels}
              isPlain
              {...charts}
            />
          )}
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
