import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../tests/support/rounds.ts'
import { createRandom, type Random } from '../../lib/random.ts'
import { drawJson } from './draw-json.ts'

type Schema = Record<string, unknown>

const names = ['id', 'name', 'city', 'a', 'b', 'c', 'price', 'tags', 'note', 'x-y', 'startDate', '$value']
const patterns = [
  '^[A-Z]{2,4}$',
  '^\\d{3}-\\d{4}$',
  '[a-f0-9]{6}',
  '^(yes|no|maybe)$',
  '^\\w+( \\w+){1,3}$',
  '^[^\\s@]+@x\\.io$',
]
const formatNames = ['date', 'date-time', 'email', 'uuid', 'uri', 'ipv4', 'time', 'hostname']

/** Writes satisfiable schemas: bounds do not contradict each other, and recursion can always end. */
class SchemaWriter {
  readonly #random: Random
  readonly #definitions: readonly string[]

  constructor(random: Random, definitions: readonly string[]) {
    this.#random = random
    this.#definitions = definitions
  }

  write(depth: number): unknown {
    const kinds = [
      () => this.#string(),
      () => this.#number(),
      () => this.#choice(),
      ...(depth > 0
        ? [
            () => this.#object(depth),
            () => this.#object(depth),
            () => this.#array(depth),
            () => ({ anyOf: [this.write(depth - 1), this.write(depth - 1), { type: 'null' }] }),
            () => this.#tagged(depth),
            () => ({
              allOf: [this.#object(depth), this.#object(depth)].map((side) => this.#apart(side)),
            }),
            () => ({ ...this.#object(depth), not: { type: 'array' } }),
          ]
        : []),
    ]
    return this.#pick(kinds)()
  }

  #string(): Schema {
    const min = this.#random.below(30)
    return this.#pick<() => Schema>([
      () => ({ type: 'string' }),
      () => ({ type: ['string', 'null'], minLength: min, maxLength: min + this.#random.below(30) }),
      () => ({ type: 'string', pattern: this.#pick(patterns) }),
      () => ({ type: 'string', format: this.#pick(formatNames) }),
    ])()
  }

  #number(): Schema {
    const low = this.#random.below(2_000) / 10 - 100
    const bounds = this.#pick<Schema>([
      {},
      { minimum: low },
      { exclusiveMinimum: low, maximum: low + 8 },
      { exclusiveMaximum: low },
      { minimum: low, maximum: low + 40, multipleOf: this.#pick([1, 2, 5, 0.5, 0.25, 3]) },
    ])
    return { type: this.#pick(['integer', 'number', ['number', 'null']]), ...bounds }
  }

  #choice(): Schema {
    return this.#pick<Schema>([
      { enum: ['red', 'green', 'blue', null] },
      { type: 'string', enum: names },
      { const: { deep: [1, 'x'] } },
      { type: 'boolean' },
      { enum: [1, 2, 3, 'four'], type: ['integer', 'string'] },
    ])
  }

  #object(depth: number): Schema {
    const chosen = names.filter(() => this.#random.below(3) === 0)
    const properties = Object.fromEntries(chosen.map((name) => [name, this.write(depth - 1)]))
    const required = chosen.filter(() => this.#random.below(2) === 0)
    if (this.#random.below(4) === 0) Object.assign(properties, { again: { $ref: this.#reference() } })
    if (this.#random.below(4) === 0) {
      Object.assign(properties, { next: { anyOf: [{ $ref: this.#reference() }, { type: 'null' }] } })
      required.push('next')
    }
    const additionalProperties = this.#pick<unknown>([false, false, true, { type: 'integer' }])
    const size = this.#random.below(3) === 0 ? { minProperties: Math.min(chosen.length, 2) } : {}
    return { type: 'object', properties, required, additionalProperties, ...size }
  }

  #array(depth: number): Schema {
    const items = this.write(depth - 1)
    const min = this.#random.below(4)
    return this.#pick<Schema>([
      { type: 'array', items },
      { type: 'array', items, minItems: min, maxItems: min + this.#random.below(3) },
      { type: 'array', items: { type: 'integer' }, uniqueItems: true, minItems: min },
      { type: 'array', prefixItems: [items, { type: 'boolean' }], minItems: 2 },
      { type: 'array', items: { $ref: this.#reference() } },
      { type: 'array', items: { type: ['string', 'integer'] }, contains: { type: 'integer', minimum: 3 } },
    ])
  }

  #tagged(depth: number): Schema {
    const branch = (kind: string): Schema => {
      const object = this.#object(depth) as { properties: Schema; required: string[] }
      return {
        ...object,
        properties: { kind: { const: kind }, ...object.properties },
        required: [...object.required, 'kind'],
      }
    }
    return { oneOf: [branch('one'), branch('two')] }
  }

  /** The two sides of an allOf use different names, so that they do not contradict each other. */
  #apart(schema: Schema): Schema {
    const prefix = `${this.#random.bits().toString(36)}_`
    const rename = (name: string): string => prefix + name
    const properties = Object.entries(schema['properties'] as Schema).map(([name, part]) => [
      rename(name),
      part,
    ])
    return {
      ...schema,
      additionalProperties: true,
      properties: Object.fromEntries(properties),
      required: (schema['required'] as string[]).map(rename),
    }
  }

  #reference(): string {
    return `#/$defs/${this.#pick(this.#definitions)}`
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)] as T
  }
}

function writeSchema(seed: string): Schema {
  const definitions = ['alpha', 'beta', 'gamma/delta']
  const writer = new SchemaWriter(
    createRandom(seed),
    definitions.map((name) => name.replace('/', '~1')),
  )
  const $defs = Object.fromEntries(definitions.map((name) => [name, writer.write(2)]))
  return { ...(writer.write(3) as Schema), $defs }
}

describe('drawJson', () => {
  it('draws ten matching values for each random schema', () => {
    const problems: unknown[] = []
    const ajv = new Ajv2020({ strict: false, ownProperties: true, validateSchema: false })
    formats.default(ajv)
    for (let index = 0; index < rounds(40); index++) {
      const schema = writeSchema(`schema ${index}`)
      const isValid = ajv.compile(schema)
      const random = createRandom(`value ${index}`)
      for (let draw = 0; draw < 10; draw++) {
        const value = drawJson(schema, random)
        if (!isValid(value)) problems.push({ index, error: ajv.errorsText(isValid.errors), schema, value })
      }
    }
    const shortest = problems
      .map((problem) => JSON.stringify(problem))
      .toSorted((a, b) => a.length - b.length)
    expect(shortest.slice(0, 1).map((problem) => problem.slice(0, 2_000))).toEqual([])
  })
})
