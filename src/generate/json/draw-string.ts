import { drawLorem } from '../lorem.ts'
import { drawFormat, fitFormat } from './draw-format.ts'
import { drawLimits } from './budget.ts'
import { drawPattern } from './draw-pattern.ts'
import { type Drawing, type JsonPath, between, pick } from './drawing.ts'
import { numberOf, type SchemaObject } from '../../wire/json-schema/json-schema.ts'
import { matchesString } from './match-schema.ts'
import { alphanumeric, guid } from '../../wire/ids.ts'
import type { Random } from '../../lib/random.ts'

/** Attempts to draw a text by name or format that the other keywords allow too. */
const MAX_TRIES = 6

/** Tokens of a text of unknown kind. */
const MIN_TEXT_TOKENS = 3
const MAX_TEXT_TOKENS = 12

/** Draws a string of the required length: by format, by pattern or by property name, or else lorem ipsum. */
export function drawString(drawing: Drawing, facets: readonly SchemaObject[], { name }: JsonPath): string {
  const { budget } = drawing
  let min = 0
  let max = Infinity
  for (const facet of facets) {
    min = Math.max(min, Math.ceil(numberOf(facet, 'minLength') ?? 0))
    max = Math.min(max, Math.floor(numberOf(facet, 'maxLength') ?? Infinity))
  }
  const room = Math.max(0, Math.min(budget.characters, drawLimits.stringLength))
  const length = { min: Math.min(min, room), max: Math.min(max, room) }
  const fits = (text: string): boolean =>
    text.length <= room && facets.every((facet) => matchesString(drawing, facet, text))
  const text = drawFitting(drawing, facets, name, length, fits)
  budget.characters -= text.length
  budget.spend(text.length >> 6)
  if (!fits(text)) drawing.failures++
  return text
}

function drawFitting(
  drawing: Drawing,
  facets: readonly SchemaObject[],
  name: string,
  length: { readonly min: number; readonly max: number },
  fits: (text: string) => boolean,
): string {
  const { random, budget, document } = drawing
  const { min, max } = length
  const formats = facets.map((facet) => facet['format'])
  const format = formats.find((format) => drawFormat(format, random) !== undefined)
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const text = drawFormat(format, random) ?? drawNamedText(name, random)
    if (text === undefined) break
    if (text.length >= min && text.length <= max && fits(text)) return text
  }
  const fitted = typeof format === 'string' ? fitFormat(format, min, max) : undefined
  if (fitted !== undefined && fits(fitted)) return fitted
  for (const facet of facets) {
    const pattern = document.pattern(facet['pattern'], budget)
    if (!pattern) continue
    for (let attempt = 0; attempt < MAX_TRIES && !budget.spent; attempt++) {
      const text = drawPattern(pattern, random, length, budget)
      if (text === undefined) break
      if (fits(text)) return text
    }
  }
  return drawText(drawing, min, max)
}

function drawText({ random }: Drawing, min: number, max: number): string {
  let text = ''
  while (text.length < Math.max(1, min) && text.length < max) {
    text +=
      (text === '' ? '' : ' ') + drawLorem(random, between(random, MIN_TEXT_TOKENS, MAX_TEXT_TOKENS)).text
  }
  if (text.length <= max) return text
  const cut = text.slice(0, max)
  return cut.endsWith(' ') ? `${cut.slice(0, -1)}.` : cut
}

type DrawText = (random: Random) => string

const oneOf =
  (list: string): DrawText =>
  (random) =>
    pick(random, list.split('|'))

const format =
  (name: string): DrawText =>
  (random) =>
    drawFormat(name, random) ?? ''

const sentence: DrawText = (random) => drawLorem(random, between(random, 7, 14)).text
const words: DrawText = (random) => drawLorem(random, between(random, 3, 6)).text.replaceAll('.', '')
const word: DrawText = (random) => drawLorem(random, 1).text.toLowerCase()

