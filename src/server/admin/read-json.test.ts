import { describe, expect, it } from 'vitest'
import { readJson } from './read-query.ts'

const values = [
  'null',
  ' true ',
  '-0.5e+3',
  '"a\\u00e9\\n\\"b\\\\"',
  '[]',
  '{}',
  '[1, [2, {"a": [false]}], {}]',
  '{"a": {"b": ""}, "c": 2}\r\n',
  '{"__proto__": {"x": 1}}',
]

const broken = [
  ['', 'line 1, column 1 must have a value (got the end of the body)'],
  ['{"a": 1,}', 'line 1, column 9 must have a key in double quotes (got "}")'],
  ['[1, 2', 'line 1, column 6 must have "," or "]" (got the end of the body)'],
  ['[1 2]', 'line 1, column 4 must have "," or "]" (got "2]")'],
  ['{"a" 1}', 'line 1, column 6 must have ":" (got "1}")'],
  ['{"a": 1}\n{}', 'line 2, column 1 must have the end (got "{}")'],
  ['{"a": tru}', 'line 1, column 7 must have a value (got "tru}")'],
  ['[01]', 'line 1, column 2 must have a value or "]" (got "01]")'],
  ["{'a': 1}", 'line 1, column 2 must have a key in double quotes or "}" (got "\'a\': 1}")'],
  ['"open', 'line 1, column 1 must have a value (got "\\"open")'],
  ['["a\nb"]', 'line 1, column 2 must have a value or "]" (got "\\"a\\nb\\"]")'],
  ['[}', 'line 1, column 2 must have a value or "]" (got "}")'],
  ['["\\x"]', 'line 1, column 2 must have a value or "]" (got "\\"\\\\x\\"]")'],
  ['NaN', 'line 1, column 1 must have a value (got "NaN")'],
  ['1.', 'line 1, column 1 must have a value (got "1.")'],
] as const

const isJson = (source: string): boolean => {
  try {
    JSON.parse(source)
    return true
  } catch {
    return false
  }
}

describe('readJson', () => {
  it.each(values)('reads %s like JSON.parse', (source) => {
    expect(readJson(source)).toEqual({ value: JSON.parse(source) })
  })

  it.each(broken)('reports the position of the problem in %s', (source, problem) => {
    expect(isJson(source)).toBe(false)
    expect(readJson(source)).toEqual({ problem })
  })

  it('agrees with JSON.parse about texts with one changed character', () => {
    const source = '{"a": [1, -2.5e3, "x\\n"], "b": {"c": null, "d": [true, false]}}'
    for (let at = 0; at < source.length; at++) {
      for (const sign of ['', '"', '{', ']', ',', ':', '0', '\\', ' ', 'e']) {
        const changed = source.slice(0, at) + sign + source.slice(at + 1)
        expect([changed, 'value' in readJson(changed)]).toEqual([changed, isJson(changed)])
      }
    }
  })

  it('parses long strings and long lists', () => {
    expect(readJson(JSON.stringify('x'.repeat(1_000_000)))).toHaveProperty('value')
    expect(readJson(`[${'1,'.repeat(400_000)}1]`)).toHaveProperty('value')
    expect(readJson(`"${'x'.repeat(1_000_000)}`)).toHaveProperty('problem')
  })

  it.each([
    ['{"a": 1, "a": 2}', 'line 1, column 10 repeats the key "a"'],
    ['{"a": {"b": 1},\n "c": [{}, {"b": 1, "\\u0062": 2}]}', 'line 2, column 21 repeats the key "b"'],
    ['{"__proto__": 1, "__proto__": 1}', 'line 1, column 18 repeats the key "__proto__"'],
  ])('reports the repeated key in %s', (source, problem) => {
    expect(readJson(source)).toEqual({ problem })
  })

  it('accepts equal keys of different objects', () => {
    const source = '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}], "c": {"a": 1}}'
    expect(readJson(source)).toEqual({ value: JSON.parse(source) })
  })

  it('rejects more than 100 levels', () => {
    expect(readJson('['.repeat(100) + ']'.repeat(100))).toHaveProperty('value')
    expect(readJson('['.repeat(101))).toEqual({ problem: 'line 1, column 101 nests deeper than 100 levels' })
  })
})
