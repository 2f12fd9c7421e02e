import { isRecord } from '../../lib/record.ts'
import { findReference } from '../json-schema/references.ts'

/** A JSON schema, or another object that the client sends instead. */
type Schema = Readonly<Record<string, unknown>>

/** Deeper levels are written as `any`. The service allows 10 levels. Protects the stack from hostile schemas. */
const MAX_DEPTH = 32

/** A schema can be written several times: per `$ref`, and per type of a list. Limits the total of the copies, in characters. */
const MAX_COPIED_LENGTH = 128 * 1024

/** What a schema refers to, and how much of it may still be copied. */
interface Scope {
  /** Where references are resolved. Undefined in a referenced schema: the service resolves only one level. */
  readonly root: Schema | undefined
  readonly depth: number
  readonly copies: { left: number }
}

/** A schema as text. */
interface TypeText {
  /** Comment lines with title, description and examples. */
  readonly above: string
  /** The type. A union of several lines starts with a line feed. */
  readonly type: string
  /** The comment after the type: default value and limits. */
  readonly behind: string
}

/**
 * Writes the JSON schema of a tool's arguments as a TypeScript type, as in the prompt of the models. The format is known from prompts
 * that models repeat, and its token counts match recorded bills:
 *
 * - An object without comments is on one line. Otherwise, each property has a line without indentation.
 * - Titles, descriptions and examples are comments above a property, default values and limits are a comment behind it.
 * - A union of which no member has a comment is on one line. Otherwise, each member has a line.
 * - A list of types repeats the comments of the schema for each type.
 */
export function typeOf(schema: unknown): string {
  const { above, type } = describe(schema, {
    root: isRecord(schema) ? schema : undefined,
    depth: 0,
    copies: { left: MAX_COPIED_LENGTH },
  })
  return above + type
}

const any: TypeText = { above: '', type: 'any', behind: '' }

function describe(schema: unknown, scope: Scope): TypeText {
  if (schema === false) return { ...any, type: 'never' }
  if (!isRecord(schema) || scope.depth > MAX_DEPTH || scope.copies.left < 0) return any
  const { $ref: reference } = schema
  if (typeof reference === 'string') return describeReference(schema, reference, scope)
  return {
    above: commentOf(schema),
    type: bodyOf(schema, { ...scope, depth: scope.depth + 1 }),
    behind: limitsOf(schema).join(', '),
  }
}

function describeReference(schema: Schema, reference: string, scope: Scope): TypeText {
  const { root, depth, copies } = scope
  copies.left -= reference.length
  if (root === undefined) return { ...any, behind: `$ref: ${JSON.stringify(reference)}` }
  const target = reference.startsWith('#/') ? findReference(root, reference) : undefined
  if (!isRecord(target)) return any
  const text = describe(target, { root: undefined, depth: depth + 1, copies })
  copies.left -= lengthOf(text)
  return {
    ...text,
    above: commentOf(schema) || text.above,
    behind: limitsOf(schema).join(', ') || text.behind,
  }
}

const lengthOf = ({ above, type, behind }: TypeText): number => above.length + type.length + behind.length

function bodyOf(schema: Schema, scope: Scope): string {
  const { enum: values, type, nullable } = schema
  const variants = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(values) && values.length > 0) return values.map((value) => jsonText(value)).join(' | ')
  if ('const' in schema) return jsonText(schema['const'])
  if (Array.isArray(variants))
    return join(
      variants.map((variant) => describe(variant, scope)),
      '|',
    )
  if (Array.isArray(schema['allOf']))
    return join(
      schema['allOf'].map((part) => describe(part, scope)),
      '&',
    )
  if (Array.isArray(type)) return join(perType(schema, type, scope), '|')
  const text = typeText(schema, type, scope)
  return nullable === true && type !== 'null' ? `${text} | null` : text
}

/** JSON schema has 7 types. */
const MAX_TYPES = 7

/** Describes the schema once for each type of a list. */
function perType(schema: Schema, types: readonly unknown[], scope: Scope): TypeText[] {
  const comments = commentOf(schema)
  return types.slice(0, MAX_TYPES).map((type) => {
    scope.copies.left -= comments.length
    if (scope.copies.left < 0) return any
    const text = {
      above: comments,
      type: typeText(schema, type, { ...scope, depth: scope.depth + 1 }),
      behind: limitsOf(schema, type).join(', '),
    }
    scope.copies.left -= text.type.length + text.behind.length
    return text
  })
}

function join(members: readonly TypeText[], operator: '|' | '&'): string {
  if (members.every(isPlain)) return members.map(({ type }) => type).join(` ${operator} `) || 'any'
  const lines = members.map(
    (member) => `${member.above} ${operator} ${member.type}${commentBehind(member)}\n`,
  )
  return `\n${lines.join('')}`
}

