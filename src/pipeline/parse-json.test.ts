import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { parseJson } from './parse-json.ts'

const padding = 'x'.repeat(70_000)
const parse = (text: string): unknown => parseJson(Buffer.from(text))

describe('parseJson', () => {
  it('gives the value of valid JSON, small or large', () => {
    expect(parse('{"a":[1]}')).toEqual({ a: [1] })
    expect(parse(`{"a":"${padding}","b":[[{}]]}`)).toEqual({ a: padding, b: [[{}]] })
  })

  it.each(['', '{', 'nothing', '{"a":1}x'])('gives undefined for %j', (text) => {
    expect(parse(text)).toBeUndefined()
  })

  it.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('refuses more than 1,000 levels of %s, in a small body, too', (open, close) => {
    const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`
    expect(parse(nested(1_000))).toBeDefined()
    expect(parse(nested(1_001))).toBeUndefined()
    expect(parse(nested(20_000))).toBeUndefined()
  })

  it('does not take brackets in texts for nesting, whatever is escaped there', () => {
    const text = `${'['.repeat(5_000)}\\"${padding}\\\\`
    expect(parse(`{"a":"${text}"}`)).toEqual({ a: JSON.parse(`"${text}"`) })
  })

  it('refuses a large body of brackets at once', async () => {
    const bytes = Buffer.from('['.repeat(20_000_000) + ']'.repeat(20_000_000))
    // To parse it takes seconds.
    expect(await leastMs(250, () => expect(parseJson(bytes)).toBeUndefined())).toBeLessThan(250)
  })
})
