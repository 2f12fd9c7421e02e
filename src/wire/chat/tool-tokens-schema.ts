/** A JSON schema, or what a client sends in its place. */
type Schema = Readonly<Record<string, unknown>>

/** Deeper schemas are cut; the service allows ten levels, and a hostile one must not exhaust the stack. */
const deepest = 32

/**
 * Writes a JSON schema as the TypeScript type that the models are shown. The form follows what models repeat of
 * their prompts and fits captured bills to the token: properties stand in one line when none has a comment, else one
 * a line without indentation; titles and descriptions become comments, `required` becomes the lack of a question
 * mark, limits and formats are not shown.
 */
export function typeOf(schema: unknown, depth = 0): string {
  if (!isSchema(schema) || depth > deepest) return 'any'
  if (Array.isArray(schema['enum'])) return union(schema['enum'].map((value) => JSON.stringify(value)))
  if ('const' in schema) return JSON.stringify(schema['const'])
  const variants = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(variants)) return union(variants.map((variant) => typeOf(variant, depth + 1)))
  const type = schema['type']
  if (Array.isArray(type))
    return union(type.map((one) => typeOf({ ...schema, type: one as unknown }, depth + 1)))
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type
    case 'integer':
      return 'number'
    case 'array':
      return `${typeOf(schema['items'], depth + 1)}[]`
    case 'object':
      return objectType(schema, depth)
    default:
      return isSchema(schema['properties']) ? objectType(schema, depth) : 'any'
  }
}

/** The properties of a schema's object, sorted as the client did; empty when it names none. */
export function propertiesOf(schema: unknown): [string, unknown][] {
  const properties = isSchema(schema) ? schema['properties'] : undefined
  return isSchema(properties) ? Object.entries(properties) : []
}

/** Text as comment lines; empty for no text. */
export function comment(text: unknown): string {
  if (typeof text !== 'string' || text === '') return ''
  return text
    .trim()
    .split('\n')
    .map((line) => `// ${line}\n`)
    .join('')
}

function objectType(schema: Schema, depth: number): string {
  const properties = propertiesOf(schema)
  if (properties.length === 0) return 'object'
  const required = Array.isArray(schema['required']) ? new Set<unknown>(schema['required']) : new Set()
  const members = properties.map(([name, property]) => {
    const { title, description, default: fallback } = isSchema(property) ? property : {}
    return {
      above: comment(title) + comment(description),
      text: `${name}${required.has(name) ? '' : '?'}: ${typeOf(property, depth + 1)}`,
      behind: fallback === undefined || fallback === null ? '' : ` // default: ${plainText(fallback)}`,
    }
  })
  if (members.every(({ above, behind }) => above === '' && behind === '')) {
    return `{ ${members.map(({ text }) => text).join(', ')} }`
  }
  return `{\n${members.map(({ above, text, behind }) => `${above}${text},${behind}\n`).join('')}}`
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function union(types: readonly string[]): string {
  return types.join(' | ')
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