/** Whether a text fits on one line with others. */
function isPlain({ above, type, behind }: TypeText): boolean {
  return above === '' && behind === '' && !type.includes('\n')
}

function commentBehind({ behind }: TypeText): string {
  return behind === '' ? '' : ` // ${behind}`
}

function typeText(schema: Schema, type: unknown, scope: Scope): string {
  switch (type) {
    case 'string':
    case 'number':
    case 'integer':
    case 'boolean':
    case 'null':
      return type
    case 'array':
      return arrayType(schema, scope)
    case 'object':
      return objectType(schema, scope)
    default:
      return isRecord(schema['properties']) ? objectType(schema, scope) : 'any'
  }
}

function arrayType({ items }: Schema, scope: Scope): string {
  const item = describe(items, scope)
  if (isPlain(item)) return `${item.type}[]`
  return `Array<\n${item.above}${item.type.trimStart()}${commentBehind(item)}\n>`
}

function objectType(schema: Schema, scope: Scope): string {
  const { required, additionalProperties: others } = schema
  const names = new Set<unknown>(Array.isArray(required) ? required : [])
  if (scope.root === undefined) scope.copies.left -= names.size
  const members = propertiesOf(schema).map(([name, property]) =>
    member(`${name}${names.has(name) ? '' : '?'}`, describe(property, scope)),
  )
  if (others === true || isRecord(others)) members.push(member('[key: string]', describe(others, scope)))
  if (members.length === 0) return 'object'
  return members.every(isPlain)
    ? `{ ${members.map(({ type }) => type).join(', ')} }`
    : `{\n${members.map((one) => `${one.above}${one.type},${commentBehind(one)}\n`).join('')}}`
}

/** Adds the name of a property to its type. Above a type of several lines, the default value and the limits are a comment line. */
function member(name: string, { above, type, behind }: TypeText): TypeText {
  const named = type.startsWith('\n') ? `${name}:${type}` : `${name}: ${type}`
  if (!type.includes('\n')) return { above, type: named, behind }
  return { above: above + (behind && `// ${behind}\n`), type: named, behind: '' }
}

/** Returns the properties of an object schema in the order of the request. */
export function propertiesOf(schema: unknown): [string, unknown][] {
  const properties = isRecord(schema) ? schema['properties'] : undefined
  return isRecord(properties) ? Object.entries(properties) : []
}

function commentOf({ title, description, examples }: Schema): string {
  const heading = comment(title)
  const text = comment(description)
  return heading + (heading && text && '//\n') + text + exampleLines(examples)
}

/** Writes text as comment lines without the spaces around each line. */
export function comment(text: unknown): string {
  if (typeof text !== 'string' || text.trim() === '') return ''
  return text
    .trim()
    .split('\n')
    .map((line) => `// ${line.trim()}`.trimEnd() + '\n')
    .join('')
}

function exampleLines(examples: unknown): string {
  if (!Array.isArray(examples) || examples.length === 0) return ''
  const [first] = examples as unknown[]
  if (examples.length === 1) return `// Example: ${jsonText(first)}\n`
  return `// Examples:\n${examples.map((example) => `// - ${jsonText(example)}\n`).join('')}`
}

/** Keywords in the order of the comment, by the type that they belong to. */
const limitsByType: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['minItems', 'maxItems'],
}

function limitsOf(schema: Schema, type = schema['type']): string[] {
  const { default: fallback } = schema
  const limits = fallback === undefined ? [] : [`default: ${jsonText(fallback)}`]
  const keywords = typeof type === 'string' && Object.hasOwn(limitsByType, type) ? limitsByType[type] : []
  for (const keyword of keywords ?? []) {
    const value = schema[keyword]
    if (keyword === 'pattern' && typeof value === 'string') limits.push(`pattern: /${value}/`)
    else if (typeof value === 'string') limits.push(`${keyword}: ${JSON.stringify(value)}`)
    else if (typeof value === 'number') limits.push(`${keyword}: ${numberText(value, type === 'number')}`)
  }
  return limits
}

/** Limits of the type `number` have a decimal point. */
function numberText(value: number, decimal: boolean): string {
  return decimal && Number.isInteger(value) ? value.toFixed(1) : String(value)
}

/** Writes a value as JSON with a space after each colon and comma. */
function jsonText(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) return 'null'
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, depth + 1)).join(', ')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).map(
    ([key, field]) => `${JSON.stringify(key)}: ${jsonText(field, depth + 1)}`,
  )
  return `{${fields.join(', ')}}`
}
