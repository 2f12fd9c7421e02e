import type { Usage } from '../../answer/completion.ts'
import type { BlockStart, BlockStep } from './message-blocks.ts'

/** The fields of a message in addition to its content. */
export interface MessageFacts {
  /** `msg_` and alphanumerics. */
  readonly id: string
  readonly model: string
  /** Default: `standard`. */
  readonly serviceTier?: 'standard' | 'priority' | 'batch'
  /** Where the model ran. Default: `global`. */
  readonly inferenceGeo?: string
}

/** Why a message ends. */
export interface MessageStop {
  readonly reason: string
  /** The stop sequence that ended the text. */
  readonly sequence?: string | undefined
  /** Why the model refused. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

const noUsage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

/**
 * The JSON of a message (captures of Anthropic's API of May to November 2026: order and presence of the members).
 *
 * @param content JSON of the blocks, separated by commas
 * @param stop absent in the first event of a stream
 * @param usage undefined if it is unknown
 */
export function messageJson(
  facts: MessageFacts,
  content: string,
  stop: MessageStop | undefined,
  usage: Usage | undefined,
): string {
  const { id, model } = facts
  return `{"model":${JSON.stringify(model)},"id":${JSON.stringify(id)},"type":"message","role":"assistant","content":[${content}],"container":null,${stopJson(stop)},"usage":${wholeUsageJson(usage ?? noUsage, stop !== undefined, facts)},"diagnostics":null}`
}

function stopJson(stop: MessageStop | undefined): string {
  const { reason, sequence, details } = stop ?? {}
  return `"stop_reason":${jsonOrNull(reason)},"stop_sequence":${jsonOrNull(sequence)},"stop_details":${jsonOrNull(details)}`
}

function jsonOrNull(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value)
}

/**
 * `input_tokens` excludes the tokens that are read from the cache or written to it. Some services of other APIs report more cached tokens
 * than the prompt has.
 */
function promptJson(usage: Usage): string {
  const { promptTokens, cachedTokens } = usage
  const read = Math.min(cachedTokens, promptTokens)
  const written = writtenTokens(usage)
  return `"input_tokens":${promptTokens - read - written},"cache_creation_input_tokens":${written},"cache_read_input_tokens":${read}`
}

function writtenTokens({ promptTokens, cachedTokens, cacheWriteTokens = 0 }: Usage): number {
  return Math.max(0, Math.min(cacheWriteTokens, promptTokens - cachedTokens))
}

function outputJson({ completionTokens, reasoningTokens }: Usage): string {
  return `"output_tokens":${completionTokens},"output_tokens_details":{"thinking_tokens":${reasoningTokens}}`
}

function wholeUsageJson(
  usage: Usage,
  isComplete: boolean,
  { serviceTier = 'standard', inferenceGeo = 'global' }: MessageFacts,
): string {
  const written = writtenTokens(usage)
  const forHour = Math.min(usage.cacheWriteHourTokens ?? 0, written)
  const output = isComplete ? outputJson(usage) : `"output_tokens":${Math.min(1, usage.completionTokens)}`
  return `{${promptJson(usage)},"cache_creation":{"ephemeral_5m_input_tokens":${written - forHour},"ephemeral_1h_input_tokens":${forHour}},${output},"service_tier":${JSON.stringify(serviceTier)},"inference_geo":${JSON.stringify(inferenceGeo)}}`
}

/** An event with the name of its type. */
function namedEvent(type: string, members: string): string {
  return `event: ${type}\ndata: {"type":"${type}"${members}}\n\n`
}

/** The first event of a stream. */
export function messageStartEvent(facts: MessageFacts, usage: Usage | undefined): string {
  return namedEvent('message_start', `,"message":${messageJson(facts, '', undefined, usage)}`)
}

/** Keeps the connection alive. The service sends it after the start of the first block, with this space. */
export const pingEvent = 'event: ping\ndata: {"type": "ping"}\n\n'

/** The event of a step of the content. */
export function blockEvent(step: BlockStep): string {
  const { index } = step
  switch (step.step) {
    case 'start':
      return startEvents(index, step.start)
    case 'text':
      return deltaEvent(index, 'text_delta', 'text', step.text)
    case 'thinking':
      return deltaEvent(index, 'thinking_delta', 'thinking', step.text)
    case 'signature':
      return deltaEvent(index, 'signature_delta', 'signature', step.text)
    case 'input':
      return deltaEvent(index, 'input_json_delta', 'partial_json', step.text)
    case 'citation':
      return deltaEvent(index, 'citations_delta', 'citation', step.citation)
    default:
      return namedEvent('content_block_stop', `,"index":${index}`)
  }
}

function deltaEvent(index: number, type: string, member: string, value: unknown): string {
  const delta = `{"type":"${type}","${member}":${JSON.stringify(value)}}`
  return namedEvent('content_block_delta', `,"index":${index},"delta":${delta}`)
}

/** The input of a call that the service executes is in deltas, like that of other calls. */
function startEvents(index: number, start: BlockStart): string {
  const { block, input } = startOf(start)
  const event = namedEvent('content_block_start', `,"index":${index},"content_block":${block}`)
  return input === undefined ? event : event + deltaEvent(index, 'input_json_delta', 'partial_json', input)
}

function startOf(start: BlockStart): { readonly block: string; readonly input?: string } {
  switch (start.type) {
    case 'text':
      return { block: '{"type":"text","text":""}' }
    case 'thinking':
      return { block: '{"type":"thinking","thinking":"","signature":""}' }
    case 'tool_use':
      return { block: toolUseJson(start, '{}'), input: '' }
    default: {
      const { block } = start
      return 'input' in block
        ? { block: JSON.stringify({ ...block, input: {} }), input: JSON.stringify(block['input']) }
        : { block: JSON.stringify(block) }
    }
  }
}

/** @param input JSON */
export function toolUseJson(
  { id, name }: { readonly id: string; readonly name: string },
  input: string,
): string {
  return `{"type":"tool_use","id":${JSON.stringify(id)},"name":${JSON.stringify(name)},"input":${input},"caller":{"type":"direct"}}`
}

/** The events that end a stream. `usage` is the whole usage; undefined if it is unknown. */
export function messageEndEvents(stop: MessageStop, usage: Usage = noUsage): string {
  const billed = `{${promptJson(usage)},${outputJson(usage)}}`
  return (
    namedEvent('message_delta', `,"delta":{"container":null,${stopJson(stop)}},"usage":${billed}`) +
    namedEvent('message_stop', '')
  )
}
