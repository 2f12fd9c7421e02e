import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { createScale, parseNumber } from './slider-scale.ts'

interface SliderProps {
  readonly label: string
  readonly value: number
  readonly min: number
  /** End of the slider. The number field accepts larger values, up to `limit`. */
  readonly max: number
  /** Largest value that the number field accepts. Default: `max`. */
  readonly limit?: number
  /** Default 1. */
  readonly step?: number
  /** `log` gives small values as much room as large ones. Default `linear`. */
  readonly scale?: 'linear' | 'log'
  readonly unit?: string
  /** The value as text for screen readers and below the slider, such as `1.2 s`. */
  readonly format?: (value: number) => string
  readonly help?: ComponentChildren
  /** What the simulator says about the value. */
  readonly problem?: string | undefined
  readonly disabled?: boolean
  /** Called for each change, also while the slider moves. */
  readonly onInput: (value: number) => void
}

/** Positions of the slider. */
const positions = 1_000

/** A slider with a number field for exact values. */
export function Slider(props: SliderProps) {
  const { label, value, min, max, limit = max, step = 1, scale: kind = 'linear', unit, format, help } = props
  const id = useId()
  const scale = createScale(kind, min, max, step)
  // What is typed, while it differs from the text of the value.
  const [draft, setDraft] = useState<string | undefined>(undefined)
  useEffect(() => setDraft(undefined), [value])
  const typed = draft === undefined ? undefined : parseNumber(draft)
  const isOutside = typed !== undefined && (typed < min || typed > limit)
  const own =
    draft !== undefined && (typed === undefined || isOutside)
      ? `Enter a number from ${min} to ${limit} (got ${draft.trim() === '' ? 'nothing' : `“${draft}”`}).`
      : undefined
  const problem = own ?? props.problem
  const described = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(' ') || undefined
  const type = (text: string): void => {
    const number = parseNumber(text)
    setDraft(text)
    if (number !== undefined && number >= min && number <= limit && number !== value) props.onInput(number)
  }
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={positions}
        value={Math.round(scale.positionOf(Math.min(value, max)) * positions)}
        disabled={props.disabled ?? false}
        aria-valuetext={format ? format(value) : `${value}${unit ? ` ${unit}` : ''}`}
        aria-describedby={described}
        onKeyDown={(event) => {
          const next = scale.step(value, event.key)
          if (next === undefined) return
          event.preventDefault()
          setDraft(undefined)
          props.onInput(next)
        }}
        onInput={({ currentTarget }) => {
          setDraft(undefined)
          props.onInput(scale.valueAt(Number(currentTarget.value) / positions))
        }}
      />
      <span class="slider-number">
        <input
          type="text"
          inputMode="decimal"
          autocomplete="off"
          aria-label={unit ? `${label}, in ${unit}` : label}
          aria-invalid={problem ? true : undefined}
          aria-describedby={described}
          value={draft ?? String(value)}
          disabled={props.disabled ?? false}
          onInput={({ currentTarget }) => type(currentTarget.value)}
          onBlur={() => own === undefined && setDraft(undefined)}
        />
        {unit && <span class="muted">{unit}</span>}
      </span>
      {help && (
        <span id={`${id}-help`} class="field-help">
          {help}
        </span>
      )}
      {problem && (
        <span id={`${id}-problem`} class="field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}
