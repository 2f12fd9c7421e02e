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
