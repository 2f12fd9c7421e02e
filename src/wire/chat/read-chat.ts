import { isRecord } from '../../lib/record.ts'
import type { AnswerEvent, AnswerReader, AnswerStart } from '../../answer/answer-events.ts'
import type { FinishReason } from '../../answer/completion.ts'
import { readEvent } from '../../lib/server-sent-events.ts'
import {
  errorOf,
  invalidAnswer,
  listOf,
  parseIndex,
  parseObject,
  textOf,
  type Members,
} from '../read-json.ts'
import { readUsage } from '../read-usage.ts'

/** Reads a chat completion that is not streamed. Returns an `error` event for an invalid one. */
export function readChat(json: string): readonly AnswerEvent[] {
  const answer = parseObject(json)
  if (typeof answer === 'string') return [invalidAnswer(`The answer ${answer}.`)]
  const error = errorOf(answer['error'])
  if (error) return [error]
  if (!Array.isArray(answer['choices'])) return [invalidAnswer('The answer has no choices.')]
  const events: AnswerEvent[] = [{ kind: 'start', ...startOf(answer) }, ...promptFilters(answer)]
  const state = new ChatState(events)
  for (const [position, choice] of listOf(answer['choices']).entries()) {
    if (!isRecord(choice)) continue
    state.read(choice, parseIndex(choice['index']) ?? position, choice['message'])
  }
  state.flush()
  const usage = readUsage(answer['usage'])
  if (usage) events.push({ kind: 'usage', usage })
  return events
}

/** Reads a stream of chat completions. */
export class ChatReader implements AnswerReader {
  #events: AnswerEvent[] = []
  readonly #state = new ChatState(this.#events)
  #started = false
  #done = false
  #failed = false

  get isDone(): boolean {
    return this.#failed || this.#done
  }

  push(frame: string): readonly AnswerEvent[] {
    if (this.isDone) return []
    const { data } = readEvent(frame)
    if (data === undefined) return []
    if (data.trim() === '[DONE]') {
      this.#done = true
      return []
    }
    const chunk = parseObject(data)
    if (typeof chunk === 'string') return this.#fail(invalidAnswer(`A chunk of the stream ${chunk}.`))
    const error = errorOf(chunk['error'])
    if (error) return this.#fail(error)
    this.#read(chunk)
    return this.#take()
  }

  end(): readonly AnswerEvent[] {
    if (this.#failed) return []
    this.#state.flush()
    if (!this.#done && !this.#state.isFinished) {
      this.#events.push(invalidAnswer('The stream ended before the answer did.'))
    }
    return this.#take()
  }

  #read(chunk: Members): void {
    if (!this.#started) {
      const start = startOf(chunk)
      // Chunks of the content filter have an empty id and model.
      this.#started = start.id !== undefined
      if (this.#started) this.#events.push({ kind: 'start', ...start })
    }
    if (chunk['prompt_filter_results'] !== undefined) this.#events.push(...promptFilters(chunk))
    for (const [position, choice] of listOf(chunk['choices']).entries()) {
      if (isRecord(choice)) this.#state.read(choice, parseIndex(choice['index']) ?? position, choice['delta'])
    }
    const usage = readUsage(chunk['usage'])
    if (usage) this.#events.push({ kind: 'usage', usage })
  }

  #fail(event: AnswerEvent): readonly AnswerEvent[] {
    this.#state.flush()
    this.#failed = true
    return [...this.#take(), event]
  }

  /** Returns the events since the last call. */
  #take(): readonly AnswerEvent[] {
    return this.#events.splice(0)
  }
}

/** A call that is not complete. Its `call` event is emitted when the name is complete, which can be split over several deltas. */
interface PartialCall {
  readonly number: number
  id: string
  name: string
  tool: 'function' | 'custom'
  announced: boolean
  /** Arguments that arrived before the name. */
  bufferedArguments: string
}

interface ChoiceState {
  readonly calls: PartialCall[]
  /** The call of the last delta. Deltas without an index belong to it. */
  last: PartialCall | undefined
  finished: boolean
  /** Whether a part of its reasoning has been read. */
  thinks: boolean
  /** Number of complete thinking blocks. */
  thinkingBlocks: number
}

/** Reads choices of a whole answer and of chunks. Messages and deltas have the same fields. */
class ChatState {
  readonly #events: AnswerEvent[]
  readonly #choices = new Map<number, ChoiceState>()

