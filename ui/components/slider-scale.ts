/** Maps values to positions of a slider, from 0 to 1. */
export interface Scale {
  readonly positionOf: (value: number) => number
  /** Rounded to the step, and on a logarithmic scale to two significant digits. */
  readonly valueAt: (position: number) => number
  /** The value after a key press; undefined for keys that do not change it. */
  readonly step: (value: number, key: string) => number | undefined
}

/**
 * @param kind `log`: equal distances are about equal factors. Values can start at 0
 * @param step values are multiples of it, counted from `min`
 */
export function createScale(kind: 'linear' | 'log', min: number, max: number, step: number): Scale {
  const span = max - min
  // ln(1 + x) is about linear for values below one unit, so that 0 has a position.
  const unit = step > 0 ? step : span / 1_000
  const whole = Math.log1p(span / unit)
  const clamp = (value: number): number => Math.min(max, Math.max(min, value))
  const toStep = (value: number): number => {
    const steps = Math.round((value - min) / unit)
    return clamp(withoutNoise(min + steps * unit))
  }
  const positionOf = (value: number): number => {
    const offset = clamp(value) - min
    if (span === 0) return 0
    return kind === 'linear' ? offset / span : Math.log1p(offset / unit) / whole
  }
  const valueAt = (position: number): number => {
    if (position <= 0) return min
    if (position >= 1) return max
    if (kind === 'linear') return toStep(min + position * span)
    return toStep(Number((min + unit * Math.expm1(position * whole)).toPrecision(2)))
  }
  const move = (value: number, steps: number): number => {
    if (kind === 'linear') return toStep(value + steps * unit)
    const moved = valueAt(positionOf(value) + steps / 100)
    // Near the start a hundredth is less than a step.
    return moved === value ? toStep(value + Math.sign(steps) * unit) : moved
  }
  return {
    positionOf,
    valueAt,
    step(value, key) {
      switch (key) {
        case 'ArrowRight':
        case 'ArrowUp':
          return move(value, 1)
        case 'ArrowLeft':
        case 'ArrowDown':
          return move(value, -1)
        case 'PageUp':
          return move(value, 10)
        case 'PageDown':
          return move(value, -10)
        case 'Home':
          return min
        case 'End':
          return max
        default:
          return undefined
      }
    },
  }
}

/** 0.1 + 0.2 is 0.3. */
function withoutNoise(value: number): number {
  return Number(value.toPrecision(12))
}

/** Reads a typed number: spaces between digits are ignored, and a comma is a decimal point. Undefined if it is no number. */
export function parseNumber(text: string): number | undefined {
  const plain = text.replaceAll(/[\s\u202f\u00a0]/g, '').replace(',', '.')
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(plain)) return undefined
  const value = Number(plain)
  return Number.isFinite(value) ? value : undefined
}
