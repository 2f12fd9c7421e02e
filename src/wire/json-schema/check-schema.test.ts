import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { errorBody } from '../../../tests/support/error-body.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { findModel } from '../models/model-catalogue.ts'
import { validateResponses } from '../responses/validate-responses.ts'
import { schemaProblem } from './check-schema.ts'

const model = findModel('gpt-4o')!
const messages = [{ role: 'user', content: 'Hi' }]

interface Refusal {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

function refusalOf(error: ReturnType<typeof validateChat>): Refusal | undefined {
  if (error === undefined) return undefined
  return (JSON.parse(errorBody(error)) as { error: Refusal }).error
}

type Json = Readonly<Record<string, unknown>>

/** The places of a schema, by API. Each returns the refusal of a request with the schema. */
const places = {
  'a tool of chat': (schema: unknown, strict: boolean | null) =>
    refusalOf(
      validateChat(
        { messages, tools: [{ type: 'function', function: { name: 'f', parameters: schema, strict } }] },
        model,
      ),
    ),
  'a function of chat': (schema: unknown, strict: boolean | null) =>
    refusalOf(validateChat({ messages, functions: [{ name: 'f', parameters: schema, strict }] }, model)),
  'a tool of Responses': (schema: unknown, strict: boolean | null) =>
    refusalOf(
      validateResponses(
        {
          input: 'Hi',
          tools: [{ type: 'web_search' }, { type: 'function', name: 'f', parameters: schema, strict }],
        },
        model,
      ),
    ),
  'a tool of a namespace': (schema: unknown, strict: boolean | null) =>
    refusalOf(
      validateResponses(
        {
          input: 'Hi',
          tools: [
            {
              type: 'namespace',
              name: 'n',
              tools: [{ type: 'function', name: 'f', parameters: schema, strict }],
            },
          ],
        },
        model,
      ),
    ),
  'a format of chat': (schema: unknown, strict: boolean | null) =>
    refusalOf(
      validateChat(
        { messages, response_format: { type: 'json_schema', json_schema: { name: 'f', schema, strict } } },
        model,
      ),
    ),
  'a format of Responses': (schema: unknown, strict: boolean | null) =>
    refusalOf(
      validateResponses(
        { input: 'Hi', text: { format: { type: 'json_schema', name: 'f', schema, strict } } },
        model,
      ),
    ),
} as const

const everyPlace = Object.keys(places) as (keyof typeof places)[]
const isFormat = (place: keyof typeof places): boolean => place.startsWith('a format')

const origin = {
  'a tool of chat': { param: 'tools[0].function.parameters', code: 'invalid_function_parameters' },
  'a function of chat': { param: 'functions[0].parameters', code: 'invalid_function_parameters' },
  'a tool of Responses': { param: 'tools[1].parameters', code: 'invalid_function_parameters' },
  'a tool of a namespace': { param: 'tools[0].tools[0].parameters', code: 'invalid_function_parameters' },
  'a format of chat': { param: 'response_format', code: null },
  'a format of Responses': { param: 'text.format.schema', code: 'invalid_json_schema' },
} as const

function refused(place: keyof typeof places, problem: string): Refusal {
  return {
    message: `Invalid schema for ${isFormat(place) ? 'response_format' : 'function'} 'f'${problem}`,
    type: 'invalid_request_error',
    ...origin[place],
  }
}

const closed = (properties: Json, more: Json = {}): Json => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})
/** A valid schema of which one property is not. */
const withA = (a: unknown, more: Json = {}): Json => closed({ a }, more)
const open = (properties: Json, more: Json = {}): Json => ({ type: 'object', properties, ...more })
const text = { type: 'string' }
const REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."
const CLOSED = "'additionalProperties' is required to be supplied and to be false."
const inA = (problem: string): string => `: In context=('properties', 'a'), ${problem}`

