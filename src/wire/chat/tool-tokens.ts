import { isRecord } from '../../lib/record.ts'
import { cacheKeyOf, RecentMap } from '../../lib/caches.ts'
import type { TokenCounter } from '../../tokens/encoding.ts'
import type { ChatRequest, FunctionDefinition, ResponseFormat, Tool } from './chat-request.ts'
import type { PromptFamily } from './prompt-family.ts'
import { comment, propertiesOf, typeOf } from './schema-text.ts'

/** Characters per generation of the cache of tools and schemas. It has two generations: 16 MiB in total. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024

/** Longer JSON is not cached, so that a few large definitions cannot evict the rest. In characters. */
const MAX_CACHED_LENGTH = 256 * 1024

/** Token counts of tools and formats by their JSON. All requests of a conversation have the same ones. */
const tokenCache = new RecentMap<string, { readonly tokens: number; readonly chars: number }>(
  MAX_CACHED_CHARACTERS,
  ({ chars }) => chars + 100,
)

/** Counts the tokens of the text that describes `tools` or `functions` to the model, without the heading `# Tools`. */
export function countTools(
  { tools, functions }: ChatRequest,
  { toolListing }: PromptFamily,
  encoding: TokenCounter,
): number {
  if (tools && tools.length > 0) {
    const rendered = countCached(`tools ${toolListing}`, tools, encoding, () =>
      renderTools(tools.map(describeTool), toolListing),
    )
    return rendered + GRAMMAR_TOKENS * tools.filter((tool) => grammarOf(tool) !== undefined).length
  }
  if (functions && functions.length > 0) {
    return countCached(`functions ${toolListing}`, functions, encoding, () =>
      renderTools(functions.map(describeFunction), toolListing),
    )
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
 * usage of 2024 and 2026). In the Responses API, `required` with a single tool counts like naming it. Not for reasoning models.
 */
export function countToolChoice(
  request: ChatRequest,
  encoding: TokenCounter,
  api: 'chat' | 'responses',
): number {
  const { tools, functions, tool_choice: choice, function_call: call } = request
  const names = tools?.map((tool) => describeTool(tool).name) ?? functions?.map(({ name }) => name) ?? []
  if (names.length === 0) return 0
  const chosen = choice ?? call
  if (chosen === 'none') return 1
  if (chosen === 'required')
    return api === 'responses' && names.length === 1 ? FORCED_TOOL_TOKENS + encoding.count(names[0] ?? '') : 0
  if (typeof chosen !== 'object' || chosen === null) return 0
  if ('name' in chosen) return FORCED_FUNCTION_TOKENS + encoding.count(chosen.name)
  if (chosen.type === 'function') return FORCED_TOOL_TOKENS + encoding.count(chosen.function.name)
  return chosen.type === 'custom' ? FORCED_TOOL_TOKENS + encoding.count(chosen.custom.name) : 0
}

const FORCED_TOOL_TOKENS = 7
/** For `function_call` (hmarr/openai-chat-tokens issue 9, 2023). */
const FORCED_FUNCTION_TOKENS = 4

function describeTool(tool: Tool): DescribedTool {
  if (tool.type !== 'custom') return describeFunction(tool.function)
  const { name, description } = tool.custom
  return { name, description, grammar: grammarOf(tool), custom: true }
}

/** The introduction of a grammar. Its text is unknown: 47 is the rest of two bills of gpt-5 (DataDog/dd-trace-py, 2025-08). */
const GRAMMAR_TOKENS = 47

/** Returns the grammar of a custom tool. */
function grammarOf(tool: Tool): string | undefined {
  const format = tool.type === 'custom' ? tool.custom.format : undefined
  const grammar = isRecord(format) ? format['grammar'] : undefined
  const definition = isRecord(grammar) ? grammar['definition'] : undefined
  return typeof definition === 'string' ? definition : undefined
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
  const key = `${encoding.name} ${kind} ${cacheKeyOf(definition)}`
  const known = tokenCache.get(key)
  if (known) return known.tokens
  const tokens = encoding.count(render())
  if (!encoding.collects && key.length <= MAX_CACHED_LENGTH)
    tokenCache.set(key, { tokens, chars: key.length })
  return tokens
}

/** A tool, independent of the API. */
export interface DescribedTool {
  readonly name: string
  readonly description?: string | null | undefined
  /** JSON schema of the arguments. Absent for functions without arguments and for custom tools. */
  readonly parameters?: unknown
  /** The grammar that the input of a custom tool follows. */
  readonly grammar?: string | undefined
  /** Whether the tool accepts free text instead of arguments; default false. */
  readonly custom?: boolean
}

/** A response format with a JSON schema, independent of the API. */
export interface DescribedFormat {
  readonly name: string
  readonly description?: string | null | undefined
  readonly schema?: unknown
}

/** Renders tools as in the prompt of the models, without the heading `# Tools`. */
export function renderTools(
  tools: readonly DescribedTool[],
  listing: PromptFamily['toolListing'] = 'namespace',
): string {
  const types = tools
    .map(
      (tool) =>
        `${comment(tool.description)}${comment(tool.grammar)}type ${tool.name} = ${signatureOf(tool)};\n\n`,
    )
    .join('')
  return listing === 'namespace'
    ? `## functions\n\nnamespace functions {\n\n${types}} // namespace functions`
    : `## Namespace: functions\n\n### Target channel: commentary\n\n### Tool definitions\n${types}`
}

function signatureOf({ parameters, custom }: DescribedTool): string {
  if (custom) return '(FREEFORM) => any'
  if (propertiesOf(parameters).length === 0) return '() => any'
  const { type = 'object' } = parameters as { readonly type?: unknown }
  return `(_: ${typeOf({ ...(parameters as object), type })}) => any`
}

/** Renders a response format as in the prompt of the models: the schema as JSON without keywords that only restrict values. */
export function renderFormat({ name, description, schema }: DescribedFormat): string {
  return `# Response Formats\n\n## ${name}\n\n${comment(description)}${JSON.stringify(schema ?? {}, withoutLimits)}`
}

/** Keywords that the prompt does not contain. A property can have the same name: then the value is a schema. */
const omittedKeywords = new Set([
  'required',
  'default',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
])

function withoutLimits(key: string, value: unknown): unknown {
  const omitted =
    key === 'additionalProperties' || key === '$schema' || (omittedKeywords.has(key) && !isRecord(value))
  return omitted ? undefined : value
}
