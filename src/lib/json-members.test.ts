import { describe, expect, it } from 'vitest'
import { memberSpans, withMembers, withTextMember } from './json-members.ts'

const set = (text: string): string => withTextMember(Buffer.from(text), 'model', 'x"ü').toString()
const value = String.raw`"x\"ü"`

describe('withTextMember', () => {
  it.each([
    ['{"model":"a"}', `{"model":${value}}`],
    [
      '{ "a" : 1e999 , "model" : "a" , "z":[1,{"model":"a"}] }\n',
      `{ "a" : 1e999 , "model" : ${value} , "z":[1,{"model":"a"}] }\n`,
    ],
    [
      '{"n":12345678901234567890123,"model":"a","n":1.0}',
      `{"n":12345678901234567890123,"model":${value},"n":1.0}`,
    ],
    ['{"model":"a","model":"b"}', `{"model":${value},"model":${value}}`],
    [String.raw`{"mod\u0065l":"a","x":"}\\\",{"}`, String.raw`{"mod\u0065l":${value},"x":"}\\\",{"}`],
    ['{"model":null,"a":true}', `{"model":${value},"a":true}`],
    ['{}', `{"model":${value}}`],
    [' {"a":[]}', ` {"model":${value},"a":[]}`],
    [`{"model":${value}, "a" :1}`, `{"model":${value}, "a" :1}`],
  ])('changes only the member: %s', (before, after) => {
    expect(set(before)).toBe(after)
    expect(JSON.parse(set(before))).toMatchObject({ model: 'x"ü' })
  })

  it.each(['', '[]', '"model"', '{"model":', '{"model"', '{model:1}', '{"a":1,}', 'null', '{"model":"a'])(
    'leaves a text that is not a JSON object: %j',
    (text) => expect(set(text)).toBe(text),
  )
})

describe('withMembers', () => {
  it('keeps the bytes of members that are unchanged', () => {
    const text = '{"seed":123456789012345678901, "a" : [ 1.0 ],"old":1,"b":{"x": 2}}'
    const before = JSON.parse(text) as Record<string, unknown>
    const { old, ...rest } = before
    const after = { ...rest, b: { x: 3 }, new: old, gone: undefined }
    expect(withMembers(Buffer.from(text), before, after).toString()).toBe(
      '{"seed":123456789012345678901,"a" : [ 1.0 ],"b":{"x":3},"new":1}',
    )
  })
})

describe('memberSpans', () => {
  it('finds the members of an object as JSON.parse does', () => {
    const value = { a: 'x,"}', 'b"': [1, [2, { c: '}' }]], c: { d: [] }, e: -1.5e-7, f: null, g: '\\' }
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      const body = Buffer.from(text)
      const found = memberSpans(body)?.map(({ name, valueStart, end }): [string, unknown] => [
        name,
        JSON.parse(body.subarray(valueStart, end).toString()),
      ])
      expect(Object.fromEntries(found ?? [])).toEqual(value)
    }
  })
})