function nested(levels: number): Json {
  let schema: Json = closed({ v: { type: 'integer' } })
  for (let i = 1; i < levels; i++) schema = closed({ c: schema })
  return schema
}
const names = (count: number, prefix = 'p'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const wide = (count: number): Json => closed(Object.fromEntries(names(count).map((name) => [name, text])))

/** Violations of the meta-schema and of the root: refused whether the schema is strict or not. */
const alwaysRefused: readonly (readonly [name: string, schema: Json, problem: string])[] = [
  ['an empty schema', {}, `: schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.`],
  [
    'a root without a type',
    { properties: { a: text } },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.`,
  ],
  [
    'a union at the root without a type',
    { oneOf: [closed({})] },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.`,
  ],
  [
    'an array at the root',
    { type: 'array', items: text },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "array"'.`,
  ],
  [
    'a text at the root',
    { type: 'string' },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "string"'.`,
  ],
  [
    'an object or null at the root',
    { type: ['object', 'null'], properties: {} },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "['object', 'null']"'.`,
  ],
  [
    'the wrapper of a schema',
    { name: 'x', schema: closed({}) },
    `: schema must be a JSON Schema of 'type: "object"', got 'type: "None"'.`,
  ],
  ['an array without items', withA({ type: 'array' }), inA('array schema missing items.')],
  [
    'a list of lists without items',
    withA({ type: 'array', items: { type: 'array' } }),
    ": In context=('properties', 'a', 'items'), array schema missing items.",
  ],
  [
    'an array or null without items',
    withA({ type: ['array', 'null'] }),
    ": In context=('properties', 'a', 'type', '0'), array schema missing items.",
  ],
  [
    'an array in a union without items',
    withA({ anyOf: [{ type: 'null' }, { type: 'array' }] }),
    ": In context=('properties', 'a', 'anyOf', '1'), array schema missing items.",
  ],
  ['items that are true', withA({ type: 'array', items: true }), inA('array schema items is not an object.')],
  ['an unknown type', withA({ type: 'str' }), ": 'str' is not valid under any of the given schemas."],
  [
    'a type in capitals',
    { type: 'OBJECT', properties: {} },
    ": 'OBJECT' is not valid under any of the given schemas.",
  ],
  ['a type that is null', withA({ type: null }), ': None is not valid under any of the given schemas.'],
  ['an empty list of types', withA({ type: [] }), ': [] is not valid under any of the given schemas.'],
  [
    'a type twice',
    withA({ type: ['string', 'string'] }),
    ": ['string', 'string'] is not valid under any of the given schemas.",
  ],
  ['a property that is a text', withA('text'), ": 'text' is not of type 'object', 'boolean'."],
  ['a property that is null', withA(null), ": None is not of type 'object', 'boolean'."],
  [
    'a property that is a list',
    withA([
      { type: 'integer', minimum: 0 },
      { type: 'integer', minimum: 0 },
    ]),
    ": [{'type': 'integer', 'minimum': 0}, {'type': 'integer', 'minimum': 0}] is not of type 'object', 'boolean'.",
  ],
  [
    'items of a tuple',
    withA({ type: 'array', items: [text] }),
    ": [{'type': 'string'}] is not of type 'object', 'boolean'.",
  ],
  ['properties that are a list', { type: 'object', properties: [] }, ": [] is not of type 'object'."],
  ['required that is null', { ...open({}), required: null }, ": None is not of type 'array'."],
  ['required of a property', withA({ type: 'string', required: true }), ": True is not of type 'array'."],
  [
    'a name twice in required',
    { ...withA(text), required: ['a', 'a'] },
    ": ['a', 'a'] has non-unique elements.",
  ],
  [
    'a required name that is a number',
    { ...withA(text), required: ['a', 5] },
    ": 5 is not of type 'string'.",
  ],
  ['an enum that is a text', withA({ type: 'string', enum: 'x' }), ": 'x' is not of type 'array'."],
  ['an empty union', withA({ anyOf: [] }), ': [] should be non-empty.'],
  ['a negative length', withA({ type: 'string', minLength: -1 }), ': -1 is less than the minimum of 0.'],
  ['a length that is a text', withA({ type: 'string', minLength: '1' }), ": '1' is not of type 'integer'."],
  [
    'a bound of draft 4',
    withA({ type: 'number', exclusiveMinimum: true }),
    ": True is not of type 'number'.",
  ],
  [
    'a multiple of zero',
    withA({ type: 'number', multipleOf: 0 }),
    ': 0 is less than or equal to the minimum of 0.',
  ],
  [
    'a description that is a number',
    withA({ type: 'string', description: 5 }),
    ": 5 is not of type 'string'.",
  ],
  ['an unfinished pattern', withA({ type: 'string', pattern: '(' }), ": '(' is not a 'regex'."],
  [
    'a pattern with a class of JavaScript',
    withA({ type: 'string', pattern: '^\\p{L}+$' }),
    ": '^\\\\p{L}+$' is not a 'regex'.",
  ],
  [
    'a pattern with a group of JavaScript',
    withA({ type: 'string', pattern: '(?<y>\\d)' }),
    ": '(?<y>\\\\d)' is not a 'regex'.",
  ],
  [
    'an id with a space',
    withA(text, { $id: 'Parameters Schema' }),
    ": 'Parameters Schema' is not a 'uri-reference'.",
  ],
  [
    'a fault inside a definition',
    withA({ $ref: '#/$defs/d' }, { $defs: { d: { type: 'int' } } }),
    ": 'int' is not valid under any of the given schemas.",
  ],
]

/** Refused only for functions: formats can have these at the root unless they are strict. */
const ROOT_UNION =
  ": schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
const refusedForFunctions: readonly (readonly [name: string, schema: Json])[] = [
  ['oneOf at the root', closed({}, { oneOf: [{ required: [] }] })],
  ['anyOf at the root', open({ a: text, b: text }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] })],
  ['allOf at the root', closed({}, { allOf: [{}] })],
  ['enum at the root', closed({}, { enum: [{}] })],
  ['not at the root', closed({}, { not: { required: ['a'] } })],
]

