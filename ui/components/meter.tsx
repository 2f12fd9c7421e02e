import type { ComponentChildren } from 'preact'
import { formatPercent } from '../lib/format.ts'
import type { Tone } from './badge.tsx'

interface MeterProps {
  readonly label: string
  /** Share that is used: 1 is all of it. May be more. */
  readonly share: number
  /** What is used, as text: `12 300 of 30 000 tokens`. */
  readonly text: ComponentChildren
  /** Share from which the meter warns. Default 0.8. From 1 on it shows an error. */
  readonly warnAt?: number
  readonly hidesLabel?: boolean
}

/** How much of a limit is used. */
export function Meter({ label, share, text, warnAt = 0.8, hidesLabel = false }: MeterProps) {
  const tone: Tone = share >= 1 ? 'error' : share >= warnAt ? 'warn' : 'accent'
  const word = share >= 1 ? 'used up' : share >= warnAt ? 'nearly used up' : undefined
  return (
    <div class={`meter meter-${tone}`}>
      <div class="meter-text">
        <span class={hidesLabel ? 'visually-hidden' : 'muted'}>{label}</span>
        <span>
          {text}
          {word && <span class="meter-word"> · {word}</span>}
        </span>
      </div>
      <div
        class="meter-track"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(Math.min(1, Math.max(0, share)) * 100)}
        aria-valuetext={formatPercent(share)}
      >
        <div class="meter-bar" style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }} />
      </div>
    </div>
  )
}
