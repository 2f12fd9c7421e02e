import { describe, expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { drawJsonAnswer, writeJson } from './tool-calls.ts'

const value = { a: [1, 'x, y', null], b: { c: true, d: {} }, 'ž"': [] }

describe('writeJson and drawJsonAnswer', () => {
  it('writeJson adds no spaces, or one after each comma and colon', () => {
    expect(writeJson(value)).toBe('{"a":[1,"x, y",null],"b":{"c":true,"d":{}},"\\u017e\\"":[]}')
    expect(writeJson(value, 'spaced')).toBe(
      '{"a": [1, "x, y", null], "b": {"c": true, "d": {}}, "\\u017e\\"": []}',
    )
  })

  it('writeJson keeps the value in both spacings, in ASCII', () => {
    const texts = ['žluťoučký 😀', '\u2028\u0000"\\', '\ud800']
    for (const spacing of ['compact', 'spaced'] as const) {
      expect(JSON.parse(writeJson(value, spacing))).toEqual(value)
      expect(JSON.parse(writeJson(texts, spacing))).toEqual(texts)
      expect(writeJson(texts, spacing)).toMatch(/^[\x20-\x7e]+$/)
    }
  })

  it('drawJsonAnswer draws an object of two to five members without a schema', () => {
    const random = createRandom('object')
    for (let i = 0; i < 100; i++) {
      const members = Object.keys(JSON.parse(drawJsonAnswer({ kind: 'json-object' }, random)) as object)
      expect(members.length).toBeGreaterThanOrEqual(2)
      expect(members.length).toBeLessThanOrEqual(5)
    }
  })
})