/** Refused only for strict schemas. */
const refusedIfStrict: readonly (readonly [name: string, schema: Json, problem: string])[] = [
  ['an open root', open({ a: text }, { required: ['a'] }), `: In context=(), ${CLOSED}`],
  [
    'a root with open properties',
    { ...withA(text), additionalProperties: true },
    `: In context=(), ${CLOSED}`,
  ],
  [
    'a root with properties of a schema',
    { ...withA(text), additionalProperties: text },
    `: In context=(), ${CLOSED}`,
  ],
  ['an open root that also misses a name', open({ a: text }), `: In context=(), ${CLOSED}`],
  ['an open property', withA(open({ b: text }, { required: ['b'] })), inA(CLOSED)],
  ['an open object without properties', withA({ type: 'object', additionalProperties: true }), inA(CLOSED)],
  [
    'open items',
    withA({ type: 'array', items: open({}) }),
    `: In context=('properties', 'a', 'items'), ${CLOSED}`,
  ],
  [
    'an open object in a union',
    withA({ anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }] }),
    `: In context=('properties', 'a', 'anyOf', '0'), ${CLOSED}`,
  ],
  [
    'an open object or null',
    withA({ type: ['object', 'null'] }),
    `: In context=('properties', 'a', 'type', '0'), ${CLOSED}`,
  ],
  [
    'a map of any values',
    withA({ type: 'object', additionalProperties: {} }),
    `: In context=('properties', 'a', 'additionalProperties'), ${CLOSED}`,
  ],
  [
    'a map of open objects',
    withA({ type: 'object', additionalProperties: open({}) }),
    `: In context=('properties', 'a', 'additionalProperties'), ${CLOSED}`,
  ],
  [
    'a list of maps',
    withA({ type: 'array', items: { type: 'object', additionalProperties: text } }),
    `: In context=('properties', 'a', 'items'), ${CLOSED}`,
  ],
  [
    'an open definition',
    withA({ $ref: '#/$defs/d' }, { $defs: { d: open({}) } }),
    `: In context=('$defs', 'd'), ${CLOSED}`,
  ],
  [
    'a missing required',
    { type: 'object', properties: { a: text }, additionalProperties: false },
    `: In context=(), ${REQUIRED} Missing 'a'.`,
  ],
  [
    'a name that is not required',
    { ...closed({ a: text, b: text, c: text }), required: ['a', 'c'] },
    `: In context=(), ${REQUIRED} Missing 'b'.`,
  ],
  [
    'a name of a property that is not required',
    withA({ ...closed({ b: text }), required: [] }),
    `: In context=('properties', 'a'), ${REQUIRED} Missing 'b'.`,
  ],
  [
    'a name with a quote that is not required',
    { ...closed({ "it's": text }), required: [] },
    `: In context=(), ${REQUIRED} Missing "it's".`,
  ],
  [
    'a required name without a property',
    { ...closed({ a: text }), required: ['a', 'b'] },
    `: In context=(), ${REQUIRED} Extra required key 'b' supplied.`,
  ],
  [
    'a required map',
    withA({ type: 'object', additionalProperties: text }),
    `: In context=(), ${REQUIRED} Extra required key 'a' supplied.`,
  ],
  [
    'a required object without properties',
    withA({ type: 'object', additionalProperties: false }),
    `: In context=(), ${REQUIRED} Extra required key 'a' supplied.`,
  ],
  ['a required empty schema', withA({}), `: In context=(), ${REQUIRED} Extra required key 'a' supplied.`],
  ['a property without a type', withA({ description: 'd' }), inA("schema must have a 'type' key.")],
  ['a constant without a type', withA({ const: 'x' }), inA("schema must have a 'type' key.")],
  ['an enum without a type', withA({ enum: ['x'] }), inA("schema must have a 'type' key.")],
  [
    'items without a type',
    withA({ type: 'array', items: {} }),
    ": In context=('properties', 'a', 'items'), schema must have a 'type' key.",
  ],
  [
    'an empty branch',
    withA({ anyOf: [{}, { type: 'null' }] }),
    ": In context=('properties', 'a', 'anyOf', '0'), schema must have a 'type' key.",
  ],
  ...['oneOf', 'allOf', 'prefixItems'].map(
    (keyword) =>
      [
        keyword,
        withA({ type: 'array', items: text, [keyword]: [text] }),
        inA(`'${keyword}' is not permitted.`),
      ] as const,
  ),
  ...['if', 'then', 'else', 'contains', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties'].map(
    (keyword) =>
      [
        keyword,
        withA({ ...closed({}), [keyword]: { type: 'string' } }),
        inA(`'${keyword}' is not permitted.`),
      ] as const,
  ),
  ...['minProperties', 'maxProperties', 'minContains', 'maxContains'].map(
    (keyword) =>
      [keyword, withA({ ...closed({}), [keyword]: 1 }), inA(`'${keyword}' is not permitted.`)] as const,
  ),
  ...['patternProperties', 'dependentSchemas', 'dependentRequired'].map(
    (keyword) =>
      [keyword, withA({ ...closed({}), [keyword]: {} }), inA(`'${keyword}' is not permitted.`)] as const,
  ),
  [
    'uniqueItems',
    withA({ type: 'array', items: text, uniqueItems: true }),
    inA("'uniqueItems' is not permitted."),
  ],
  ['a union without a type', withA({ oneOf: [text, { type: 'null' }] }), inA("'oneOf' is not permitted.")],
  [
    'items with a union',
    withA({ type: 'array', items: { oneOf: [text] } }),
    ": In context=('properties', 'a', 'items'), 'oneOf' is not permitted.",
  ],
  ['a negation', withA({ type: 'string', not: { const: 'x' } }), inA("Unsupported keywords ('not',).")],
  ['the format uri', withA({ type: 'string', format: 'uri' }), inA("'uri' is not a valid format.")],
  ['an invented format', withA({ type: 'string', format: 'bogus' }), inA("'bogus' is not a valid format.")],
  [
    'the format of a text or null',
    withA({ type: ['string', 'null'], format: 'uri' }),
    ": In context=('properties', 'a', 'type', '0'), 'uri' is not a valid format.",
  ],
  [
    'an enum of another type',
    withA({ type: 'string', enum: ['x', 1] }),
    ": context=('properties', 'a'), enum value 1 does not validate against {'type': 'string'}.",
  ],
  [
    'an enum of none of the types',
    withA({ type: ['integer', 'null'], enum: [1, 'javascript'] }),
    ": context=('properties', 'a'), enum value javascript does not validate against {'type': ['integer', 'null']}.",
  ],
  [
    'a reference with a description',
    withA({ $ref: '#/$defs/d', description: 'd' }, { $defs: { d: text } }),
    ": context=('properties', 'a'), $ref cannot have keywords {'description'}.",
  ],
  [
    'a reference with two keywords',
    withA({ $ref: '#/$defs/d', description: 'd', default: 1 }, { $defs: { d: text } }),
    ": context=('properties', 'a'), $ref cannot have keywords {'default', 'description'}.",
  ],
  [
    'a reference to a property',
    closed({ a: text, b: { $ref: '#/properties/a' } }),
    ": In context=('properties', 'b'), reference can only point to definitions defined at the top level of the schema.",
  ],
  [
    'a reference to nothing',
    withA({ $ref: '#/$defs/d' }),
    inA('reference can only point to definitions defined at the top level of the schema.'),
  ],
  [
    'a reference to another document',
    withA({ $ref: 'https://example.com/a.json' }),
    inA('reference can only point to definitions defined at the top level of the schema.'),
  ],
  ['eleven levels', nested(11), ': 11 levels of nesting exceeds limit of 10.'],
  ['thirteen levels', nested(13), ': 13 levels of nesting exceeds limit of 10.'],
  ['6,000 properties', wide(6_000), ': 6000 parameters exceeds limit of 5000.'],
  [
    '1,008 values',
    closed({ a: { type: 'string', enum: names(500) }, b: { type: 'string', enum: names(508) } }),
    ": Expected at most 1000 enum values in total within a single schema when using structured outputs, but received 1008. Consider reducing the number of enums, or use 'strict: false' to opt out of structured outputs.",
  ],
  [
    'long values',
    withA({ type: 'string', enum: names(300, 'x'.repeat(50)) }),
    ": Expected at most 15000 total characters across enum values when there are more than 250 enum values, but received 15790. Consider reducing the number of enums, or use 'strict: false' to opt out of structured outputs.",
  ],
  ['long names', closed({ ['x'.repeat(120_001)]: text }), '. Please ensure it is a valid JSON Schema.'],
]

