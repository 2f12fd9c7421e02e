import { drawLorem } from '../lorem.ts'
import { drawFormat, fitFormat } from './draw-format.ts'
import { drawLimits } from './draw-limits.ts'
import { drawPattern } from './draw-pattern.ts'
import type { Drawing, JsonPath } from './drawing.ts'
import { numberOf, type SchemaObject } from './json-schema.ts'
import { matchesString } from './match-scalar.ts'
import { drawNamedText } from './named-text.ts'
import { between } from './random-picks.ts'

/** How often a text by its name or its format is drawn for one that the other keywords allow too. */
const TRIES = 6

/** Tokens of a text of no known kind. */
const SHORTEST_TEXT = 3
const LONGEST_TEXT = 12

/** Draws a string: by its format, its pattern or its property's name, or else lorem ipsum, as long as is asked for. */
export function drawString(drawing: Drawing, facets: readonly SchemaObject[], { name }: JsonPath): string {
  const { budget } = drawing
  let least = 0
  let most = Infinity
  for (const facet of facets) {
    least = Math.max(least, Math.ceil(numberOf(facet, 'minLength') ?? 0))
    most = Math.min(most, Math.floor(numberOf(facet, 'maxLength') ?? Infinity))
  }
  const room = Math.max(0, Math.min(budget.characters, drawLimits.stringLength))
  const extent = { least: Math.min(least, room), most: Math.min(most, room) }
  const fits = (text: string): boolean =>
    text.length <= room && facets.every((facet) => matchesString(drawing, facet, text))
  const text = drawFitting(drawing, facets, name, extent, fits)
  budget.characters -= text.length
  budget.spend(text.length >> 6)
  if (!fits(text)) drawing.failures++
  return text
}

function drawFitting(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  name: string,
  extent: { readonly least: number; readonly most: number },
  fits: (text: string) => boolean,
): string {
  const { random, budget, document } = drawing
  const { least, most } = extent
  const formats = facets.map((facet) => facet['format'])
  const format = formats.find((format) => drawFormat(format, random) !== undefined)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const text = drawFormat(format, random) ?? drawNamedText(name, random)
    if (text === undefined) break
    if (text.length >= least && text.length <= most && fits(text)) return text
  }
  const fitted = typeof format === 'string' ? fitFormat(format, least, most) : undefined
  if (fitted !== undefined && fits(fitted)) return fitted
  for (const facet of facets) {
    const pattern = document.pattern(facet['pattern'], budget)
    if (!pattern) continue
    for (let attempt = 0; attempt < TRIES && !budget.spent; attempt++) {
      const text = drawPattern(pattern, random, extent, budget)
      if (text === undefined) break
      if (fits(text)) return text
    }
  }
  return drawText(drawing, least, most)
}

function drawText({ random }: Drawing, least: number, most: number): string {
  let text = ''
  while (text.length < Math.max(1, least) && text.length < most) {
    text += (text === '' ? '' : ' ') + drawLorem(random, between(random, SHORTEST_TEXT, LONGEST_TEXT)).text
  }
  if (text.length <= most) return text
  const cut = text.slice(0, most)
  return cut.endsWith(' ') ? `${cut.slice(0, -1)}.` : cut
}
