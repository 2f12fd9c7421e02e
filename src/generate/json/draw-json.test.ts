/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { drawJson } from './draw-json.ts'

const options = { strict: false, validateFormats: true, ownProperties: true } as const
const validators = [new Ajv2020(options), new Ajv(options)]
for (const validator of validators) formats.default(validator)
const [latest, draft7] = validators

const DRAWS = 60

/** Draws many values of a schema and returns those that do not match. */
function mismatches(schema: unknown, validator = latest, draws = DRAWS): string[] {
  const { $schema: _, ...rest } = schema === true ? {} : (schema as Record<string, unknown>)
  const isValid = validator!.compile(rest)
  const random = createRandom(JSON.stringify(schema).slice(0, 100))
  const problems: string[] = []
  for (let draw = 0; draw < draws; draw++) {
    const value = drawJson(schema, random)
    if (!isValid(JSON.parse(JSON.stringify(value)))) {
      problems.push(`${JSON.stringify(value)}: ${validator!.errorsText(isValid.errors)}`)
    }
  }
  return problems.slice(0, 3)
}

const text = { type: 'string' }
const integer = { type: 'integer' }
const object = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const list = (items: unknown, more: object = {}): object => ({ type: 'array', items, ...more })
const ref = (name: string): object => ({ $ref: `#/$defs/${name}` })

