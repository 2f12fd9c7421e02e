import { drawLorem } from '../lorem.ts'
import { drawFormat, fitFormat } from './draw-format.ts'
import { drawLimits } from './budget.ts'
import { drawPattern } from './draw-pattern.ts'
import { type Drawing, type JsonPath, between, pick } from './drawing.ts'
import { numberOf, type SchemaObject } from './json-schema.ts'
import { matchesString } from './match-schema.ts'
import { alphanumeric, guid } from '../../wire/ids.ts'
import type { Random } from '../../lib/random.ts'

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
const dayInWords = (random: Random): string => format('date')(random)

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
  ['date', dayInWords],
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

/** A text as a property of this name usually holds (`city`, `userEmail`, `tags`); undefined where the name says nothing. */
function drawNamedText(name: string, random: Random): string | undefined {
  return lookUpName(texts, name)?.(random)
}

/** Cuts the name of a property into words in small letters: `startDate`, `start_date` and `START-DATE` alike. */
function splitName(name: string): string[] {
  return name
    .slice(0, 80)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/**
 * What a table says of the last word of a name that it knows, in singular or plural: `shipping_cities` is of `city`.
 */
export function lookUpName<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
  if (name === '') return undefined
  for (const word of splitName(name).toReversed()) {
    const found = table.get(word) ?? table.get(word.replace(/ies$/, 'y')) ?? table.get(word.replace(/s$/, ''))
    if (found !== undefined) return found
  }
  return undefined
}
