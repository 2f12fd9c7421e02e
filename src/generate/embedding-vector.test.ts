import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { embedText } from './embeddings.ts'

const small = { size: 1_536, salt: 7 }
const embed = (text: string, dimensions = small.size): Float32Array =>
  embedText(text, small.salt, small.size, dimensions)

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
}

const documents = [
  'Bread rises because yeast turns sugar into carbon dioxide, which the dough holds.',
  'The heart pumps blood through arteries to all organs and back through the veins.',
  'A database index speeds up queries at the price of slower writes and more storage.',
  'Volcanoes erupt when magma from the mantle reaches the surface of the earth.',
  'The French Revolution began in 1789 with the storming of the Bastille in Paris.',
  'Bees communicate the direction of flowers by dancing inside their hive.',
  'Interest rates are raised by central banks in order to slow down inflation.',
  'A violin has four strings that are tuned in perfect fifths.',
  'Glaciers carve valleys as the ice slowly moves downhill over thousands of years.',
  'Photosynthesis lets plants make sugar out of sunlight, water and carbon dioxide.',
  'An offside position in football is judged at the moment when the ball is played.',
  'Refunds are paid to the original card within five working days after a return.',
]

const queries: readonly (readonly [query: string, document: number])[] = [
  ['why does dough rise with yeast', 0],
  ['how is blood pumped by the heart?', 1],
  ['do indexes make database writes slower', 2],
  ['What makes a volcano erupt?', 3],
  ['When did the revolution in France start, 1789?', 4],
  ['how bees tell each other where flowers are, dance of the hive', 5],
  ['central bank interest against inflation', 6],
  ['tuning the strings of violins', 7],
  ['valley carved by a glacier', 8],
  ['plants turning sunlight into sugar', 9],
  ['offside rule in football', 10],
  ['When do I get my refund on my card?', 11],
]

describe('embedText', () => {
  it.each([
    ['the whole vector', 1_536],
    ['a shortened one', 256],
    ['a single number', 1],
  ])('returns a vector of length 1 for %s', (_, dimensions) => {
    for (const text of ['', 'a', 'The quick brown fox', '日本語の文章', '😀😀', 'x'.repeat(10_000)]) {
      const vector = embed(text, dimensions)
      expect(vector).toHaveLength(dimensions)
      expect(Math.abs(Math.sqrt(cosine(vector, vector)) - 1)).toBeLessThan(1e-6)
    }
  })

  it('returns the same vector on every machine and in every version', () => {
    const bytes = Buffer.from(embed('Deterministic, whatever the machine: ÄÖÜ 日本語').buffer)
    expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe('a65f4bdf3932c670')
  })

  it('returns unrelated vectors for different models', () => {
    const other = embedText('same text', small.salt + 1, small.size, small.size)
    expect(Math.abs(cosine(embed('same text'), other))).toBeLessThan(0.3)
  })

  it('shortens a vector to its first numbers', () => {
    const whole = embed('shortened').subarray(0, 256)
    const short = embed('shortened', 256)
    expect(cosine(whole, short)).toBeCloseTo(Math.sqrt(cosine(whole, whole)), 5)
  })

  it.each(queries)('ranks the matching document first of twelve: %s', (query, right) => {
    for (const dimensions of [1_536, 512]) {
      const vector = embed(query, dimensions)
      const scores = documents.map((document) => cosine(vector, embed(document, dimensions)))
      expect(scores.indexOf(Math.max(...scores))).toBe(right)
    }
  })

  it.each([
    ['Der Zug nach Berlin fährt um acht Uhr', 'Zugabfahrt nach Berlin', 'Rezept für Apfelkuchen mit Zimt'],
    ['Le chat dort sur le canapé', 'un chat qui dort', 'La bourse de Paris a fermé en hausse'],
    ['東京の天気は晴れです', '東京の天気', '私は猫が好きです'],
    ['Погода в Москве сегодня хорошая', 'какая погода в Москве', 'рецепт борща со свеклой'],
    ['서울 날씨가 맑습니다', '서울 날씨', '저는 고양이를 좋아합니다'],
    ['My cat is ill', 'cat', 'dog'],
    ['SQL and CSS', 'sql', 'rust'],
  ])('is closer to a related text in any language, also for short words: %s', (text, near, far) => {
    const vector = embed(text)
    expect(cosine(vector, embed(near))).toBeGreaterThan(cosine(vector, embed(far)) + 0.1)
  })

  it('depends little on case and punctuation', () => {
    expect(cosine(embed('Hello, World!'), embed('hello world'))).toBeGreaterThan(0.9)
    expect(cosine(embed('Hello, World!'), embed('hello world'))).toBeLessThan(0.999)
  })
})
