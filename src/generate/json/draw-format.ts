import { alphanumeric, guid } from '../../wire/ids.ts'
import type { Random } from '../../lib/random.ts'
import { between, pick } from './drawing.ts'

const twoDigits = (value: number): string => String(value).padStart(2, '0')

const hosts = ['example.com', 'example.org', 'example.net', 'www.example.com', 'api.example.org']
const people = ['alex', 'maria', 'sam.lee', 'j.smith', 'nina', 'omar', 'li.wei', 'anna.k']
const paths = ['docs', 'items/42', 'about', 'v1/users', 'images/logo.png', 'news/today']

/** A date from 2020 to 2029, at most on the 28th, so that it is valid in each month. */
function date(random: Random): string {
  return `${between(random, 2020, 2029)}-${twoDigits(between(random, 1, 12))}-${twoDigits(between(random, 1, 28))}`
}

function time(random: Random): string {
  return `${[between(random, 0, 23), random.below(60), random.below(60)].map(twoDigits).join(':')}Z`
}

function bytes(random: Random): string {
  return Buffer.from(alphanumeric(random, between(random, 6, 24))).toString('base64')
}

const host = (random: Random): string => pick(random, hosts)
const email = (random: Random): string => `${pick(random, people)}@${host(random)}`
const url = (random: Random): string => `https://${host(random)}/${pick(random, paths)}`
const dateTime = (random: Random): string => `${date(random)}T${time(random)}`
const path = (random: Random): string => `/${pick(random, paths)}`
const template = (random: Random): string => `https://${host(random)}/items/{id}`

function ipv6(random: Random): string {
  return `2001:db8:${Array.from({ length: 6 }, () => random.below(0x10000).toString(16)).join(':')}`
}

const drawers: ReadonlyMap<string, (random: Random) => string> = new Map([
  ['date', date],
  ['time', time],
  ['iso-time', time],
  ['date-time', dateTime],
  ['datetime', dateTime],
  ['iso-date-time', dateTime],
  ['duration', (random) => `PT${between(random, 1, 48)}H${random.below(60)}M`],
  ['email', email],
  ['idn-email', email],
  ['hostname', host],
  ['idn-hostname', host],
  ['ipv4', (random) => `192.0.2.${between(random, 1, 254)}`],
  ['ipv6', ipv6],
  ['uuid', guid],
  ['guid', guid],
  ['uri', url],
  ['url', url],
  ['iri', url],
  ['uri-reference', path],
  ['iri-reference', path],
  ['uri-template', template],
  ['json-pointer', path],
  ['relative-json-pointer', (random) => `${random.below(4)}${path(random)}`],
  ['regex', () => '^[a-z]+$'],
  ['byte', bytes],
  ['base64', bytes],
])

/** Short texts for a `maxLength` below the length of the default texts. */
const shortTexts: ReadonlyMap<string, string> = new Map([
  ['email', 'a@b.co'],
  ['idn-email', 'a@b.co'],
  ['hostname', 'a.co'],
  ['idn-hostname', 'a.co'],
  ['uri', 'a:b'],
  ['iri', 'a:b'],
  ['url', 'https://a.co'],
  ['uri-reference', '/a'],
  ['iri-reference', '/a'],
  ['uri-template', '/a'],
  ['json-pointer', '/a'],
  ['relative-json-pointer', '0'],
  ['duration', 'P1D'],
  ['ipv4', '1.1.1.1'],
  ['ipv6', '::1'],
  ['regex', 'a'],
  ['byte', 'QQ=='],
])

/** Formats with texts of any length, for a `minLength` above the length of the default texts. */
const paddedTexts: ReadonlyMap<string, (letters: string) => string> = new Map([
  ['uri', (letters) => `https://example.com/${letters}`],
  ['iri', (letters) => `https://example.com/${letters}`],
  ['url', (letters) => `https://example.com/${letters}`],
  ['uri-reference', (letters) => `/${letters}`],
  ['iri-reference', (letters) => `/${letters}`],
  ['uri-template', (letters) => `/${letters}`],
  ['json-pointer', (letters) => `/${letters}`],
  ['regex', (letters) => letters],
])

/** Draws a text in a `format` of JSON Schema or OpenAPI. Returns undefined for an unknown format. */
export function drawFormat(format: unknown, random: Random): string | undefined {
  return typeof format === 'string' ? drawers.get(format)?.(random) : undefined
}

/**
 * Returns a text in a known format of `min` to `max` characters (`max` is not enforced for padded texts), or
 * undefined.
 */
export function fitFormat(format: string, min: number, max: number): string | undefined {
  const text = shortTexts.get(format)
  if (text !== undefined && text.length >= min && text.length <= max) return text
  const pad = paddedTexts.get(format)
  if (!pad) return undefined
  return pad('a'.repeat(Math.max(1, min - pad('').length)))
}
