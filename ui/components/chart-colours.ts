/** Resolved colours of a chart. A canvas does not know CSS variables. */
export interface ChartColours {
  readonly muted: string
  readonly line: string
  readonly font: string
  /** Colour of a token, such as `--series-1`. */
  readonly of: (token: string) => string
}

/** Reads the colours that apply to an element now. */
export function chartColours(element: HTMLElement): ChartColours {
  const probe = document.createElement('span')
  probe.hidden = true
  element.append(probe)
  const of = (token: string): string => {
    probe.style.color = `var(${token})`
    return getComputedStyle(probe).color
  }
  const known = new Map(
    [
      ...Array.from({ length: 6 }, (_, index) => `--series-${index + 1}`),
      '--ok',
      '--warn',
      '--error',
      '--accent',
    ].map((token) => [token, of(token)]),
  )
  const colours = {
    muted: of('--text-muted'),
    line: of('--line'),
    font: getComputedStyle(element).fontFamily,
  }
  probe.remove()
  return { ...colours, of: (token) => known.get(token) ?? colours.muted }
}

/** Returns a computed colour (`rgb(...)`) with an alpha value. */
export function withAlpha(colour: string, alpha: number): string {
  return colour.replace(/^rgba?\((\d+), (\d+), (\d+)(?:, [\d.]+)?\)$/, `rgba($1, $2, $3, ${alpha})`)
}
