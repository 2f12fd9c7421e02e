interface SparklineProps {
  /** Values at equal distances. Null is a gap. */
  readonly values: readonly (number | null)[]
  /** What the line shows, for screen readers; includes the latest value. */
  readonly label: string
  /** Value at the upper edge. Default: the largest value. */
  readonly max?: number
  readonly width?: number
  readonly height?: number
}

/** A small line without axes, for a table. */
export function Sparkline({ values, label, max, width = 96, height = 24 }: SparklineProps) {
  const top = max ?? Math.max(0, ...values.map((value) => value ?? 0))
  const stepX = width / Math.max(1, values.length - 1)
  const y = (value: number): number => height - 1 - (top > 0 ? Math.min(1, value / top) : 0) * (height - 2)
  const path = values
    .map((value, index) => {
      if (value === null) return ''
      const command = index === 0 || values[index - 1] === null ? 'M' : 'L'
      return `${command}${(index * stepX).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
  return (
    <svg
      class="sparkline"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
    >
      <path d={path} />
    </svg>
  )
}
