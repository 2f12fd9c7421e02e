import { describe, expect, it } from 'vitest'
import { createRandom } from '../platform/random.ts'
import { loadEncoding } from './encoding.ts'

const BYTES = 200_000

/** Some two to four times what it takes on two shared cores. A quadratic way takes minutes. */
const LIMIT_MS = 250

/**
 * Time of the processor, at best of two, so that a busy machine fails no test. Not of more: a text that comes
 * for the third time is not counted any more.
 */
function leastCpuMs(work: () => void): number {
  const times = [0, 1].map(() => {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000
  })
  return Math.min(...times)
}

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

/** Words that are still scanned, just below the length from which the heap is used. */
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

  it.each(Object.entries(hostileTexts))('counts 200 KB of %s in little time', (_, text) => {
    expect(leastCpuMs(() => encoding.count(text))).toBeLessThan(LIMIT_MS)
  })

  it('takes time in proportion to the length of a run', () => {
    const text = 'a'.repeat(5 * BYTES)
    expect(leastCpuMs(() => encoding.count(text))).toBeLessThan(10 * LIMIT_MS)
  })
})
