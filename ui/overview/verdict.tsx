import type { LiveSimulator } from '../../src/server/admin/live-stats.ts'
import { formatCount, formatDuration } from '../lib/format.ts'
import { adviceFor, describeSlowness } from './live-figures.ts'
import './verdict.css'

/** Says whether measured times describe the simulated service, with the figures behind it. */
export function Verdict({ simulator }: { readonly simulator: LiveSimulator }) {
  const { keeps_up: keepsUp } = simulator
  return (
    <section class={`panel verdict ${keepsUp ? '' : 'verdict-slow'}`} aria-labelledby="verdict-title">
      <div class="verdict-words">
        <h2 id="verdict-title">
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d={keepsUp ? 'M4 10.5l4 4 8-9' : 'M10 3v9M10 15.5v1'} />
          </svg>
          <span role="status">{keepsUp ? 'The simulator keeps up' : 'The simulator is the bottleneck'}</span>
        </h2>
        <p class="muted">
          {keepsUp ? 'Measured times are those of the simulated service.' : describeSlowness(simulator)}
        </p>
      </div>
      <Facts simulator={simulator} />
      {!keepsUp && (
        <div class="verdict-advice">
          <h3>What to do</h3>
          <ul>
            {adviceFor(simulator).map((advice) => (
              <li key={advice}>{advice}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function Facts({ simulator }: { readonly simulator: LiveSimulator }) {
  const { lateness_ms: lateness, event_loop_lag_ms: lag, config_store: store, recordings } = simulator
  return (
    <dl class="verdict-facts">
      <Fact term="Lateness now (p99)" value={lateness ? formatDuration(lateness.p99) : '–'} />
      <Fact term="Event-loop lag now (p99)" value={formatDuration(lag.p99)} />
      <Fact term="Processes" value={formatCount(simulator.workers)} />
      <Fact term="Up for" value={formatDuration(simulator.uptime_seconds * 1_000)} />
      {store && <Fact term="Stored changes" value={describeStore(store)} isBad={store.state === 'failing'} />}
      {recordings && (
        <Fact
          term="Recordings"
          value={
            recordings.lost > 0
              ? `${formatCount(recordings.lost)} lost`
              : recordings.writing === 'failing'
                ? 'not written'
                : 'written'
          }
          isBad={recordings.lost > 0 || recordings.writing === 'failing'}
        />
      )}
    </dl>
  )
}

function describeStore({ kind, pending, state }: NonNullable<LiveSimulator['config_store']>): string {
  const where = `in ${kind}`
  if (state === 'failing') return `${formatCount(pending)} not ${where}`
  return pending > 0 ? `${formatCount(pending)} being stored ${where}` : `all ${where}`
}

function Fact({
  term,
  value,
  isBad = false,
}: {
  readonly term: string
  readonly value: string
  readonly isBad?: boolean
}) {
  return (
    <div class={isBad ? 'verdict-bad' : ''}>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  )
}
