import { Dialog } from '../components/dialog.tsx'
import { formatCount, formatDateTime, formatDuration, missing } from '../lib/format.ts'
import { useLive } from '../lib/live.ts'

interface AboutDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

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
        <p class="muted">
          Tables: the arrow keys move between rows, Enter opens one. Charts: the arrow keys read values. All
          views use the admin API; GET /++/openapi.json describes it.
        </p>
      </div>
    </Dialog>
  )
}