/** Accepted, strict or not. */
const accepted: readonly (readonly [name: string, schema: Json])[] = [
  ['an object without properties', closed({})],
  [
    'an object without properties and required',
    { type: 'object', properties: {}, additionalProperties: false },
  ],
  [
    'bounds',
    closed({
      n: { type: 'number', minimum: 0, exclusiveMaximum: 9, multipleOf: 0.5 },
      s: { type: 'string', minLength: 1, maxLength: 9, pattern: '^a' },
      l: { type: 'array', items: text, minItems: 1, maxItems: 2 },
    }),
  ],
  [
    'annotations',
    withA(
      { type: 'string', title: 'A', description: 'd', default: 'x', examples: ['x'], deprecated: true },
      { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'https://example.com/a' },
    ),
  ],
  ['unknown keywords', withA({ type: 'string', 'x-a': 1, nullable: true }, { strict: true })],
  ...['date', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'time', 'uuid'].map(
    (format) => [`the format ${format}`, withA({ type: 'string', format })] as const,
  ),
  ['a union', withA({ anyOf: [text, { type: 'null' }, closed({ b: text })], description: 'd', title: 'A' })],
  ['a list of types', withA({ type: ['string', 'null'], enum: ['x', null] })],
  ['a constant', withA({ type: 'string', const: 'x' })],
  ['a definition', withA({ $ref: '#/$defs/d' }, { $defs: { d: closed({ b: text }) } })],
  ['a definition of draft 7', withA({ $ref: '#/definitions/d' }, { definitions: { d: text } })],
  ['recursion through the root', withA({ anyOf: [{ $ref: '#' }, { type: 'null' }] })],
  [
    'recursion through a definition',
    withA(
      { $ref: '#/$defs/d' },
      { $defs: { d: closed({ next: { anyOf: [{ $ref: '#/$defs/d' }, { type: 'null' }] } }) } },
    ),
  ],
  [
    'keywords as names',
    closed({ type: text, properties: text, oneOf: text, $ref: text, not: text, required: text }),
  ],
  ['ten levels', nested(10)],
  ['5,000 properties', wide(5_000)],
  ['1,000 values', withA({ type: 'string', enum: names(1_000) })],
  ['the pattern of an email', withA({ type: 'string', pattern: '^(?!\\.)(?!.*\\.\\.)[a-z]+@[a-z]+$' })],
  ['a pattern of Python', withA({ type: 'string', pattern: '(?P<y>\\d)\\Z' })],
]