const realWorld: Record<string, unknown> = {
  'math steps': object({ steps: list(object({ explanation: text, output: text })), final_answer: text }),
  'research paper': object({ title: text, authors: list(text), abstract: text, keywords: list(text) }),
  'recursive user interface': {
    type: 'object',
    properties: {
      type: { type: 'string', enum: ['div', 'button', 'header', 'section', 'field', 'form'] },
      label: { type: 'string', description: 'The label of the component' },
      children: { type: 'array', items: { $ref: '#' } },
      attributes: list(object({ name: text, value: text })),
    },
    required: ['type', 'label', 'children', 'attributes'],
    additionalProperties: false,
  },
  'linked list': {
    type: 'object',
    properties: { linked_list: { $ref: '#/$defs/linked_list_node' } },
    $defs: {
      linked_list_node: object({
        value: { type: 'number' },
        next: { anyOf: [{ $ref: '#/$defs/linked_list_node' }, { type: 'null' }] },
      }),
    },
    required: ['linked_list'],
    additionalProperties: false,
  },
  'calendar event': object({ name: text, date: text, participants: list(text) }),
  moderation: object({
    is_violating: { type: 'boolean' },
    category: {
      type: ['string', 'null'],
      enum: ['violence', 'sexual', 'self_harm', null],
    },
    explanation_if_violating: { type: ['string', 'null'] },
  }),
  'item of anyOf': {
    type: 'object',
    properties: {
      item: {
        anyOf: [
          object({ name: text, age: { type: 'number' } }),
          object({ number: text, street: text, city: text }),
        ],
      },
    },
    additionalProperties: false,
    required: ['item'],
  },
  'steps by definition': {
    type: 'object',
    properties: { steps: list(ref('step')), final_answer: text },
    $defs: { step: object({ explanation: text, output: text }) },
    required: ['steps', 'final_answer'],
    additionalProperties: false,
  },
  'strict weather tool with nullable unit': object({
    location: text,
    units: { type: ['string', 'null'], enum: ['celsius', 'fahrenheit', null] },
  }),
  'constrained device': object({
    username: { type: 'string', pattern: '^[a-zA-Z0-9_]{3,16}$' },
    email: { type: 'string', format: 'email' },
    temperature: { type: 'number', minimum: -10, exclusiveMaximum: 100.5 },
    readings: list({ type: 'number' }, { minItems: 2, maxItems: 5 }),
  }),
  'weather tool': {
    type: 'object',
    properties: { location: text, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
    required: ['location'],
  },
  'tool without parameters': { type: 'object', properties: {} },
  'joke by pydantic': {
    title: 'Joke',
    type: 'object',
    properties: {
      setup: { title: 'Setup', type: 'string' },
      punchline: { title: 'Punchline', type: 'string' },
      rating: { anyOf: [{ type: 'integer', maximum: 10, minimum: 1 }, { type: 'null' }], default: null },
    },
    required: ['setup', 'punchline'],
  },
  'final response or search, by pydantic': {
    $defs: {
      Search: {
        properties: {
          kind: { const: 'search', type: 'string' },
          query: text,
          k: { type: 'integer', default: 4 },
        },
        required: ['kind', 'query'],
        type: 'object',
      },
      Answer: {
        properties: { kind: { const: 'answer', type: 'string' }, sources: list(text) },
        required: ['kind', 'sources'],
        type: 'object',
      },
    },
    properties: {
      output: {
        discriminator: { propertyName: 'kind', mapping: { search: '#/$defs/Search' } },
        oneOf: [{ $ref: '#/$defs/Search' }, { $ref: '#/$defs/Answer' }],
      },
    },
    required: ['output'],
    type: 'object',
  },
  'decimal by pydantic': object({
    price: { anyOf: [{ type: 'number' }, { type: 'string', pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$' }] },
    when: { type: 'string', format: 'date-time' },
    took: { type: 'string', format: 'duration' },
    id: { type: 'string', format: 'uuid' },
  }),
  'recipe by zod': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...object({
      recipe: object({
        name: text,
        ingredients: list(object({ name: text, amount: text })),
        steps: list(text),
      }),
    }),
  },
  'notifications by zod, as an array of elements': {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...object({ elements: list(object({ name: text, message: text, minutesAgo: { type: 'number' } })) }),
  },
  'enum output': object({
    result: { type: 'string', enum: ['action', 'comedy', 'drama', 'horror', 'sci-fi'] },
  }),
  'zod int': object({
    id: { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
    positive: { type: 'integer', exclusiveMinimum: 0, maximum: 9007199254740991 },
    link: { type: 'string', format: 'uri' },
    record: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'number' } },
    pair: { type: 'array', prefixItems: [text, { type: 'number' }] },
  }),
  'zod literals': object({
    status: {
      anyOf: [
        { type: 'string', const: 'on' },
        { type: 'string', const: 'off' },
      ],
    },
    id: {
      type: 'string',
      format: 'uuid',
      pattern: '^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$',
    },
    mail: {
      type: 'string',
      format: 'email',
      pattern:
        "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    },
    slug: { type: 'string', pattern: '^[a-z0-9]+(?:-[a-z0-9]+)*$', maxLength: 12 },
  }),
  'read_file of a file server (MCP)': {
    type: 'object',
    properties: { path: text, tail: { type: 'number' }, head: { type: 'number' } },
    required: ['path'],
    additionalProperties: false,
    $schema: 'http://json-schema.org/draft-07/schema#',
  },
  'edit_file of a file server (MCP)': {
    type: 'object',
    properties: {
      path: text,
      edits: list(object({ oldText: text, newText: text })),
      dryRun: { type: 'boolean', default: false },
    },
    required: ['path', 'edits'],
    additionalProperties: false,
  },
  'create_entities of a memory server (MCP)': {
    type: 'object',
    properties: {
      entities: list({
        type: 'object',
        properties: { name: text, entityType: text, observations: list(text) },
        required: ['name', 'entityType', 'observations'],
      }),
    },
    required: ['entities'],
  },
  'sequential thinking (MCP)': {
    type: 'object',
    properties: {
      thought: text,
      nextThoughtNeeded: { type: 'boolean' },
      thoughtNumber: { type: 'integer', minimum: 1 },
      totalThoughts: { type: 'integer', minimum: 1 },
      branchId: text,
    },
    required: ['thought', 'nextThoughtNeeded', 'thoughtNumber', 'totalThoughts'],
  },
  'create_issue of a forge (MCP)': {
    type: 'object',
    properties: {
      owner: text,
      repo: text,
      title: text,
      labels: list(text),
      milestone: { type: 'number' },
      sort: { enum: ['created', 'updated', 'comments'] },
      per_page: { type: 'number', minimum: 1, maximum: 100 },
    },
    required: ['owner', 'repo', 'title'],
  },
  'OpenAPI with nullable': {
    type: 'object',
    properties: {
      note: { type: 'string', nullable: true },
      pet: {
        allOf: [
          { type: 'object', properties: { name: text }, required: ['name'] },
          { properties: { tag: text } },
        ],
      },
    },
    required: ['note', 'pet'],
  },
  'purchase order': {
    type: 'object',
    properties: {
      orderId: { type: 'string', pattern: '^ORD-[0-9]{6}$' },
      currency: { type: 'string', minLength: 3, maxLength: 3, pattern: '^[A-Z]{3}$' },
      lines: list(
        object({
          sku: { type: 'string', minLength: 4, maxLength: 12 },
          quantity: { type: 'integer', minimum: 1, maximum: 99 },
          unitPrice: { type: 'number', minimum: 0, multipleOf: 0.01 },
        }),
        { minItems: 1, maxItems: 10 },
      ),
      shipping: ref('address'),
      billing: ref('address'),
    },
    required: ['orderId', 'currency', 'lines', 'shipping'],
    $defs: {
      address: object({ street: text, city: text, zip: { type: 'string', pattern: '^\\d{5}(-\\d{4})?$' } }),
    },
  },
}

const keywords: Record<string, unknown> = {
  'an empty schema': {},
  'the schema true': true,
  'a list of types': { type: ['integer', 'boolean', 'array'] },
  'null only': { type: 'null' },
  'const null': { const: null },
  'const object': { const: { b: [1, { a: null }], a: 'x' } },
  'enum of all kinds': { enum: [1, 'a', null, [1], { a: 1 }, false] },
  'enum cut by type': { type: 'integer', enum: ['a', 1, null, 2.5, 7] },
  'enum cut by bounds': { enum: [1, 5, 20, 300], minimum: 10, maximum: 100 },
  'enum cut by allOf': { allOf: [{ enum: ['a', 'b', 'c'] }, { enum: ['c', 'd'] }] },
  'enum cut by not': { enum: ['a', 'b'], not: { const: 'a' } },
  'string without type': { minLength: 3, maxLength: 5 },
  'long string': { type: 'string', minLength: 700, maxLength: 800 },
  'string of exactly 7': { type: 'string', minLength: 7, maxLength: 7 },
  'empty string': { type: 'string', maxLength: 0 },
  'integer with open bounds': { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 },
  'integer between fractions': { type: 'integer', minimum: 0.2, maximum: 1.7 },
  'negative integer': { type: 'integer', maximum: -5 },
  'integer of multiples': { type: 'integer', multipleOf: 7, minimum: 100, maximum: 111 },
  'integer of two multiples': {
    allOf: [
      { type: 'integer', multipleOf: 6 },
      { multipleOf: 4, minimum: 1, maximum: 12 },
    ],
  },
  'integer of halves': { type: 'integer', multipleOf: 0.5 },
  'large integers': { type: 'integer', minimum: 1e15, maximum: 1e15 + 10 },
  'number of hundredths': { type: 'number', multipleOf: 0.01, minimum: 0.05, maximum: 0.09 },
  'number of tenths': { type: 'number', multipleOf: 0.1 },
  'narrow number': { type: 'number', exclusiveMinimum: 0.1, exclusiveMaximum: 0.1000001 },
  'number of a point': { type: 'number', minimum: 2.5, maximum: 2.5 },
  'huge numbers': { type: 'number', minimum: -1.7e308, maximum: 1.7e308 },
  'tiny positive number': { type: 'number', exclusiveMinimum: 0, maximum: 1e-9 },
  'unbounded above': { type: 'number', minimum: 5000 },
  tuple: { type: 'array', prefixItems: [text, integer, { type: 'boolean' }], items: false, minItems: 3 },
  'tuple with a rest': { type: 'array', prefixItems: [text], items: integer, minItems: 4 },
  'unique booleans': { type: 'array', items: { type: 'boolean' }, uniqueItems: true, minItems: 2 },
  'unique enum': { type: 'array', items: { enum: ['a', 'b', 'c', 'd'] }, uniqueItems: true, minItems: 4 },
  'unique integers of a full range': {
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 12 },
    uniqueItems: true,
    minItems: 12,
  },
  'unique objects': {
    type: 'array',
    items: object({ a: { enum: [1, 2] }, b: { type: 'boolean' } }),
    uniqueItems: true,
    minItems: 4,
  },
  contains: { type: 'array', items: { type: ['integer', 'string'] }, contains: { const: 7 } },
  'contains twice': {
    type: 'array',
    contains: { type: 'integer', minimum: 3 },
    minContains: 2,
    maxContains: 3,
    maxItems: 4,
  },
  'exact number of items': { type: 'array', items: text, minItems: 5, maxItems: 5 },
  'no items': { type: 'array', items: text, maxItems: 0 },
  'impossible items': { type: 'array', items: false },
  'array without type': { items: integer, minItems: 1 },
  'many items': { type: 'array', items: integer, minItems: 300 },
  'required but not listed': { type: 'object', required: ['a', 'b'] },
  'map of numbers': { type: 'object', additionalProperties: { type: 'number' } },
  'map of at least five': { type: 'object', additionalProperties: text, minProperties: 5 },
  'at least three of optional ones': {
    type: 'object',
    properties: { a: text, b: text, c: text },
    minProperties: 3,
    additionalProperties: false,
  },
  'at most one': { type: 'object', properties: { a: text, b: text, c: text }, maxProperties: 1 },
  'pattern properties': {
    type: 'object',
    patternProperties: { '^x-[a-z]+$': integer },
    additionalProperties: false,
    minProperties: 2,
  },
  'pattern properties over listed ones': {
    type: 'object',
    properties: { x1: { minimum: 5 } },
    patternProperties: { '^x': integer },
    required: ['x1', 'x2'],
  },
  'names by pattern': {
    type: 'object',
    propertyNames: { pattern: '^[A-Z]{3}$' },
    additionalProperties: integer,
    minProperties: 2,
  },
  'names by enum': {
    type: 'object',
    propertyNames: { enum: ['a', 'b', 'c'] },
    additionalProperties: integer,
    minProperties: 3,
  },
  'dependent names': {
    type: 'object',
    properties: { card: integer, address: text },
    dependentRequired: { card: ['address'] },
  },
  'dependent schema': {
    type: 'object',
    properties: { card: integer },
    dependentSchemas: { card: { required: ['address'], properties: { address: text } } },
  },
  'allOf of objects': {
    allOf: [ref('named'), { properties: { age: integer }, required: ['age'] }],
    $defs: { named: { type: 'object', properties: { name: text }, required: ['name'] } },
  },
  'allOf that narrows': {
    type: 'object',
    properties: { a: { minimum: 0 } },
    allOf: [{ properties: { a: { type: 'integer', maximum: 2 } }, required: ['a'] }],
  },
  'oneOf of overlapping numbers': {
    oneOf: [
      { type: 'integer', multipleOf: 3 },
      { type: 'integer', multipleOf: 5 },
    ],
  },
  'oneOf of required names': {
    type: 'object',
    properties: { a: text, b: text },
    oneOf: [{ required: ['a'] }, { required: ['b'] }],
  },
  'oneOf of formats': {
    oneOf: [
      { type: 'string', format: 'email' },
      { type: 'string', format: 'uri' },
      { type: 'string', format: 'date' },
    ],
  },
  'oneOf number or integer': { oneOf: [{ type: 'number' }, { type: 'integer' }] },
  'anyOf with properties': {
    type: 'object',
    properties: { a: text, b: integer },
    anyOf: [{ required: ['a'] }, { required: ['b'] }],
  },
  'anyOf with an impossible branch': { anyOf: [false, { type: 'string', enum: [1] }, { type: 'integer' }] },
  'nested anyOf': {
    anyOf: [{ anyOf: [{ type: 'null' }, text] }, { allOf: [{ anyOf: [integer, { type: 'boolean' }] }] }],
  },
  'not a type': { not: { type: ['string', 'object'] } },
  'not a string of a pattern': { type: 'string', not: { pattern: '^[A-L]' } },
  'not with a name': { type: 'object', properties: { a: text, b: text }, not: { required: ['a'] } },
  'if then else': {
    type: 'object',
    properties: { country: { enum: ['US', 'NL'] }, code: text },
    required: ['country', 'code'],
    if: { properties: { country: { const: 'US' } } },
    then: { properties: { code: { pattern: '^[0-9]{5}$' } } },
    else: { properties: { code: { pattern: '^[0-9]{4} [A-Z]{2}$' } } },
  },
  'reference with siblings': {
    $ref: '#/$defs/n',
    minimum: 90,
    $defs: { n: { type: 'integer', maximum: 99 } },
  },
  'reference through escapes': { $ref: '#/$defs/a~1b%20~0c', $defs: { 'a/b ~c': { const: 'found' } } },
  'reference into properties': {
    type: 'object',
    properties: { a: integer, b: { $ref: '#/properties/a' } },
    required: ['a', 'b'],
  },
  'reference to an anchor': { $ref: '#here', $defs: { x: { $anchor: 'here', const: 4 } } },
  'chain of references': { $ref: '#/$defs/a', $defs: { a: ref('b'), b: ref('c'), c: { type: 'boolean' } } },
  'mutual recursion': {
    $ref: '#/$defs/folder',
    $defs: {
      folder: object({ name: text, entries: list({ anyOf: [ref('folder'), ref('file')] }) }),
      file: object({ name: text, parent: { anyOf: [ref('folder'), { type: 'null' }] } }),
    },
  },
  'recursion that must be three deep': {
    $ref: '#/$defs/expression',
    $defs: {
      expression: { anyOf: [ref('sum'), ref('literal')] },
      sum: object({
        left: ref('expression'),
        right: ref('expression'),
        extra: list(ref('expression'), { minItems: 2 }),
      }),
      literal: object({ value: object({ number: { type: 'number' } }) }),
    },
  },
  'optional recursion': {
    type: 'object',
    properties: { self: { $ref: '#' }, n: integer },
    required: ['n'],
    additionalProperties: false,
  },
  'unevaluated properties': {
    allOf: [
      { type: 'object', properties: { a: text } },
      { anyOf: [{ properties: { b: integer }, required: ['b'] }, { required: ['a'] }] },
    ],
    minProperties: 1,
    unevaluatedProperties: false,
  },
  'endless optional recursion': {
    type: 'object',
    properties: { a: ref('b') },
    $defs: { b: object({ b: ref('b') }) },
  },
  'names of prototypes': {
    type: 'object',
    properties: { constructor: integer, toString: text, hasOwnProperty: integer },
    required: ['constructor', 'toString', 'valueOf'],
  },
  formats: object(
    Object.fromEntries(
      [
        'date-time',
        'date',
        'time',
        'duration',
        'email',
        'hostname',
        'ipv4',
        'ipv6',
        'uuid',
        'uri',
        'uri-reference',
        'uri-template',
        'json-pointer',
        'relative-json-pointer',
        'regex',
        'byte',
        'url',
        'iso-time',
        'iso-date-time',
      ].map((format) => [format, { type: 'string', format }]),
    ),
  ),
  'short formats': object({
    a: { type: 'string', format: 'email', maxLength: 8 },
    b: { type: 'string', format: 'uri', minLength: 80 },
    c: { type: 'string', format: 'ipv4', maxLength: 9 },
  }),
  'defaults that do not match': object({
    a: { type: 'integer', default: 'x' },
    b: { type: 'string', examples: ['abc', 5], maxLength: 3 },
  }),
}

const olderKeywords: Record<string, unknown> = {
  'tuple of draft 7': {
    type: 'array',
    items: [text, integer],
    additionalItems: { type: 'boolean' },
    minItems: 4,
  },
  'closed tuple': { type: 'array', items: [text, integer], additionalItems: false },
  definitions: {
    $ref: '#/definitions/a',
    definitions: { a: object({ b: { $ref: '#/definitions/b' } }), b: integer },
  },
  dependencies: {
    type: 'object',
    properties: { a: text, b: text, c: integer },
    dependencies: { a: ['b'], b: { required: ['c'] } },
  },
}

describe('drawJson', () => {
  it.each(Object.keys(realWorld))('matches a schema of a real client: %s', (name) => {
    expect(mismatches(realWorld[name])).toEqual([])
  })

  it.each(Object.keys(keywords))('matches the schema: %s', (name) => {
    expect(mismatches(keywords[name])).toEqual([])
  })

  it.each(Object.keys(olderKeywords))('matches the draft 7 schema: %s', (name) => {
    expect(mismatches(olderKeywords[name], draft7)).toEqual([])
  })

  it('matches schemas of nearly 5,000 properties, the maximum of structured outputs', () => {
    const many = (count: number, part: unknown): object =>
      object(Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, part])))
    // Checked without ajv, which cannot compile so many properties of one object and takes 18 s for the nested ones.
    const flat = Object.values(drawJson(many(4_900, text), createRandom('flat')) as object)
    expect(flat.filter((value) => typeof value === 'string')).toHaveLength(4_900)
    const part = many(69, { anyOf: [text, { type: 'null' }] })
    const isPart = latest!.compile(part)
    const nested = Object.entries(drawJson(many(70, part), createRandom('nested')) as object)
    expect(nested.map(([name]) => name)).toEqual(Array.from({ length: 70 }, (_, at) => `p${at}`))
    expect(nested.filter(([, value]) => !isPart(value))).toEqual([])
  })

  it('draws the same value for the same seed and a different one for another seed', () => {
    for (const schema of Object.values({ ...realWorld, ...keywords })) {
      expect(drawJson(schema, createRandom('one'))).toEqual(drawJson(schema, createRandom('one')))
    }
    const drawn = new Set(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((seed) =>
        JSON.stringify(drawJson(realWorld['math steps'], createRandom(seed))),
      ),
    )
    expect(drawn.size).toBe(8)
  })

  it('keeps the order of the properties', () => {
    const schema = object({ z: text, b: integer, a: text, y: { type: 'boolean' } })
    expect(Object.keys(drawJson(schema, createRandom('order')) as object)).toEqual(['z', 'b', 'a', 'y'])
  })

  it('writes printable ASCII by default', () => {
    const random = createRandom('ascii')
    for (const schema of Object.values({ ...realWorld, ...keywords })) {
      expect(JSON.stringify(drawJson(schema, random))).toMatch(/^[\x20-\x7e]*$/)
    }
  })

  it('keeps recursive values small', () => {
    const random = createRandom('sizes')
    const sizes = Array.from(
      { length: 200 },
      () => JSON.stringify(drawJson(realWorld['recursive user interface'], random)).length,
    )
    expect(Math.max(...sizes)).toBeLessThan(8_000)
  })

  it('includes an optional property in three of four objects', () => {
    const random = createRandom('optional')
    let present = 0
    for (let draw = 0; draw < 2_000; draw++) {
      if ('a' in (drawJson({ type: 'object', properties: { a: text } }, random) as object)) present++
    }
    expect(present / 2_000).toBeCloseTo(0.75, 1)
  })

  it('draws null for a nullable value in one of five cases', () => {
    const random = createRandom('null')
    for (const schema of [{ type: ['string', 'null'] }, { anyOf: [{ type: 'null' }, text] }]) {
      let nulls = 0
      for (let draw = 0; draw < 2_000; draw++) if (drawJson(schema, random) === null) nulls++
      expect(nulls / 2_000).toBeCloseTo(0.2, 1)
    }
  })

  it('draws typical values for a property name', () => {
    const schema = object({ city: text, userEmail: text, created_at: text, age: integer, tags: list(text) })
    const value = drawJson(schema, createRandom('names')) as Record<string, never>
    expect(value['city']).toMatch(/^[A-Z][a-z]+$/)
    expect(value['userEmail']).toMatch(/^\S+@\S+\.\w+$/)
    expect(value['age']).toBeGreaterThanOrEqual(18)
    expect(value['age']).toBeLessThanOrEqual(80)
  })

  it.each([
    false,
    { type: 'string', enum: [] },
    { $ref: '#' },
    { type: 'x' },
    { allOf: [false] },
    7,
    null,
    undefined,
  ])('draws valid JSON for an unsatisfiable schema: %j', (schema) => {
    expect(JSON.stringify(drawJson(schema, createRandom('no')))).toBeTypeOf('string')
  })
})
