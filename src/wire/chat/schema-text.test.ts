import { describe, expect, it } from 'vitest'
import { typeOf } from './schema-text.ts'

const text = { type: 'string' }
const object = (properties: Record<string, unknown>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
})

describe('typeOf', () => {
  it.each([
    [
      { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'number' } } },
      '{ a?: integer, b?: number }',
    ],
    [{ type: 'array', items: text }, 'string[]'],
    [{ type: 'array', items: object({ id: text }) }, '{ id: string }[]'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, '"a" | "b"[]'],
    [{ type: 'array' }, 'any[]'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'string', nullable: true }, 'string | null'],
    [{ anyOf: [{ type: 'boolean' }, { const: 'x' }] }, 'boolean | "x"'],
    [{ allOf: [object({ a: text }), object({ b: text })] }, '{ a: string } & { b: string }'],
    [{ enum: [-1, 'b', null] }, '-1 | "b" | null'],
    [{ const: { a: [1, 2] } }, '{"a": [1, 2]}'],
    [{ type: 'object' }, 'object'],
    [{ type: 'object', additionalProperties: text }, '{ [key: string]: string }'],
    [{}, 'any'],
    [true, 'any'],
    [false, 'never'],
    ['nonsense', 'any'],
  ])('writes %j as %s', (schema, type) => {
    expect(typeOf(schema)).toBe(type)
  })

  it('writes titles, descriptions and examples above a property, default values and limits behind it', () => {
    const schema = object(
      {
        city: {
          ...text,
          title: 'City',
          description: '\n    A name,\n\n        or a code\n',
          examples: ['Rome', 'FCO'],
        },
        unit: { enum: ['c', 'f'], default: 'c' },
        days: { type: 'integer', default: null, minimum: 1, maximum: 9 },
        share: { type: 'number', minimum: 0 },
        code: { ...text, pattern: '^a' },
        day: { ...text, format: 'date' },
        tags: { type: 'array', items: text, maxItems: 3 },
      },
      ['city'],
    )
    expect(typeOf({ ...schema, title: 'Weather', description: 'Place and day' })).toBe(`// Weather
//
// Place and day
{
// City
//
// A name,
//
// or a code
// Examples:
// - "Rome"
// - "FCO"
city: string,
unit?: "c" | "f", // default: "c"
days?: integer, // default: null, minimum: 1, maximum: 9
share?: number, // minimum: 0.0
code?: string, // pattern: /^a/
day?: string, // format: "date"
tags?: string[], // maxItems: 3
}`)
  })

  it('writes the items of an array with comments on separate lines', () => {
    const step = { ...object({ number: { type: 'integer', description: 'From 1' } }), title: 'Step' }
    expect(typeOf({ type: 'array', items: step })).toBe(
      'Array<\n// Step\n{\n// From 1\nnumber: integer,\n}\n>',
    )
  })

  it('writes the limits of an array of several lines above it', () => {
    const items = object({ number: { type: 'integer', description: 'From 1' } })
    expect(typeOf(object({ steps: { type: 'array', items, minItems: 1 } }))).toBe(
      '{\n// minItems: 1\nsteps: Array<\n{\n// From 1\nnumber: integer,\n}\n>,\n}',
    )
  })

  it('writes a union with comments on several lines, below its default value', () => {
    const since = {
      anyOf: [{ ...text, format: 'date' }, { type: 'null' }],
      default: null,
      description: 'First day',
    }
    expect(typeOf(object({ since }, []))).toBe(
      '{\n// First day\n// default: null\nsince?:\n | string // format: "date"\n | null\n,\n}',
    )
  })

  it('repeats the description for each type of a list', () => {
    const tool = { type: ['string', 'null'], description: 'Or null' }
    expect(typeOf(object({ tool }))).toBe(
      '{\n// Or null\ntool:\n// Or null\n | string\n// Or null\n | null\n,\n}',
    )
  })

  it('resolves references, but not those in a referenced schema', () => {
    const node = object({ value: text, next: { $ref: '#/$defs/node' } })
    const schema = {
      ...object({ first: { $ref: '#/$defs/node' }, other: { $ref: '#/$defs/none' } }),
      $defs: { node },
    }
    expect(typeOf(schema)).toBe(`{
first: {
value: string,
next: any, // $ref: "#/$defs/node"
},
other: any,
}`)
  })

  it('writes deep levels of a schema as any', () => {
    const schema: Record<string, unknown> = { type: 'array' }
    schema['items'] = schema
    expect(typeOf(schema)).toMatch(/^any(\[\])+$/)
  })

  it('limits the text of references and lists of types', () => {
    const large = object(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`name_${i}`, text])))
    const references = Array.from({ length: 10_000 }, (_, i) => [`ref_${i}`, { $ref: '#/$defs/large' }])
    const bomb = { ...object(Object.fromEntries(references)), $defs: { large } }
    expect(typeOf(bomb).length).toBeLessThan(1_000_000)
    let nested: Record<string, unknown> = text
    for (let i = 0; i < 40; i++)
      nested = { type: ['array', 'object'], items: nested, properties: { a: nested } }
    expect(typeOf(nested).length).toBeLessThan(1_000_000)
  })
})
