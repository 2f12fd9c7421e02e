import { Dialog } from '../components/dialog.tsx'
import { formatCount, formatDateTime, formatDuration, missing } from '../lib/format.ts'
import { useLive } from '../lib/live.ts'

interface AboutDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

const help = [
  [
    'Overview',
    'Rates, limits, times and 429s of each deployment, and whether the simulator itself is the bottleneck.',
  ],
  [
    'Requests',
    'The latest requests: stages, bodies, and the parts of streams with planned and actual times.',
  ],
  [
    'Steer',
    'Change limits, latency, faults and incidents of the running simulator, and save the configuration as a file.',
  ],
  ['Recordings', 'Recordings in use, and requests without one, each with the nearest recording.'],
  ['Retries', 'Whether clients wait as long as the answers ask them to.'],
  ['Logs', 'The latest log lines, with filters.'],
] as const

/** Facts of the simulator and help for the page. */
export function AboutDialog({ isOpen, onClose }: AboutDialogProps) {
  const hello = useLive((state) => state.hello)
  const simulator = useLive(({ stats }) => stats?.simulator)
  const facts = [
    ['Version', simulator?.version ?? hello?.version ?? missing],
    ['Mode', simulator?.mode ?? hello?.mode ?? missing],
    ['Clock', simulator?.clock ?? hello?.clock ?? missing],
    ['Started', formatDateTime(hello?.started_at)],
    ['Running for', formatDuration(simulator && simulator.uptime_seconds * 1_000)],
    ['Processes', formatCount(simulator?.workers)],
    ['Figures every', formatDuration(hello?.interval_ms)],
    ['Store of changes', simulator?.config_store?.kind ?? 'none'],
  ] as const
  return (
    <Dialog title="About this simulator" isOpen={isOpen} onClose={onClose}>
      <div class="stack">
        <dl class="facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <dl class="facts">
          {help.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <p class="muted">
          Tables: the arrow keys move between rows, Enter opens one. Charts: the arrow keys read values. All
          views use the admin API; GET /++/openapi.json describes it.
        </p>
      </div>
    </Dialog>
  )
}
