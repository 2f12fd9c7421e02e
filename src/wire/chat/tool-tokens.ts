import { isRecord } from '../../lib/record.ts'
import { RecentMap } from '../../lib/caches.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import type { ChatRequest, FunctionDefinition, ResponseFormat, Tool } from './chat-request.ts'

/** Characters per generation of the cache of tools and schemas. It has two generations: 16 MiB in total. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024

/** Longer JSON is not cached, so that a few large definitions cannot evict the rest. In characters. */
const MAX_CACHED_LENGTH = 256 * 1024

/** Token counts of tools and formats by their JSON. All requests of a conversation have the same ones. */
const tokenCache = new RecentMap<string, { readonly tokens: number; readonly chars: number }>(
  MAX_CACHED_CHARACTERS,
  ({ chars }) => chars + 100,
)

/** Counts the tokens of the text that describes `tools` or `functions` to the model. */
export function countTools({ tools, functions }: ChatRequest, encoding: TokenCounter): number {
  if (tools && tools.length > 0) {
    return countCached('tools', tools, encoding, () => renderTools(tools.map(describeTool)))
  }
  if (functions && functions.length > 0) {
    return countCached('functions', functions, encoding, () => renderTools(functions.map(describeFunction)))
  }
  return 0
}

/** Counts the tokens of the text that describes the JSON schema of the answer to the model. */
export function countFormat(format: ResponseFormat | null | undefined, encoding: TokenCounter): number {
  if (format?.type !== 'json_schema') return 0
  const { json_schema: schema } = format
  return countCached('format', schema, encoding, () => renderFormat(schema))
}

/**
 * Counts the tokens of `tool_choice` or `function_call`: 1 for `none`; 7 and the name for a tool that must be called (captured
 * usage of 2024 and 2026). `required` with a single tool counts like naming it (captured usage of 2025).
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
/** For `function_call` (hmarr/openai-chat-tokens issue 9, 2023). */
const FORCED_FUNCTION_TOKENS = 4

function describeTool(tool: Tool): DescribedTool {
  return tool.type === 'custom' ? { ...tool.custom, custom: true } : describeFunction(tool.function)
}

function describeFunction({ name, description, parameters }: FunctionDefinition): DescribedTool {
  return { name, description, parameters }
}

function countCached(
  kind: string,
  definition: unknown,
  encoding: TokenCounter,
  render: () => string,
): number {
  const key = `${encoding.name} ${kind} ${jsonOf(definition)}`
  const known = tokenCache.get(key)
  if (known) return known.tokens
  const tokens = encoding.count(render())
  if (!encoding.collects && key.length <= MAX_CACHED_LENGTH)
    tokenCache.set(key, { tokens, chars: key.length })
  return tokens
}

/** Returns an empty string if the nesting exceeds the stack. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

/** A JSON schema, or another object that the client sends instead. */
type Schema = Readonly<Record<string, unknown>>

/** Deeper levels are rendered as `any`. The service allows 10 levels. Protects the stack from hostile schemas. */
const MAX_DEPTH = 32

/**
 * Renders a JSON schema as a TypeScript type, as in the prompt of the models. The format is derived from prompts that models
 * repeat, and the token counts match captured usage. Without comments, properties are on one line, else on one line each without
 * indentation. Titles and descriptions are comments. Optional properties have a question mark. Limits and formats are omitted.
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

/** Returns the properties of an object schema in the order of the request. */
function propertiesOf(schema: unknown): [string, unknown][] {
  const properties = isRecord(schema) ? schema['properties'] : undefined
  return isRecord(properties) ? Object.entries(properties) : []
}

/** Renders text as comment lines. */
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

/** A tool, independent of the API. */
export interface DescribedTool {
  readonly name: string
  readonly description?: string | null | undefined
  /** JSON schema of the arguments. Absent for functions without arguments and for custom tools. */
  readonly parameters?: unknown
  /** Whether the tool accepts free text instead of arguments; default false. */
  readonly custom?: boolean
}

/** A response format with a JSON schema, independent of the API. */
export interface DescribedFormat {
  readonly name: string
  readonly description?: string | null | undefined
  readonly schema?: unknown
}

/** Renders tools as a TypeScript namespace, as in the prompt of the models. */
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

/** Renders a response format as in the prompt of the models: the schema without keywords that only make it strict. */
export function renderFormat({ name, description, schema }: DescribedFormat): string {
  return `# Response Formats\n\n## ${name}\n\n${comment(description)}${JSON.stringify(schema ?? {}, withoutStrictness)}`
}

function withoutStrictness(key: string, value: unknown): unknown {
  const strictness =
    key === 'additionalProperties' || key === '$schema' || (key === 'required' && Array.isArray(value))
  return strictness ? undefined : value
}
