import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const css = readFileSync(new URL('../ui/styles.css', import.meta.url), 'utf8')

/** Colours by token: light, then dark. */
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(
    ([, token = '', light = '', dark = '']) => [token, { light, dark }],
  ),
)

type Scheme = 'light' | 'dark'

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Contrast ratio of WCAG 2.2. */
function contrast(one: string, other: string, scheme: Scheme): number {
  const [a = 0, b = 0] = [one, other].map((token) => {
    const colour = colours.get(token)
    if (!colour) throw new Error(`Could not find the colour --${token} in ui/styles.css.`)
    return luminance(colour[scheme])
  })
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

describe.each(['light', 'dark'] as const)('the colours of the control room: %s', (scheme) => {
  test.each([
    ...['bg', 'surface', 'surface-sunken', 'surface-hover'].flatMap((ground) => [
      ['text', ground],
      ['text-muted', ground],
    ]),
    ...['bg', 'surface'].flatMap((ground) => ['accent', 'ok', 'warn', 'error'].map((text) => [text, ground])),
    ['accent', 'accent-soft'],
    ['ok', 'ok-soft'],
    ['warn', 'warn-soft'],
    ['error', 'error-soft'],
    ['text', 'warn-soft'],
    ['on-accent', 'accent'],
    ['on-accent', 'accent-hover'],
  ] as [string, string][])('have a contrast of 4.5 for %s on %s', (text, ground) => {
    expect(contrast(text, ground, scheme)).toBeGreaterThanOrEqual(4.5)
  })

  test.each([...[1, 2, 3, 4, 5, 6].map((number) => `series-${number}`), 'line-strong', 'accent'])(
    'have a contrast of 3 for the lines and frames of %s',
    (token) => {
      expect(contrast(token, 'surface', scheme)).toBeGreaterThanOrEqual(3)
    },
  )
})
