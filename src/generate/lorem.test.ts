import { describe, expect, it } from 'vitest'
import { rounds } from '../../tests/support/rounds.ts'
import { createRandom } from '../lib/random.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { drawLorem } from './lorem.ts'

const encodings = [loadEncoding('cl100k_base'), loadEncoding('o200k_base')]

/** Seeded texts of 1 to 400 tokens. */
function* texts(count: number): Generator<readonly string[]> {
  const random = createRandom('lorem')
  for (let i = 0; i < count; i++) yield drawLorem(random, 1 + (i % 400)).pieces
}

/** The bytes of each token, to check that each token is a piece, not only that their counts are equal. */
const textOfTokens = (tokens: readonly number[], index: 0 | 1): string[] =>
  tokens.map((token) => encodings[index]!.decode([token]))

describe('drawLorem', () => {
  it('draws exactly the requested tokens, one per piece, in both encodings', () => {
    for (const pieces of texts(rounds(800))) {
      const text = pieces.join('')
      expect(textOfTokens(encodings[0]!.encode(text), 0)).toEqual(pieces)
      expect(textOfTokens(encodings[1]!.encode(text), 1)).toEqual(pieces)
    }
  })

  it('draws ASCII without characters that JSON escapes', () => {
    const text = [...texts(400)].flat().join('')
    expect(JSON.stringify(text)).toBe(`"${text}"`)
    expect(text).toMatch(/^[ -~]*$/)
  })

  it('returns the joined pieces as text', () => {
    const random = createRandom('joined')
    for (let count = 0; count < 400; count++) {
      const { pieces, text } = drawLorem(random, count)
      expect(text).toBe(pieces.join(''))
    }
  })

  it('repeats few sentences in a long text', () => {
    const sentences = drawLorem(createRandom('variety'), 1_000).text.split('. ')
    expect(new Set(sentences).size).toBeGreaterThan(sentences.length * 0.75)
  })

  it('has k tokens in its first k pieces', () => {
    for (const pieces of texts(rounds(120))) {
      let prefix = ''
      const wrong = pieces.filter((piece, index) => {
        prefix += piece
        return encodings.some((encoding) => encoding.count(prefix) !== index + 1)
      })
      expect(wrong).toEqual([])
    }
  })

  it('returns as many pieces as requested tokens, and none for 0', () => {
    const random = createRandom('lengths')
    for (let count = 0; count < 1_000; count++) expect(drawLorem(random, count).pieces).toHaveLength(count)
  })

  it('writes sentences with an initial capital, commas between words and a final full stop', () => {
    for (const pieces of texts(rounds(800))) {
      if (pieces.length === 1) continue
      expect(pieces.join('')).toMatch(/^([A-Z][a-z]*( [a-z]+)*(, [a-z]+( [a-z]+)*)?\.( (?=[A-Z])|$))+$/)
    }
  })

  it('varies the length of sentences between 6 and 17 tokens, except the last one', () => {
    const { pieces } = drawLorem(createRandom('sentences'), 20_000)
    const ends = pieces.flatMap((piece, index) => (piece === '.' ? [index] : []))
    const lengths = ends.slice(1, -1).map((end, index) => end - ends[index]!)
    expect(new Set(lengths)).toEqual(new Set([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]))
  })

  it('never repeats a word directly', () => {
    const { pieces } = drawLorem(createRandom('words'), 20_000)
    expect(pieces.filter((piece, index) => piece === pieces[index - 1])).toEqual([])
  })

  it('draws the same text for the same seed and a different one for another seed', () => {
    const draw = (seed: string): string => drawLorem(createRandom(seed), 100).text
    expect(draw('seed')).toBe(draw('seed'))
    expect(draw('seed')).not.toBe(draw('other'))
  })
})
