import {
  anything,
  dictionary,
  flag,
  integer,
  listWith,
  nullable,
  numberBetween,
  object,
  oneOf,
  optional,
  tagged,
  text,
  textFrom,
  textLike,
  textOrList,
  type Members,
  type Shape,
} from './shape.ts'
import { hostedBlockTypes, imageMediaTypes, messagesEfforts } from './messages-request.ts'

const cacheControl = nullable(tagged({ ephemeral: { ttl: optional(oneOf(['5m', '1h'])) } }))

const textBlock = {
  text,
  citations: nullable(listWith(dictionary)),
  cache_control: cacheControl,
} satisfies Members

const image = {
  source: tagged({
    base64: { media_type: oneOf(imageMediaTypes), data: text },
    url: { url: text },
    file: { file_id: text },
  }),
  cache_control: cacheControl,
} satisfies Members

const citations = nullable(object({ enabled: optional(flag) }))

const document = {
  source: tagged({
    base64: { media_type: oneOf(['application/pdf']), data: text },
    text: { media_type: oneOf(['text/plain']), data: text },
    content: { content: textOrList(tagged({ text: textBlock, image })) },
    url: { url: text },
    file: { file_id: text },
  }),
  title: nullable(text),
  context: nullable(text),
  citations,
  cache_control: cacheControl,
} satisfies Members

const searchResult = {
  source: text,
  title: text,
  content: listWith(tagged({ text: textBlock })),
  citations,
  cache_control: cacheControl,
} satisfies Members

const toolUse = {
  id: textLike(/^[a-zA-Z0-9_-]+$/),
  name: textFrom(1),
  input: dictionary,
  cache_control: cacheControl,
  // Answers have it, and clients send answers back.
  caller: optional(anything),
} satisfies Members

const toolResult = {
  tool_use_id: textLike(/^[a-zA-Z0-9_-]+$/),
  content: optional(textOrList(tagged({ text: textBlock, image, document, search_result: searchResult }))),
  is_error: optional(flag),
  cache_control: cacheControl,
} satisfies Members

const blocks: Readonly<Record<string, Members>> = {
  text: textBlock,
  image,
  document,
  search_result: searchResult,
  thinking: { thinking: text, signature: text },
  redacted_thinking: { data: text },
  tool_use: toolUse,
  tool_result: toolResult,
}

/** Blocks of tools that the service executes pass unchecked: the simulator neither makes nor reads them. */
const hosted = new Set<string>(hostedBlockTypes)
const ownBlock = tagged(blocks)
const block: Shape = (value, path) => {
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined
  return typeof type === 'string' && hosted.has(type) ? undefined : ownBlock(value, path)
}

const message = object({
  role: oneOf(['user', 'assistant', 'system']),
  content: textOrList(block),
})

/** Names of tools. */
const toolNamePattern = /^[a-zA-Z0-9_-]{1,128}$/

const functionTool = object({
  type: nullable(oneOf(['custom'])),
  name: textLike(toolNamePattern),
  description: optional(text),
  input_schema: inputSchema,
  strict: optional(flag),
  input_examples: optional(listWith(dictionary)),
  eager_input_streaming: nullable(flag),
  allowed_callers: optional(listWith(oneOf(['direct']))),
  defer_loading: optional(flag),
  cache_control: cacheControl,
})

function inputSchema(value: unknown, path: string): string | undefined {
  const problem = dictionary(value, path)
  if (problem !== undefined) return problem
  const { type } = value as { type?: unknown }
  if (type === undefined) return `${path}.type: Field required`
  return type === 'object' ? undefined : `${path}.type: Input should be 'object'`
}

const tool: Shape = (value, path) => {
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined
  if (typeof type === 'string' && type !== 'custom') return undefined
  return functionTool(value, `${path}.custom`)
}

const display = nullable(oneOf(['summarized', 'omitted']))
const parallel = { disable_parallel_tool_use: optional(flag) }

/** Members of a request that are also in a request to count tokens. */
const counted = {
  model: text,
  messages: listWith(message),
  system: optional(textOrList(object({ type: oneOf(['text']), ...textBlock }))),
  tools: optional(listWith(tool)),
  tool_choice: optional(
    tagged({ auto: parallel, any: parallel, tool: { name: text, ...parallel }, none: {} }),
  ),
  thinking: optional(
    tagged({
      enabled: { budget_tokens: integer(1_024), display },
      adaptive: { display },
      between_tools: {},
      disabled: {},
    }),
  ),
  output_config: optional(
    object({
      effort: nullable(oneOf(messagesEfforts)),
      format: nullable(tagged({ json_schema: { schema: dictionary } })),
    }),
  ),
  cache_control: cacheControl,
} satisfies Members

/** A request to count tokens. */
export const countShape = object(counted)

/** Members that only version 2023-06-01 has. */
const sampling = {
  temperature: optional(numberBetween(0, 1)),
  top_p: optional(numberBetween(0, 1)),
  top_k: optional(integer(0)),
} satisfies Members

const created = {
  ...counted,
  max_tokens: integer(0),
  metadata: optional(object({ user_id: nullable(text) })),
  stop_sequences: optional(listWith(text)),
  stream: optional(flag),
  service_tier: optional(oneOf(['auto', 'standard_only'])),
  inference_geo: nullable(text),
  speed: nullable(oneOf(['standard', 'fast'])),
  container: nullable(anything),
  thread: nullable(anything),
  diagnostics: nullable(dictionary),
} satisfies Members

/** A request of version 2023-06-01. */
export const samplingMessageShape = object({ ...created, ...sampling })

/** A request of version 2026-10-21, which has no sampling parameters. */
export const messageShape = object(created)

/** The names of sampling parameters. */
export const samplingParameters = Object.keys(sampling)
