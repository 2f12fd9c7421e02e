import { completionFilterJson, safePromptFilter } from '../wire/content-filters.ts'
import { dataEvent } from '../wire/sse.ts'
import type { ChunkWriter } from './chat-chunk.ts'
import { finishReasonOf, functionCallJson, toolCallJson, type ChatFacts } from './chat-json.ts'
import type { Choice } from '../answer/completion.ts'

/** The first chunk of every stream; it has the shape of a chunk and none of its contents. */
export const promptFilterEvent = dataEvent(
  `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[${safePromptFilter(0)}]}`,
)

/** The chunk with which a choice begins: its role. */
export function startEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, '{}', startDelta(choice, facts))
}

/** The chunk that says why a choice ends. */
export function finishEvent(chunk: ChunkWriter, choice: Choice, facts: ChatFacts, index: number): string {
  return chunk.choice(index, finishFilter(facts), '{}', `"${finishReasonOf(choice, facts)}"`)
}

function finishFilter({ found }: ChatFacts): string {
  return found === undefined ? '{}' : completionFilterJson(found)
}

/** The order is that of other chunks; no stream of a refusal is captured. */
const refusalStart = '{"content":null,"refusal":"","role":"assistant"}'
const textStart = '{"content":"","refusal":null,"role":"assistant"}'

/** A single call comes with the role, several come after it. */
function startDelta({ pieces, toolCalls, refused }: Choice, { usesFunctions }: ChatFacts): string {
  if (refused) return refusalStart
  const [first, second] = toolCalls
  if (first === undefined || pieces.length > 0) return textStart
  if (second !== undefined) return '{"content":null,"refusal":null,"role":"assistant"}'
  if (usesFunctions) {
    return `{"content":null,"function_call":${functionCallJson(first.name, '')},"refusal":null,"role":"assistant"}`
  }
  return `{"content":null,"refusal":null,"role":"assistant","tool_calls":[${toolCallJson(first, '', 0)}]}`
}