  /** @param events events are appended to this array */
  constructor(events: AnswerEvent[]) {
    this.#events = events
  }

  /** Whether there are choices and each has a finish reason. */
  get isFinished(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(({ finished }) => finished)
  }

  /** @param message a whole message or a delta */
  read(choice: Members, index: number, message: unknown): void {
    const read = this.#at(index)
    const results = choice['content_filter_results']
    if (isRecord(results) && Object.keys(results).length > 0) {
      const offsets = choice['content_filter_offsets']
      this.#events.push({
        kind: 'filter',
        of: 'choice',
        index,
        results,
        ...(isRecord(offsets) && { offsets }),
      })
    }
    if (isRecord(message)) this.#message(message, choice['logprobs'], index, read)
    const reason = choice['finish_reason']
    if (typeof reason !== 'string' || read.finished) return
    this.#announce(read, index)
    read.finished = true
    this.#events.push({ kind: 'finish', choice: index, reason: finishReasons.get(reason) ?? 'stop' })
  }

  /** Emits the calls that are still open at the end of the answer. */
  flush(): void {
    for (const [index, read] of this.#choices) this.#announce(read, index)
  }

  #at(index: number): ChoiceState {
    let read = this.#choices.get(index)
    if (!read) {
      read = { calls: [], last: undefined, finished: false, thinks: false, thinkingBlocks: 0 }
      this.#choices.set(index, read)
    }
    return read
  }

  #message(message: Members, logprobs: unknown, choice: number, read: ChoiceState): void {
    this.#think(message, choice, read)
    const text = textOf(message['content'])
    const { content, refusal: refused } = isRecord(logprobs) ? logprobs : ({} as Members)
    const textLogprobs = listOf(content)
    const refusalLogprobs = listOf(refused)
    if (text !== undefined || textLogprobs.length > 0) {
      this.#events.push({
        kind: 'text',
        choice,
        text: text ?? '',
        ...(textLogprobs.length > 0 && { logprobs: textLogprobs }),
      })
    }
    this.#audio(message['audio'], choice)
    const { context } = message
    if (isRecord(context)) this.#events.push({ kind: 'context', choice, context })
    const refusal = message['refusal']
    if (typeof refusal === 'string') {
      this.#events.push({
        kind: 'refusal',
        choice,
        text: refusal,
        ...(refusalLogprobs.length > 0 && { logprobs: refusalLogprobs }),
      })
    }
    const annotations = listOf(message['annotations'])
    if (annotations.length > 0) this.#events.push({ kind: 'annotations', choice, annotations })
    for (const [position, call] of listOf(message['tool_calls']).entries()) {
      if (isRecord(call)) this.#call(call, position, choice, read)
    }
    const functionCall = message['function_call']
    if (isRecord(functionCall)) this.#call({ index: 0, function: functionCall }, 0, choice, read)
  }

  /** The reasoning, and the `thinking_blocks` of other gateways, which repeat its text with signatures. */
  #think(message: Members, choice: number, read: ChoiceState): void {
    const given = message['reasoning_content'] ?? message['reasoning']
    const thought = typeof given === 'string' ? given : ''
    const blocks = listOf(message['thinking_blocks']).filter(isRecord)
    const isRepeated = thought === '' && read.thinks
    const hasTexts = blocks.some(({ thinking }) => typeof thinking === 'string' && thinking !== '')
    if (thought !== '' && !hasTexts) this.#events.push({ kind: 'thought', choice, text: thought })
    read.thinks ||= thought !== '' || hasTexts
    // The text of earlier chunks cannot be divided between several signatures.
    if (isRepeated && blocks.filter(({ type }) => type === 'thinking').length > 1) return
    for (const { type, thinking, signature, data } of blocks) {
      const part = read.thinkingBlocks > 0 ? { part: read.thinkingBlocks } : {}
      if (type === 'redacted_thinking' && typeof data === 'string') {
        this.#events.push({ kind: 'thought', choice, text: '', encrypted: data, ...part })
        read.thinkingBlocks++
        continue
      }
      const text = typeof thinking === 'string' && !isRepeated ? thinking : ''
      const sealed = typeof signature === 'string' && signature !== '' ? { signature } : undefined
      if (text !== '' || sealed) this.#events.push({ kind: 'thought', choice, text, ...part, ...sealed })
      if (sealed) read.thinkingBlocks++
    }
  }

  #audio(audio: unknown, choice: number): void {
    if (!isRecord(audio)) return
    const { id, data, expires_at: expiresAt, transcript } = audio
    const parts = {
      ...(typeof id === 'string' && { id }),
      ...(typeof data === 'string' && { data }),
      ...(typeof expiresAt === 'number' && { expiresAt }),
    }
    if (Object.keys(parts).length > 0) this.#events.push({ kind: 'audio', choice, ...parts })
    if (typeof transcript === 'string') {
      this.#events.push({ kind: 'text', choice, text: transcript, spoken: true })
    }
  }

  #call(delta: Members, position: number, choice: number, read: ChoiceState): void {
    const call = this.#callOf(delta, position, choice, read)
    if (!call) return
    const custom = delta['custom']
    if (isRecord(custom) || delta['type'] === 'custom') call.tool = 'custom'
    const definition = isRecord(custom) ? custom : delta['function']
    if (!isRecord(definition)) return
    const { name } = definition
    if (typeof name === 'string' && !call.announced) call.name += name
    const input = definition['arguments'] ?? definition['input']
    const text = typeof input === 'string' ? input : isRecord(input) ? JSON.stringify(input) : ''
    if (text === '') return
    if (call.name === '') {
      call.bufferedArguments += text
      return
    }
    this.#announceCall(call, choice)
    this.#events.push({ kind: 'arguments', choice, call: call.number, text })
  }

  /** Finds the call of a delta by its index. A new id starts a new call, since some services send index 0 for all calls. */
  #callOf(delta: Members, position: number, choice: number, read: ChoiceState): PartialCall | undefined {
    const id = typeof delta['id'] === 'string' ? delta['id'] : ''
    const index = parseIndex(delta['index'])
    const known =
      index === undefined && id === ''
        ? (read.last ?? read.calls[position])
        : read.calls.findLast(
            (call) => call.id === id || (call.number === index && (id === '' || call.id === '')),
          )
    const call = known ?? this.#newCall(index, read)
    if (!call) return undefined
    if (call.id === '') call.id = id
    if (read.last && read.last !== call) this.#announceCall(read.last, choice)
    read.last = call
    return call
  }

  #newCall(index: number | undefined, read: ChoiceState): PartialCall | undefined {
    const isFree = index !== undefined && !read.calls.some(({ number }) => number === index)
    const number = isFree ? index : Math.max(-1, ...read.calls.map((call) => call.number)) + 1
    const call: PartialCall = {
      number,
      id: '',
      name: '',
      tool: 'function',
      announced: false,
      bufferedArguments: '',
    }
    read.calls.push(call)
    return call
  }

  #announce({ calls }: ChoiceState, choice: number): void {
    for (const call of calls) this.#announceCall(call, choice)
  }

  #announceCall(call: PartialCall, choice: number): void {
    if (call.announced) return
    call.announced = true
    const { number, tool, id, name, bufferedArguments } = call
    this.#events.push({ kind: 'call', choice, call: number, tool, id, name })
    if (bufferedArguments !== '') {
      this.#events.push({ kind: 'arguments', choice, call: number, text: bufferedArguments })
    }
  }
}

const finishReasons = new Map<string, FinishReason>(
  (['stop', 'length', 'tool_calls', 'function_call', 'content_filter'] as const).map((reason) => [
    reason,
    reason,
  ]),
)

function startOf(object: Members): AnswerStart {
  const { id, created, model, system_fingerprint: fingerprint, service_tier: serviceTier } = object
  return {
    ...(typeof id === 'string' && id !== '' && { id }),
    ...(typeof created === 'number' && { createdSeconds: created }),
    ...(typeof model === 'string' && { model }),
    ...((typeof fingerprint === 'string' || fingerprint === null) && { fingerprint }),
    ...(typeof serviceTier === 'string' && { serviceTier }),
  }
}

function promptFilters(object: Members): AnswerEvent[] {
  return listOf(object['prompt_filter_results'])
    .filter(isRecord)
    .map((entry, position) => ({
      kind: 'filter',
      of: 'prompt',
      index: parseIndex(entry['prompt_index']) ?? position,
      // The singular occurs in captures of 2024, for prompts with an image.
      results: entry['content_filter_results'] ?? entry['content_filter_result'] ?? {},
    }))
}