/** Accepted only if they are not strict. */
const acceptedUnlessStrict = refusedIfStrict.filter(([name]) => !name.startsWith('long names'))

describe('a schema', () => {
  describe.each(everyPlace)('as %s', (place) => {
    const check = places[place]

    it.each([...alwaysRefused])('%s is refused, strict or not', (_, schema, problem) => {
      expect(check(schema, true)).toEqual(refused(place, problem))
      expect(check(schema, false)).toEqual(refused(place, problem))
    })

    it.each([...refusedIfStrict])('%s is refused only if it is strict', (_, schema, problem) => {
      expect(check(schema, true)).toEqual(refused(place, problem))
    })

    it.each([...acceptedUnlessStrict])('%s is accepted if it is not strict', (_, schema) => {
      expect(check(schema, false)).toBeUndefined()
    })

    it.each([...accepted])('%s is accepted', (_, schema) => {
      expect(check(schema, true)).toBeUndefined()
      expect(check(schema, false)).toBeUndefined()
    })

    it('an object without properties is refused at the root', () => {
      const problem = ': In context=(), object schema missing properties.'
      expect(check({ type: 'object' }, false)).toEqual(refused(place, problem))
      expect(check({ type: 'object', additionalProperties: false }, true)).toEqual(refused(place, problem))
      expect(check({ type: 'object', title: 'f' }, true)).toEqual(
        refused(place, `: In context=(), ${CLOSED}`),
      )
    })
  })

  it.each([...refusedForFunctions])('%s is refused for functions', (name, schema) => {
    for (const place of everyPlace.filter((one) => !isFormat(one))) {
      expect(places[place](schema, true)).toEqual(refused(place, ROOT_UNION))
      expect(places[place](schema, false)).toEqual(refused(place, ROOT_UNION))
    }
    expect(places['a format of chat'](schema, false)).toBeUndefined()
    if (name.startsWith('enum')) return
    const keyword = name.slice(0, name.indexOf(' '))
    const problem = keyword === 'not' ? "Unsupported keywords ('not',)." : `'${keyword}' is not permitted.`
    const place = 'a format of chat'
    expect(places[place](schema, true)).toEqual(refused(place, `: In context=(), ${problem}`))
  })

  it('is strict without `strict` only as a format of Responses', () => {
    const schema = open({ a: text })
    for (const place of everyPlace) {
      const problem = place === 'a format of Responses' ? `: In context=(), ${CLOSED}` : undefined
      expect(places[place](schema, null)).toEqual(problem && refused(place, problem))
    }
  })

  it('is not checked if it is null', () => {
    expect(places['a tool of chat'](null, true)).toBeUndefined()
    expect(places['a format of chat'](null, true)).toBeUndefined()
  })
})

