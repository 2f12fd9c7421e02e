import { alphanumeric, guid } from '../../wire/ids.ts'
import type { Random } from '../../lib/random.ts'
import { drawLorem } from '../lorem.ts'
import { drawFormat } from './draw-format.ts'
import { between, pick } from './random-picks.ts'
import { lookUpName } from './split-name.ts'

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
export function drawNamedText(name: string, random: Random): string | undefined {
  return lookUpName(texts, name)?.(random)
}
