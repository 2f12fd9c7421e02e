import { describe, expect, it } from 'vitest'
import { Decimal, writeJson } from './write-json.ts'

describe('JSON of the Responses API', () => {
  it('has an indentation of two spaces, decimals with a point, and no final line feed', () => {
    const value = {
      a: new Decimal(1),
      b: [],
      c: {},
      d: [{ e: null }, 'x'],
      f: new Decimal(0.85),
      g: undefined,
    }
    expect(writeJson(value, 'pretty')).toBe(
      '{\n  "a": 1.0,\n  "b": [],\n  "c": {},\n  "d": [\n    {\n      "e": null\n    },\n    "x"\n  ],\n  "f": 0.85\n}',
    )
    expect(writeJson(value, 'compact')).toBe('{"a":1.0,"b":[],"c":{},"d":[{"e":null},"x"],"f":0.85}')
  })

  it.each([
    ['Hello! 😊', '"Hello! \\ud83d\\ude0a"'],
    ['é\u007f', '"\\u00e9\\u007f"'],
    ['a"\\\n\u0001', '"a\\"\\\\\\n\\u0001"'],
    ['\ud800', '"\\ud800"'],
  ])('escapes all but printable ASCII: %j', (text, json) => {
    expect(writeJson(text, 'compact')).toBe(json)
    expect(JSON.parse(json)).toBe(text)
  })

  it('can be parsed to the same value', () => {
    const value = { list: [1, -2.5, 1e21, true, 'ü'], nested: { empty: '', deep: [[[]]] } }
    expect(JSON.parse(writeJson(value, 'pretty'))).toEqual(value)
  })
})
