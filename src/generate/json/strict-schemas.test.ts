import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../tests/support/rounds.ts'
import { createRandom, type Random } from '../../lib/random.ts'
import { schemaProblem } from '../../wire/json-schema/check-schema.ts'
import { drawJson } from './draw-json.ts'

type Schema = Record<string, unknown>
type Path = readonly string[]

/** A schema of a document, and its path as the service writes it. */
interface Place {
  readonly schema: Schema
  readonly path: Path
  /** The path in messages about its type, which name the entry of a list of types. */
  readonly typePath: Path
}

const names = ['id', 'name', 'city', "it's", 'type', 'items', 'properties', 'x-y', '$value', 'a b']
const patterns = ['^[A-Z]{2,4}$', '^\\d{3}-\\d{4}$', '[a-f0-9]{6}', '^(yes|no|maybe)$']
const formatNames = ['date', 'date-time', 'email', 'uuid', 'ipv4', 'ipv6', 'time', 'hostname', 'duration']

/** Writes strict schemas that the service accepts. */
class StrictSchemaWriter {
  readonly places: Place[] = []
  readonly #random: Random
  #definitions: readonly string[] = []

  constructor(random: Random) {
    this.#random = random
  }

  root(): Schema {
    this.#definitions = ['Node', 'Leaf'].slice(0, this.#random.below(3))
    const schema = this.#object([], 3)
    if (this.#definitions.length === 0) return schema
    const definitions = this.#definitions.map((name) => [
      name,
      name === 'Node' ? this.#node(['$defs', name]) : this.#leaf(['$defs', name]),
    ])
    return Object.assign(schema, { $defs: Object.fromEntries(definitions) })
  }

  #write(path: Path, depth: number): Schema {
    const kinds = [
      () => this.#leaf(path),
      () => this.#leaf(path),
      ...(this.#definitions.length > 0 ? [() => this.#reference(path)] : []),
      ...(depth > 0
        ? [() => this.#object(path, depth), () => this.#array(path, depth), () => this.#union(path, depth)]
        : []),
    ]
    return this.#pick(kinds)()
  }

  #leaf(path: Path): Schema {
    const isNullable = this.#random.below(3) === 0
    const schema = this.#pick<() => Schema>([
      () => ({ type: 'string' }),
      () => ({ type: 'string', pattern: this.#pick(patterns) }),
      () => ({ type: 'string', format: this.#pick(formatNames) }),
      () => ({ type: 'string', minLength: 2, maxLength: 9 }),
      () => ({ type: 'string', enum: ['red', 'green'] }),
      () => ({ type: 'string', const: 'fixed' }),
      () => ({ type: 'integer', minimum: 0, maximum: 9 }),
      () => ({ type: 'number', exclusiveMinimum: 0 }),
      () => ({ type: 'boolean' }),
    ])()
    if (isNullable && schema['const'] === undefined) schema['type'] = [schema['type'], 'null']
    return this.#place(schema, path)
  }

  #object(path: Path, depth: number): Schema {
    const schema: Schema = { type: 'object' }
    if (path.length > 0 && this.#random.below(4) === 0) schema['type'] = ['object', 'null']
    this.#place(schema, path)
    const inside = Array.isArray(schema['type']) ? [...path, 'type', '0'] : path
    const keys = names.filter(() => this.#random.below(3) === 0)
    const properties = keys.map((name) => [name, this.#write([...inside, 'properties', name], depth - 1)])
    return Object.assign(schema, {
      properties: Object.fromEntries(properties),
      required: keys,
      additionalProperties: false,
    })
  }

  #array(path: Path, depth: number): Schema {
    const schema = this.#place({ type: 'array' }, path)
    return Object.assign(schema, {
      items: this.#write([...path, 'items'], depth - 1),
      minItems: 1,
      maxItems: 3,
    })
  }

  #union(path: Path, depth: number): Schema {
    const branches = [0, 1].map((i) => this.#write([...path, 'anyOf', String(i)], depth - 1))
    return { anyOf: [...branches, { type: 'null' }], description: 'd' }
  }

  #reference(path: Path): Schema {
    return this.#place({ $ref: `#/$defs/${this.#pick(this.#definitions)}` }, path)
  }

  /** Recursive only through a list, which can be empty. */
  #node(path: Path): Schema {
    this.#definitions = []
    const schema = this.#object(path, 1)
    const properties = schema['properties'] as Schema
    const inside = Array.isArray(schema['type']) ? [...path, 'type', '0'] : path
    const items = this.#place({ $ref: '#/$defs/Node' }, [...inside, 'properties', 'next', 'items'])
    properties['next'] = this.#place({ type: 'array', items }, [...inside, 'properties', 'next'])
    ;(schema['required'] as string[]).push('next')
    return schema
  }

  #place(schema: Schema, path: Path): Schema {
    if (this.#random.below(3) === 0 && schema['$ref'] === undefined) schema['description'] = 'd'
    this.places.push({
      schema,
      path,
      typePath: Array.isArray(schema['type']) ? [...path, 'type', '0'] : path,
    })
    return schema
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!
  }
}

const quoted = (name: string): string => (name.includes("'") ? `"${name}"` : `'${name}'`)
const context = (path: Path): string => `In context=(${path.map(quoted).join(', ')})`

const isOf = (type: string, { schema }: Place): boolean =>
  schema['type'] === type || (Array.isArray(schema['type']) && schema['type'][0] === type)

const REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."

/** Breaks one rule. Returns the text that the service must report, or undefined if the schema cannot break it. */
type Mutation = (place: Place) => string | undefined

const mutations: Readonly<Record<string, Mutation>> = {
  'opens an object': (place) => {
    if (!isOf('object', place)) return undefined
    delete place.schema['additionalProperties']
    return `${context(place.typePath)}, 'additionalProperties' is required to be supplied and to be false.`
  },
  'makes a property optional': (place) => {
    const required = place.schema['required'] as string[] | undefined
    if (!required || required.length === 0) return undefined
    const [name] = required
    place.schema['required'] = required.slice(1)
    return `${context(place.typePath)}, ${REQUIRED} Missing ${quoted(name!)}.`
  },
  'requires a name without a property': (place) => {
    if (!isOf('object', place)) return undefined
    ;(place.schema['required'] as string[]).push('zzz')
    return `${context(place.typePath)}, ${REQUIRED} Extra required key 'zzz' supplied.`
  },
  'removes the items': (place) => {
    if (!isOf('array', place)) return undefined
    delete place.schema['items']
    return `${context(place.typePath)}, array schema missing items.`
  },
  ...Object.fromEntries(
    ['oneOf', 'allOf'].map((keyword) => [
      `adds ${keyword}`,
      ({ schema, path }: Place) => {
        if (schema['$ref'] !== undefined || path.length === 0) return undefined
        schema[keyword] = [{ type: 'string' }]
        return `${context(path)}, '${keyword}' is not permitted.`
      },
    ]),
  ),
  'adds uniqueItems': (place) => {
    if (!isOf('array', place)) return undefined
    place.schema['uniqueItems'] = true
    return `${context(place.path)}, 'uniqueItems' is not permitted.`
  },
  'removes the type': ({ schema, path }) => {
    if (schema['type'] === undefined || schema['type'] === 'object' || path.length === 0) return undefined
    delete schema['type']
    schema['title'] = 't'
    return `${context(path)}, schema must have a 'type' key.`
  },
  'invents a type': ({ schema }) => {
    if (schema['type'] === undefined) return undefined
    schema['type'] = 'text'
    return "'text' is not valid under any of the given schemas."
  },
  'invents a format': (place) => {
    if (!isOf('string', place)) return undefined
    place.schema['format'] = 'bogus'
    return `${context(place.typePath)}, 'bogus' is not a valid format.`
  },
  'adds a value of another type': ({ schema, path }) => {
    if (!Array.isArray(schema['enum'])) return undefined
    schema['enum'] = [...(schema['enum'] as unknown[]), 7]
    const type = Array.isArray(schema['type']) ? "['string', 'null']" : "'string'"
    return `context=(${path.map(quoted).join(', ')}), enum value 7 does not validate against {'type': ${type}}.`
  },
  'describes a reference': ({ schema, path }) => {
    if (schema['$ref'] === undefined) return undefined
    schema['description'] = 'd'
    return `context=(${path.map(quoted).join(', ')}), $ref cannot have keywords {'description'}.`
  },
  'refers to no definition': ({ schema, path }) => {
    if (schema['$ref'] === undefined) return undefined
    schema['$ref'] = '#/properties/id'
    return `${context(path)}, reference can only point to definitions defined at the top level of the schema.`
  },
}

function write(seed: string): StrictSchemaWriter & { readonly schema: Schema } {
  const writer = new StrictSchemaWriter(createRandom(seed))
  return Object.assign(writer, { schema: writer.root() })
}

describe('a strict schema', () => {
  it('is accepted, and its answers are valid', () => {
    const ajv = new Ajv2020({ strict: false, ownProperties: true })
    formats.default(ajv)
    for (let round = 0; round < rounds(300); round++) {
      const seed = `strict ${round}`
      const { schema } = write(seed)
      const json = JSON.stringify(schema)
      const problems = [
        schemaProblem(schema, 'response_format', true),
        schemaProblem(schema, 'function', true),
      ]
      expect({ json, problems }).toEqual({ json, problems: ['', ''] })
      const validate = ajv.compile(schema)
      const value = drawJson(schema, createRandom(seed))
      expect(validate(value), `${json}\n${JSON.stringify(value)}\n${ajv.errorsText(validate.errors)}`).toBe(
        true,
      )
    }
  })

  it.each(Object.entries(mutations))('that %s is refused with the text of this rule', (name, mutate) => {
    let broken = 0
    for (let round = 0; round < rounds(200); round++) {
      const { schema, places } = write(`${name} ${round}`)
      const random = createRandom(`place ${name} ${round}`)
      const place = places[random.below(places.length)]!
      const problem = mutate(place)
      if (problem === undefined) continue
      broken++
      const json = JSON.stringify(schema)
      const found = schemaProblem(schema, 'response_format', true)
      expect({ json, found }).toEqual({ json, found: `: ${problem}` })
    }
    expect(broken).toBeGreaterThan(3)
  })
})
