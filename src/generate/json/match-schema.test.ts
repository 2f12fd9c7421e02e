/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { expect, it } from 'vitest'
import { Budget } from './budget.ts'
import { createMatcher } from './match-schema.ts'
import { SchemaDocument } from './schema-document.ts'

const ajv = new Ajv2020({ strict: false, ownProperties: true, allowUnionTypes: true })
formats.default(ajv)

const schemas: unknown[] = [
  true,
  {},
  { type: 'integer' },
  { type: ['string', 'null'] },
  { type: 'string', nullable: true },
  { const: { a: [1] } },
  { enum: [1, 'a', null, { a: 1 }] },
  { minimum: 2, exclusiveMaximum: 5 },
  { multipleOf: 0.5 },
  { minLength: 2, maxLength: 4 },
  { pattern: '^a' },
  ...['date', 'date-time', 'time', 'email', 'ipv4', 'ipv6', 'uuid', 'uri', 'hostname', 'duration'].map(
    (format) => ({ format }),
  ),
  { items: { type: 'integer' } },
  { prefixItems: [{ type: 'string' }], items: false },
  { minItems: 1, maxItems: 2 },
  { uniqueItems: true },
  { contains: { type: 'integer' }, minContains: 2 },
  { contains: { const: 1 }, maxContains: 1 },
  { required: ['a'] },
  { properties: { a: { type: 'integer' } }, additionalProperties: false },
  { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: { type: 'string' } },
  { minProperties: 1, maxProperties: 1 },
  { propertyNames: { maxLength: 1 } },
  { dependentRequired: { a: ['b'] } },
  { dependentSchemas: { a: { required: ['b'] } } },
  { not: { type: 'string' } },
  { anyOf: [{ type: 'integer' }, { minLength: 3 }] },
  { oneOf: [{ type: 'integer' }, { minimum: 3 }] },
  { allOf: [{ minimum: 1 }, { maximum: 3 }] },
  { if: { type: 'integer' }, then: { minimum: 3 }, else: { type: 'string' } },
  { $ref: '#/$defs/x', $defs: { x: { type: 'object', properties: { a: { $ref: '#' } } } } },
]

const values: unknown[] = [
  null,
  true,
  0,
  1,
  2,
  3,
  5,
  1.5,
  2.25,
  -1,
  '',
  'a',
  'ab',
  'abc',
  'abcdef',
  'b',
  '😀😀',
  '2024-02-03',
  '2024-13-03',
  '2024-02-03T10:11:12Z',
  '2024-02-03T10:11:12.5+02:00',
  '10:11:12Z',
  '25:00:00Z',

  'a@b.co',
  'a@@b',
  '1.2.3.4',
  '1.2.3.256',
  '::1',
  '1:2:3:4:5:6:7:8',
  '1:2:3',
  'http://a.b/c',
  'no uri',
  'a.b-c',

  '123e4567-e89b-42d3-a456-426614174000',
  'P1D',
  'PT1H30M',
  'P',
  '-a',
  [],
  [1],
  [1, 1],
  [1, 2, 3],
  ['a'],
  ['a', 1],
  [{ a: 1 }, { a: 1 }],
  [null, 'a'],
  {},
  { a: 1 },
  { a: 'x' },
  { a: [1] },
  { b: 'x' },
  { a: 1, b: 2 },
  { ab: 3 },
  { a: { a: 1 } },
  { a: {} },
]

it('createMatcher agrees with ajv on each keyword', () => {
  const disagreements: unknown[] = []
  for (const schema of schemas) {
    const isValid = ajv.compile(schema as object)
    const matcher = createMatcher(new SchemaDocument(schema), new Budget(1_000_000))
    for (const value of values) {
      if (matcher.matches(schema, value) !== isValid(value)) disagreements.push({ schema, value })
    }
  }
  expect(disagreements).toEqual([])
})
