import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { jsonMemory, parseJson } from './parse-json.ts'

const padding = 'x'.repeat(70_000)
const messages = (count: number): string =>
  Array.from(
    { length: count },
    () =>
      '{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}',
  ).join(',')
const parse = (text: string): unknown => parseJson(Buffer.from(text))

describe('parseJson', () => {
  it('returns the value of valid JSON, small or large', () => {
    expect(parse('{"a":[1]}')).toEqual({ a: [1] })
    expect(parse(`{"a":"${padding}","b":[[{}]]}`)).toEqual({ a: padding, b: [[{}]] })
  })

  it.each(['', '{', 'nothing', '{"a":1}x'])('returns undefined for %j', (text) => {
    expect(parse(text)).toBeUndefined()
  })

  it.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('rejects more than 1,000 levels of %s, also in a small body', (open, close) => {
    const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`
    expect(parse(nested(1_000))).toBeDefined()
    expect(parse(nested(1_001))).toBeUndefined()
    expect(parse(nested(20_000))).toBeUndefined()
  })

  it('does not count brackets in strings as nesting, also after escapes', () => {
    const text = `${'['.repeat(5_000)}\\"${padding}\\\\`
    expect(parse(`{"a":"${text}"}`)).toEqual({ a: JSON.parse(`"${text}"`) })
  })

  it.each([
    ['300,000 numbers, as the largest request for embeddings has', `{"input":[[${'1,'.repeat(299_999)}1]]}`],
    ['2,048 messages with calls', `{"messages":[${messages(2_048)}]}`],
    ['a text full of commas, colons and brackets', `{"a":"${'[{:,'.repeat(1_000_000)}"}`],
    ['a text full of escaped quotes', `{"a":"${'\\",'.repeat(1_000_000)}"}`],
  ])('parses %s', (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  it.each([
    ['numbers', (count: number) => `[${'1,'.repeat(count)}1]`, 500_000],
    ['lists', (count: number) => `[${'[],'.repeat(count)}1]`, 250_000],
    ['keys', (count: number) => `{${'"a":1,'.repeat(count)}"b":1}`, 100_000],
    ['objects', (count: number) => `[${'{"a":1},'.repeat(count)}1]`, 100_001],
  ])('rejects more %s than the maximum', (_, jsonOf, tooMany) => {
    expect(parse(jsonOf(tooMany - 2))).toBeDefined()
    expect(parse(jsonOf(tooMany))).toBeUndefined()
  })

  it.each([
    ['lists', '['.concat('[],'.repeat(10_000_000))],
    ['objects', '['.concat('{},'.repeat(10_000_000))],
    ['numbers', '['.concat('0,'.repeat(15_000_000))],
    ['keys', '{'.concat('"a":0,'.repeat(5_000_000))],
  ])('rejects 30 MB of %s in less than 100 ms', async (_, text) => {
    const bytes = Buffer.from(text)
    // Parsing takes seconds.
    expect(await leastMs(100, () => expect(parseJson(bytes)).toBeUndefined())).toBeLessThan(100)
  })

  it('rejects 40 MB of nested brackets in less than 250 ms', async () => {
    const bytes = Buffer.from('['.repeat(20_000_000) + ']'.repeat(20_000_000))
    // Parsing takes seconds.
    expect(await leastMs(250, () => expect(parseJson(bytes)).toBeUndefined())).toBeLessThan(250)
  })
})

describe('jsonMemory', () => {
  it.each([
    ['lists', `[${'[],'.repeat(100_000)}0]`],
    ['numbers', `[${'0.5,'.repeat(100_000)}0]`],
    ['objects', `[${'{"a":0},'.repeat(50_000)}0]`],
    ['keys', `{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":0`).join(',')}}`],
    ['text', JSON.stringify(['word '.repeat(1_000_000)])],
    ['text with a character outside Latin-1', JSON.stringify([`字${'word '.repeat(1_000_000)}`])],
  ])('does not underestimate %s', (_, text) => {
    const bytes = Buffer.from(text)
    const flat = bytes.toString()
    const before = process.memoryUsage().heapUsed
    const value = JSON.parse(flat) as unknown
    const usedBytes = process.memoryUsage().heapUsed - before
    expect(value).toBeDefined()
    expect(jsonMemory(bytes)).toBeGreaterThan(0.7 * usedBytes)
  })

  it('is 0 for white space', () => {
    expect(jsonMemory(Buffer.from(' '.repeat(1_000_000)))).toBe(0)
  })
})
