/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { createRandom } from '../../lib/random.ts'
import { drawJson } from './draw-json.ts'
import { drawLimits } from './budget.ts'

/** Maximum time of one draw. The slowest take a fifth of it. Without a limit of steps many would take minutes. */
const MAX_MS = 150

const text = { type: 'string' }

function nested(levels: number, wrap: (inner: unknown) => unknown, inner: unknown = text): unknown {
  let schema = inner
  for (let level = 0; level < levels; level++) schema = wrap(schema)
  return schema
}

const range = <T>(count: number, item: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => item(at))
const named = (count: number, item: (at: number) => unknown, prefix = 'p'): Record<string, unknown> =>
  Object.fromEntries(range(count, (at) => [`${prefix}${at}`, item(at)]))

const required = (properties: Record<string, unknown>): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})

const hostile: Record<string, () => unknown> = {
  'a self-reference': () => ({ $ref: '#' }),
  'circular references': () => ({
    $ref: '#/$defs/a',
    $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
  }),
  'three allOf self-references': () => ({ allOf: [{ $ref: '#' }, { $ref: '#' }, { $ref: '#' }] }),
  'anyOf of self-references': () => ({ anyOf: range(50, () => ({ $ref: '#' })) }),
  'oneOf of a string and self-references': () => ({ oneOf: [text, ...range(50, () => ({ $ref: '#' }))] }),
  'not of a self-reference': () => ({ not: { $ref: '#' } }),
  'if, then and else of self-references': () => ({
    if: { $ref: '#' },
    then: { $ref: '#' },
    else: { $ref: '#' },
  }),
  'endless required recursion': () => required({ a: { $ref: '#' }, b: { $ref: '#' } }),
  'endless array recursion': () => ({ type: 'array', items: { $ref: '#' }, minItems: 3 }),
  'a tree that doubles at each of 30 levels': () => ({
    $ref: '#/$defs/p0',
    $defs: named(30, (at) =>
      at === 29 ? text : required({ l: { $ref: `#/$defs/p${at + 1}` }, r: { $ref: `#/$defs/p${at + 1}` } }),
    ),
  }),
  'allOf that doubles at each of 30 levels': () => ({
    $ref: '#/$defs/p0',
    $defs: named(30, (at) =>
      at === 29
        ? text
        : {
            allOf: [{ allOf: [{ $ref: `#/$defs/p${at + 1}` }] }, { allOf: [{ $ref: `#/$defs/p${at + 1}` }] }],
          },
    ),
  }),
  'oneOf in oneOf, 30 levels': () => ({
    $ref: '#/$defs/p0',
    $defs: named(30, (at) =>
      at === 29 ? text : { oneOf: [{ $ref: `#/$defs/p${at + 1}` }, { $ref: `#/$defs/p${at + 1}` }] },
    ),
  }),
  'a chain of 20,000 references': () => ({
    $ref: '#/$defs/p0',
    $defs: named(20_000, (at) => (at === 19_999 ? text : { $ref: `#/$defs/p${at + 1}` })),
  }),
  '5,000 nested objects': () => nested(5_000, (a) => required({ a })),
  '5,000 nested arrays': () => nested(5_000, (items) => ({ type: 'array', items, minItems: 1 })),
  '5,000 nested allOf': () => nested(5_000, (inner) => ({ allOf: [inner] })),
  '5,000 nested anyOf': () => nested(5_000, (inner) => ({ anyOf: [inner, { type: 'null' }] })),
  '5,000 nested not': () => nested(5_000, (not) => ({ not })),
  'a deep constant': () => ({ const: nested(20_000, (a) => [a]) }),
  'a large constant': () => ({ const: range(100_000, (at) => at) }),
  'an enum of 100,000': () => ({ enum: range(100_000, (at) => `v${at}`) }),
  'two disjoint enums of 50,000': () => ({
    allOf: [{ enum: range(50_000, (at) => `v${at}`) }, { enum: range(50_000, (at) => at) }],
  }),
  'an enum of 20,000 objects with not': () => ({
    enum: range(20_000, (a) => ({ a })),
    not: { enum: range(20_000, (a) => ({ a })) },
  }),
  '20,000 required properties': () => required(named(20_000, () => text)),
  '20,000 optional properties': () => ({ type: 'object', properties: named(20_000, () => ({ $ref: '#' })) }),
  '20,000 required names that are not listed': () => ({ required: range(20_000, (at) => `n${at}`) }),
  'many patterns for many names': () => ({
    type: 'object',
    properties: named(3_000, () => text),
    patternProperties: Object.fromEntries(range(3_000, (at) => [`^(a|b|p)+${at}$`, text])),
  }),
  '10,000 impossible branches': () => ({ anyOf: range(10_000, () => required({ a: { $ref: '#' } })) }),
  '10,000 branches of oneOf that all match': () => ({ oneOf: range(10_000, () => text) }),
  'a chain of 10,000 dependencies': () => ({
    type: 'object',
    required: ['p0'],
    dependentRequired: named(10_000, (at) => [`p${at + 1}`]),
  }),
  'a billion items': () => ({ type: 'array', items: text, minItems: 1e9 }),
  'a billion unique booleans': () => ({
    type: 'array',
    items: { type: 'boolean' },
    minItems: 1e9,
    uniqueItems: true,
  }),
  'a thousand unique objects': () => ({
    type: 'array',
    items: required({ a: { enum: [1, 2] }, b: text }),
    minItems: 1_000,
    uniqueItems: true,
  }),
  'contains with a billion items': () => ({ type: 'array', contains: { type: 'integer' }, minContains: 1e9 }),
  'a billion properties': () => ({ type: 'object', minProperties: 1e9 }),
  'a billion properties by pattern': () => ({
    type: 'object',
    minProperties: 1e9,
    patternProperties: { '^a$': text },
    additionalProperties: false,
  }),
  'a billion characters': () => ({ type: 'string', minLength: 1e9 }),
  'a thousand long texts': () => required(named(1_000, () => ({ type: 'string', minLength: 1e9 }))),
  'contradictory bounds': () =>
    required({
      a: { type: 'integer', minimum: 5, maximum: 1 },
      b: { minLength: 5, maxLength: 1 },
      c: { type: 'array', minItems: 5, maxItems: 1 },
    }),
  'bounds that are not numbers': () => ({
    type: 'integer',
    minimum: 'x',
    multipleOf: {},
    maxLength: [],
    required: 'a',
    properties: 5,
    items: 'x',
    enum: 7,
    allOf: {},
  }),
  'tiny multiples': () => ({ type: 'number', multipleOf: 1e-300, minimum: 1e300 }),
  'many multiples': () => ({ type: 'integer', allOf: range(300, (at) => ({ multipleOf: at + 0.37 })) }),
  'a pattern of nested repeats': () => ({
    type: 'string',
    pattern: '^(((a+)+)+)+b$',
    not: { pattern: '^(((a+)+)+)+b$' },
  }),
  'a pattern that backtracks': () => ({
    type: 'string',
    minLength: 5_000,
    pattern: '^(a|a|aa)*c',
    not: { pattern: '(x+x+)+y' },
  }),
  'a pattern of a billion characters': () => ({ type: 'string', pattern: '^((a{1000}){1000}){1000}$' }),
  'a pattern of empty repeats': () => ({ type: 'string', pattern: '^((((){99999}){99999})*)*$' }),
  'a pattern of nested groups': () => ({ type: 'string', pattern: '('.repeat(900) + 'a' + ')'.repeat(900) }),
  'a pattern of 1 MB': () => ({ type: 'string', pattern: '(a|b)*'.repeat(160_000) }),
  'a pattern of lookarounds': () => ({
    type: 'string',
    minLength: 500,
    pattern: `^${'(?=.*a)(?!.*b)(?<=.*)'.repeat(40)}.*$`,
  }),
  'nested lookarounds': () => ({
    type: 'string',
    minLength: 300,
    pattern: nested(20, (inner) => `(?=.*(?!${inner as string}))`, 'a'),
  }),
  '5,000 patterns of large programs': () =>
    required(named(5_000, (at) => ({ type: 'string', pattern: `^[a-z]{0,5000}${at}$` }))),
  'invalid patterns': () =>
    required({
      a: { type: 'string', pattern: '(' },
      b: { type: 'string', pattern: '[z-a]' },
      c: { type: 'string', pattern: 7 },
    }),
  'a text of 20,000 characters for many schemas': () => ({
    enum: [`${'a'.repeat(20_000)}!`],
    oneOf: range(50, () => ({ pattern: '^(a+)+$' })),
  }),
  'nested attempts': () => nested(12, (a) => ({ oneOf: range(4, () => ({ ...required({ a }), not: {} })) })),
  'a million bytes of everything': () => ({
    anyOf: range(9_000, (at) => ({
      ...required(named(2, () => ({ $ref: `#/anyOf/${(at * 7) % 9_000}` }))),
      oneOf: [{}, { $ref: '#' }],
    })),
  }),
  'names of prototypes': () =>
    JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"object","properties":{"x":{"const":1}},"required":["x"]}},"required":["__proto__","constructor"]}',
    ) as unknown,
}