describe('the name of a schema', () => {
  const withName = (name: string) => ({
    'tools[0].function.name': refusalOf(
      validateChat({ messages, tools: [{ type: 'function', function: { name } }] }, model),
    ),
    'functions[0].name': refusalOf(validateChat({ messages, functions: [{ name }] }, model)),
    'tools[0].name': refusalOf(
      validateResponses({ input: 'Hi', tools: [{ type: 'function', name }] }, model),
    ),
    'response_format.json_schema.name': refusalOf(
      validateChat(
        { messages, response_format: { type: 'json_schema', json_schema: { name, schema: closed({}) } } },
        model,
      ),
    ),
    'text.format.name': refusalOf(
      validateResponses(
        { input: 'Hi', text: { format: { type: 'json_schema', name, schema: closed({}) } } },
        model,
      ),
    ),
  })

  it('must match the pattern of names', () => {
    for (const [param, refusal] of Object.entries(withName('a.b'))) {
      expect(refusal).toEqual({
        message: `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
        type: 'invalid_request_error',
        param,
        code: 'invalid_value',
      })
    }
  })

  it('has at most 64 characters', () => {
    for (const [param, refusal] of Object.entries(withName('a'.repeat(65)))) {
      expect(refusal).toEqual({
        message: `Invalid '${param}': string too long. Expected a string with maximum length 64, but got a string with length 65 instead.`,
        type: 'invalid_request_error',
        param,
        code: 'string_above_max_length',
      })
    }
  })
})

describe('a hostile schema', () => {
  const check = places['a tool of chat']
  const OVERSIZED = refused('a tool of chat', '. Please ensure it is a valid JSON Schema.')
  const deep = (levels: number, wrap: (inner: Json) => Json): Json => {
    let schema: Json = text
    for (let i = 0; i < levels; i++) schema = wrap(schema)
    return schema
  }

  it('with deep nesting is refused', () => {
    for (const strict of [true, false]) {
      expect(check(withA(deep(50_000, (items) => ({ type: 'array', items }))), strict)).toEqual(OVERSIZED)
      expect(check(withA(deep(50_000, (inner) => ({ anyOf: [inner] }))), strict)).toEqual(OVERSIZED)
    }
  })

  it('with many parts is refused', () => {
    expect(check(closed({ a: { anyOf: Array.from({ length: 300_000 }, () => text) } }), true)).toEqual(
      OVERSIZED,
    )
  })

  it('with deep values is accepted', () => {
    let value: unknown = 1
    for (let i = 0; i < 50_000; i++) value = [value]
    expect(check(withA({ type: 'array', items: text, default: value }), true)).toBeUndefined()
  })

  it('is checked in bounded time', async () => {
    const random = createRandom('hostile schemas')
    const values = Array.from({ length: 100_000 }, () => `v${random.below(1_000_000_000)}`)
    const schemas = [
      withA({ type: 'string', enum: values }),
      closed(Object.fromEntries(values.map((name) => [name, text]))),
      { ...closed({}), required: values },
      withA({ type: 'string', pattern: '(a+)+$'.repeat(10_000) }),
      withA({ type: values }),
    ]
    for (const schema of schemas) {
      const ms = await leastMs(400, () => schemaProblem(schema, 'function', true))
      expect(ms).toBeLessThan(400)
    }
  })

  it('with many names is written without its whole text', () => {
    const message = check(withA({ type: names(100_000) }), true)?.message ?? ''
    expect(message.length).toBeLessThan(11_000)
  })
})
