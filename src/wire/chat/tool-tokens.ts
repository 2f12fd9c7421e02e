import { isRecord } from '../../lib/record.ts'
import { RecentMap } from '../../lib/caches.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import type { ChatRequest, FunctionDefinition, ResponseFormat, Tool } from './chat-request.ts'

/** Half of the characters that remembered tools and schemas may take, since there are two generations: 16 MiB in all. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024

/** Longer JSON is not remembered, in characters: a few such definitions would evict all others. */
const MAX_CACHED_LENGTH = 256 * 1024

/** Counts of tools and formats, which come again with every request of a conversation, by the JSON that asked for them. */
const tokenCache = new RecentMap<string, { readonly tokens: number; readonly chars: number }>(
  MAX_CACHED_CHARACTERS,
  ({ chars }) => chars + 100,
)

/** Tokens of the text that stands for a request's tools, or for its functions, the older form; 0 without any. */
export function countTools({ tools, functions }: ChatRequest, encoding: TokenCounter): number {
  if (tools && tools.length > 0) {
    return countCached('tools', tools, encoding, () => renderTools(tools.map(describeTool)))
  }
  if (functions && functions.length > 0) {
    return countCached('functions', functions, encoding, () => renderTools(functions.map(describeFunction)))
  }
  return 0
}

/** Tokens of the text that stands for a JSON schema which the answer must follow; 0 without one. */
export function countFormat(format: ResponseFormat | null | undefined, encoding: TokenCounter): number {
  if (format?.type !== 'json_schema') return 0
  const { json_schema: schema } = format
  return countCached('format', schema, encoding, () => renderFormat(schema))
}

/**
 * Tokens that the choice of a tool adds: one for none at all, the tool's name and seven for a tool that must be called
 * (bills of 2024 and 2026), of which the only one counts as named when a call is required (bills of 2025).
 */
export function countToolChoice(request: ChatRequest, encoding: TokenCounter): number {
  const { tools, functions, tool_choice: choice, function_call: call } = request
  const names = tools?.map((tool) => describeTool(tool).name) ?? functions?.map(({ name }) => name) ?? []
  if (names.length === 0) return 0
  const chosen = choice ?? call
  if (chosen === 'none') return 1
  if (chosen === 'required')
    return names.length === 1 ? FORCED_TOOL_TOKENS + encoding.count(names[0] ?? '') : 0
  if (typeof chosen !== 'object' || chosen === null) return 0
  if ('name' in chosen) return FORCED_FUNCTION_TOKENS + encoding.count(chosen.name)
  if (chosen.type === 'function') return FORCED_TOOL_TOKENS + encoding.count(chosen.function.name)
  return chosen.type === 'custom' ? FORCED_TOOL_TOKENS + encoding.count(chosen.custom.name) : 0
}

const FORCED_TOOL_TOKENS = 7
/** Of the older form (hmarr/openai-chat-tokens issue 9, 2023). */
const FORCED_FUNCTION_TOKENS = 4

function describeTool(tool: Tool): DescribedTool {
  return tool.type === 'custom' ? { ...tool.custom, custom: true } : describeFunction(tool.function)
}

function describeFunction({ name, description, parameters }: FunctionDefinition): DescribedTool {
  return { name, description, parameters }
}

function countCached(kind: string, asked: unknown, encoding: TokenCounter, render: () => string): number {
  const key = `${encoding.name} ${kind} ${jsonOf(asked)}`
  const known = tokenCache.get(key)
  if (known) return known.tokens
  const tokens = encoding.count(render())
  if (!encoding.collects && key.length <= MAX_CACHED_LENGTH)
    tokenCache.set(key, { tokens, chars: key.length })
  return tokens
}

/** A schema that is nested deeper than the stack allows counts as nothing; no model could be shown it. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

/** A JSON schema, or what a client sends in its place. */
type Schema = Readonly<Record<string, unknown>>

/** Deeper schemas are cut; the service allows ten levels, and a hostile one must not exhaust the stack. */
const MAX_DEPTH = 32

/**
 * Writes a JSON schema as the TypeScript type that the models are shown. The form follows what models repeat of
 * their prompts and fits captured bills to the token: properties stand in one line when none has a comment, else one
 * a line without indentation; titles and descriptions become comments, `required` becomes the lack of a question
 * mark, limits and formats are not shown.
 */
export function typeOf(schema: unknown, depth = 0): string {
  if (!isRecord(schema) || depth > MAX_DEPTH) return 'any'
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
      return isRecord(schema['properties']) ? objectType(schema, depth) : 'any'
  }
}

/** The properties of a schema's object, sorted as the client did; empty when it names none. */
function propertiesOf(schema: unknown): [string, unknown][] {
  const properties = isRecord(schema) ? schema['properties'] : undefined
  return isRecord(properties) ? Object.entries(properties) : []
}

/** Text as comment lines; empty for no text. */
function comment(text: unknown): string {
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
    const { title, description, default: fallback } = isRecord(property) ? property : {}
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

/** A tool as both APIs describe it, once their wrappings are off. */
export interface DescribedTool {
  readonly name: string
  readonly description?: string | null | undefined
  /** JSON schema of the arguments; absent for none, and for tools that take free text. */
  readonly parameters?: unknown
  /** Takes free text in place of arguments; default false. */
  readonly custom?: boolean
}

/** A form that an answer must have, as both APIs describe it. */
export interface DescribedFormat {
  readonly name: string
  readonly description?: string | null | undefined
  readonly schema?: unknown
}

/** What models are shown of a request's tools: a TypeScript namespace. */
export function renderTools(tools: readonly DescribedTool[]): string {
  const types = tools.map(
    (tool) => `${comment(tool.description)}type ${tool.name} = ${signatureOf(tool)};\n\n`,
  )
  return `# Tools\n\n## functions\n\nnamespace functions {\n\n${types.join('')}} // namespace functions`
}

function signatureOf({ parameters, custom }: DescribedTool): string {
  if (custom) return '(input: string) => any'
  if (propertiesOf(parameters).length === 0) return '() => any'
  const { title, type = 'object' } = parameters as { readonly title?: unknown; readonly type?: unknown }
  return `(_: ${comment(title)}${typeOf({ ...(parameters as object), type })}) => any`
}

/** What models are shown of a JSON schema that the answer must follow: the schema itself, without its strictness. */
export function renderFormat({ name, description, schema }: DescribedFormat): string {
  return `# Response Formats\n\n## ${name}\n\n${comment(description)}${JSON.stringify(schema ?? {}, withoutStrictness)}`
}

function withoutStrictness(key: string, value: unknown): unknown {
  const strictness =
    key === 'additionalProperties' || key === '$schema' || (key === 'required' && Array.isArray(value))
  return strictness ? undefined : value
}