describe('drawJson on a hostile schema', () => {
  it.each(Object.keys(hostile))(`takes less than ${MAX_MS} ms and is bounded: %s`, async (name) => {
    const schema = hostile[name]!()
    for (const seed of ['a', 'b']) {
      let value: unknown
      const ms = await leastMs(MAX_MS, (round) => {
        value = drawJson(schema, createRandom(`${seed}${round}`))
      })
      expect(ms).toBeLessThan(MAX_MS)
      expect(JSON.stringify(value).length).toBeLessThan(20 * drawLimits.values + 2 * drawLimits.characters)
    }
  })

  it('does not throw for schemas with replaced parts', () => {
    const random = createRandom('junk')
    const parts: unknown[] = [
      null,
      true,
      false,
      0,
      -1,
      1.5,
      1e9,
      '',
      'a',
      '#',
      '^(',
      [],
      [null],
      {},
      { $ref: '#' },
      ['a', 5],
    ]
    const keywords =
      'type enum const properties required additionalProperties patternProperties propertyNames minProperties maxProperties items prefixItems additionalItems contains minContains maxContains uniqueItems minItems maxItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf anyOf oneOf allOf not if else $ref $defs dependencies dependentRequired dependentSchemas nullable default examples unevaluatedProperties'.split(
        ' ',
      )
    const types = ['string', 'number', 'integer', 'array', 'object', 'null', ['object', 'array']]
    const write = (depth: number): unknown => {
      if (depth === 0 || random.below(5) === 0) return parts[random.below(parts.length)]
      if (random.below(5) === 0) return range(random.below(4), () => write(depth - 1))
      const schema: Record<string, unknown> =
        random.below(2) === 0 ? {} : { type: types[random.below(types.length)] }
      for (let count = random.below(6); count > 0; count--) {
        schema[keywords[random.below(keywords.length)]!] = write(depth - 1)
      }
      return schema
    }
    for (let index = 0; index < 1_500; index++) {
      const schema = write(4)
      expect({ schema, json: JSON.stringify(drawJson(schema, random)) }).toHaveProperty(
        'json',
        expect.any(String),
      )
    }
  })

  it('sets no prototype', () => {
    const value = drawJson(hostile['names of prototypes']!(), createRandom('proto')) as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(JSON.stringify(value)).toContain('"__proto__":{"x":1}')
  })
})
