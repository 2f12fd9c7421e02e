import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { createRandom } from '../lib/random.ts'
import { loadEncoding } from './encoding.ts'

const BYTES = 100_000

/** Four times the slowest text, and more than ten times most texts. A quadratic algorithm takes 30 seconds. */
const LIMIT_MS = 200

const repeat = (unit: string): string => unit.repeat(Math.ceil(BYTES / Buffer.byteLength(unit)))

function randomOf(alphabet: string): string {
  const random = createRandom(alphabet)
  const characters = Array.from(alphabet)
  let text = ''
  for (let bytes = 0; bytes < BYTES;) {
    const character = characters[random.below(characters.length)] as string
    text += character
    bytes += Buffer.byteLength(character)
  }
  return text
}

/** Words of a length that is merged by scan. */
function randomWords(length: number): string {
  const letters = randomOf('abcdefghijklmnopqrstuvwxyz')
  return Array.from({ length: BYTES / (length + 1) }, (_, at) =>
    letters.slice(at * length, (at + 1) * length),
  ).join(' ')
}

const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const hostileTexts: Record<string, string> = {
  'a small letter': repeat('a'),
  'a capital': repeat('A'),
  'alternating case': repeat('aA'),
  'random small letters': randomOf('abcdefghijklmnopqrstuvwxyz'),
  'random capitals': randomOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
  base64: randomOf(base64),
  'random words of 127 letters': randomWords(127),
  digits: repeat('7'),
  spaces: repeat(' '),
  'spaces, then a letter': `${repeat(' ')}x`,
  tabs: repeat('\t'),
  'line feeds': repeat('\n'),
  'carriage returns and line feeds': repeat('\r\n'),
  'spaces and line feeds': randomOf(' \n'),
  'no-break spaces': repeat('\u00a0'),
  'mixed white space': randomOf(' \t\u00a0\u0085\u2003\ufeff'),
  punctuation: repeat('='),
  'random punctuation': randomOf('!@#$%^&*()_+-=[]{}|;:<>,./?~'),
  apostrophes: repeat("'s"),
  emoji: repeat('😀'),
  'emoji joined': repeat('👩‍💻'),
  'random emoji': randomOf('😀😁👩🏽👍🏿❤️🎉'),
  'combining marks': repeat('\u0301'),
  'letters with combining marks': repeat('e\u0301'),
  'one Chinese character': repeat('中'),
  'random Chinese': randomOf('的一是不了人我在有他这为之大来以个中上们'),
  'Chinese and capitals': randomOf('中A'),
  'random Hindi': randomOf('नमस्तेदुनियाहिन्दी'),
  'random Arabic': randomOf('ابتثجحخدذرزسشصضطظعغ'),
  'lone surrogates': repeat('\ud800'),
}

describe.each(['cl100k_base', 'o200k_base'] as const)('encoding %s', (name) => {
  const encoding = loadEncoding(name)

  /** Counts another text in each round, because counts of repeated texts are cached. */
  const countMs = (text: string, limitMs: number): Promise<number> =>
    leastMs(limitMs, (round) => encoding.count(`${text}${'.'.repeat(round)}`))

  it.each(Object.entries(hostileTexts))('counts 100 KB of %s in less than 200 ms', async (_, text) => {
    expect(await countMs(text, LIMIT_MS)).toBeLessThan(LIMIT_MS)
  })

  it('counts a run in linear time', async () => {
    expect(await countMs('a'.repeat(5 * BYTES), 5 * LIMIT_MS)).toBeLessThan(5 * LIMIT_MS)
  })
})