const firstNames = 'Alex|Maria|Sam|Nina|Omar|Anna|Leo|Grace|Ivan|Mei'
const lastNames = 'Smith|Garcia|Lee|Novak|Haddad|Kumar|Brown|Rossi|Meyer|Chen'
const cities = 'Seattle|Paris|Tokyo|Berlin|Boston|London|Madrid|Sydney|Toronto|Oslo'

const fullName: DrawText = (random) => `${oneOf(firstNames)(random)} ${oneOf(lastNames)(random)}`

const texts: ReadonlyMap<string, DrawText> = new Map<string, DrawText>([
  ['address', (random) => `${between(random, 1, 999)} ${oneOf('Main|Oak|Park|Lake|Hill')(random)} Street`],
  ['answer', sentence],
  ['author', fullName],
  ['body', sentence],
  ['category', oneOf('general|travel|finance|health|sports')],
  ['city', oneOf(cities)],
  ['color', oneOf('red|green|blue|black|white|orange')],
  ['colour', oneOf('red|green|blue|black|white|orange')],
  ['company', oneOf('Contoso|Fabrikam|Northwind|Tailspin|Adventure Works')],
  ['content', sentence],
  ['country', oneOf('France|Japan|Germany|Canada|Spain|Norway|Brazil|India')],
  ['currency', oneOf('USD|EUR|GBP|JPY|CAD')],
  ['date', format('date')],
  ['datetime', format('date-time')],
  ['day', oneOf('Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday')],
  ['description', sentence],
  ['email', format('email')],
  ['explanation', sentence],
  ['firstname', oneOf(firstNames)],
  ['guid', guid],
  ['host', format('hostname')],
  ['hostname', format('hostname')],
  ['id', (random) => alphanumeric(random, 12)],
  ['ip', format('ipv4')],
  ['key', word],
  ['keyword', word],
  ['label', word],
  ['language', oneOf('English|French|Spanish|German|Japanese')],
  ['lastname', oneOf(lastNames)],
  ['link', format('uri')],
  ['locale', oneOf('en-US|fr-FR|de-DE|ja-JP|es-ES')],
  ['location', oneOf(cities)],
  ['message', sentence],
  ['name', fullName],
  ['participant', oneOf(firstNames)],
  ['path', (random) => `/${word(random)}/${word(random)}.txt`],
  ['file', (random) => `${word(random)}.txt`],
  ['filename', (random) => `${word(random)}.txt`],
  ['phone', (random) => `+1-555-01${between(random, 10, 99)}`],
  ['query', words],
  ['question', (random) => `${words(random)}?`],
  ['reason', sentence],
  ['reasoning', sentence],
  ['sentiment', oneOf('positive|neutral|negative')],
  ['status', oneOf('active|pending|done')],
  ['subject', words],
  ['summary', sentence],
  ['tag', word],
  ['text', sentence],
  ['time', format('time')],
  ['timestamp', format('date-time')],
  ['timezone', oneOf('UTC|Europe/Paris|America/New_York|Asia/Tokyo')],
  ['title', words],
  ['unit', oneOf('celsius|fahrenheit|meters|kilograms')],
  ['uri', format('uri')],
  ['url', format('uri')],
  ['user', fullName],
  ['username', (random) => `${oneOf(firstNames)(random).toLowerCase()}${between(random, 1, 99)}`],
  ['uuid', guid],
  ['zip', (random) => String(between(random, 10_000, 99_999))],
])

/** Draws a typical text for a property name (`city`, `userEmail`, `tags`). Returns undefined for an unknown name. */
function drawNamedText(name: string, random: Random): string | undefined {
  return lookUpName(texts, name)?.(random)
}

/** Splits a property name into lower-case words: `startDate`, `start_date` and `START-DATE` have the same words. */
function splitName(name: string): string[] {
  return name
    .slice(0, 80)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** Returns the table entry of the last known word of a name, singular or plural: `shipping_cities` finds `city`. */
export function lookUpName<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
  if (name === '') return undefined
  for (const word of splitName(name).toReversed()) {
    const found = table.get(word) ?? table.get(word.replace(/ies$/, 'y')) ?? table.get(word.replace(/s$/, ''))
    if (found !== undefined) return found
  }
  return undefined
}
