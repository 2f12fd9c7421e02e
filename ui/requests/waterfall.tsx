import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { Badge } from '../components/badge.tsx'
import { formatDuration, formatPercent } from '../lib/format.ts'
import { outcomeOf } from './trace-list.ts'

/** The stages of a request in order, and the time until the answer was sent. */
export function Waterfall({ trace }: { readonly trace: Trace }) {
  const { steps } = trace
  const fromMs = steps[0]?.start_ms ?? 0
  const toMs = Math.max(...steps.map(({ start_ms: start, total_ms: total }) => start + total), 0)
  const span = { fromMs, lengthMs: Math.max(toMs - fromMs, 0.001) }
  const last = steps.length - 1
  const { tone } = outcomeOf(trace)
  return (
    <section class="panel stack" aria-labelledby="stages-title">
      <div class="row">
        <h2 id="stages-title">Way through the stages</h2>
        <span class="muted">{formatDuration(toMs - fromMs)} in all stages</span>
      </div>
      <PhaseBar trace={trace} fromMs={fromMs} toMs={toMs} />
      {steps.length === 0 ? (
        <p class="muted">The request has not reached a stage.</p>
      ) : (
        <ol class="waterfall" aria-label="Stages">
          {steps.map((step, index) => {
            const { name, detail, start_ms: startMs, own_ms: ownMs, total_ms: spanMs, changed } = step
            const isLast = index === last
            return (
              <li key={index} class={isLast ? `waterfall-last waterfall-${tone}` : undefined}>
                <span class="waterfall-name">
                  {name}
                  {detail && <span class="muted"> {detail}</span>}
                </span>
                <span class="waterfall-track" aria-hidden="true">
                  <span class="waterfall-span" style={barStyle(startMs, spanMs, span)} />
                  <span class="waterfall-own" style={barStyle(startMs, ownMs, span)} />
                </span>
                <span class="waterfall-time">{formatDuration(ownMs)}</span>
                <span class="waterfall-note">
                  {changed && <Badge tone="accent">changed the answer</Badge>}
                  {isLast && <LastNote trace={trace} />}
                </span>
              </li>
            )
          })}
        </ol>
      )}
      <p class="muted field-help">
        Solid: time of the stage itself. Pale: time of the stages inside it. The last stage answered.
      </p>
    </section>
  )
}

interface Span {
  readonly fromMs: number
  readonly lengthMs: number
}

function barStyle(startMs: number, ms: number, { fromMs, lengthMs }: Span) {
  const at = Math.min(100, ((startMs - fromMs) / lengthMs) * 100)
  return {
    left: `min(${at}%, 100% - 2px)`,
    width: `max(2px, ${Math.min(100 - at, (ms / lengthMs) * 100)}%)`,
  }
}

function LastNote({ trace }: { readonly trace: Trace }) {
  const { status, open, answered_by: by } = trace
  if (status === null) return <Badge tone="accent">{open ? 'is here' : 'ended here'}</Badge>
  const { tone } = outcomeOf(trace)
  const verb = status >= 400 ? 'answered with' : 'answered'
  return (
    <>
      <Badge tone={tone}>
        {verb} {status}
      </Badge>
      {by && <span class="muted">{by}</span>}
    </>
  )
}

interface Phase {
  readonly name: string
  readonly ms: number
  readonly kind: 'receive' | 'stages' | 'wait' | 'send'
}

interface PhaseBarProps {
  readonly trace: Trace
  /** Start and end of the stages. */
  readonly fromMs: number
  readonly toMs: number
}

/** The whole time of a request: its arrival, the stages, the wait for the first byte, and sending. */
function PhaseBar({ trace, fromMs, toMs }: PhaseBarProps) {
  const { duration_ms: durationMs, first_byte_ms: firstMs, chunks } = trace
  const endMs = durationMs ?? chunks.at(-1)?.actual_ms ?? firstMs ?? 0
  if (endMs <= 0) return null
  const stagesEndMs = Math.min(Math.max(fromMs, toMs), endMs)
  const sendFromMs = Math.min(endMs, Math.max(stagesEndMs, firstMs ?? endMs))
  const phases = [
    { name: 'Receiving', ms: Math.min(fromMs, endMs), kind: 'receive' },
    { name: 'Stages', ms: Math.max(0, stagesEndMs - fromMs), kind: 'stages' },
    { name: 'Waiting for the due time', ms: sendFromMs - stagesEndMs, kind: 'wait' },
    { name: 'Sending', ms: endMs - sendFromMs, kind: 'send' },
  ] satisfies Phase[]
  return (
    <div class="phases">
      <div class="phases-bar" aria-hidden="true">
        {phases.map(({ kind, ms }) => (
          <span key={kind} class={`phase phase-${kind}`} style={{ flexGrow: ms / endMs }} />
        ))}
      </div>
      <ul class="row">
        {phases.map(({ name, kind, ms }) => (
          <li key={kind}>
            <span class={`phase-mark phase-${kind}`} aria-hidden="true" /> {name}{' '}
            <strong>{formatDuration(ms)}</strong> <span class="muted">{formatPercent(ms / endMs)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
