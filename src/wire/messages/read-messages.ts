import type { AnswerEvent, AnswerReader, FinishEvent } from '../../answer/answer-events.ts'
import type { FinishReason } from '../../answer/completion.ts'
import { isRecord, ownValue } from '../../lib/record.ts'
import { readEvent } from '../../lib/server-sent-events.ts'
import { errorOf, invalidAnswer, listOf, parseIndex, parseObject, type Members } from '../read-json.ts'
import { mergedUsage, readUsage } from '../read-usage.ts'

/** Reads a message that is not streamed. Returns an `error` event for an invalid one. */
export function readMessage(json: string): readonly AnswerEvent[] {
  const message = parseObject(json)
  if (typeof message === 'string') return [invalidAnswer(`The answer ${message}.`)]
  const error = errorOf(message['error'])
  if (error) return [error]
  if (!Array.isArray(message['content'])) return [invalidAnswer('The answer has no content.')]
  const events: AnswerEvent[] = [startOf(message)]
  const blocks = new Blocks(events)
  for (const block of message['content']) if (isRecord(block)) blocks.whole(block)
  const usage = readUsage(message['usage'])
  if (usage) events.push({ kind: 'usage', usage })
  events.push(finishOf(message, blocks.hasCalls))
  return events
}

/** Events of the service. Others are ignored, whatever their data is. */
const eventTypes = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
])

/** Reads a stream of Anthropic Messages. */
export class MessagesReader implements AnswerReader {
  #events: AnswerEvent[] = []
  readonly #blocks = new Blocks(this.#events)
  #usage: Members = {}
  /** `stop_reason` and the members beside it. A later event replaces only those that it has. */
  #stop: Members = {}
  #ended = false

  get isDone(): boolean {
    return this.#ended
  }

  push(frame: string): readonly AnswerEvent[] {
    if (this.#ended) return []
    const { event: name, data } = readEvent(frame)
    if (data === undefined || (name !== undefined && !eventTypes.has(name))) return []
    if (data.trim() === '[DONE]') return []
    const event = parseObject(data)
    if (typeof event === 'string') return this.#fail(invalidAnswer(`An event of the stream ${event}.`))
    const { type = name, error } = event
    const reported = errorOf(error) ?? (type === 'error' ? errorOf(event) : undefined)
    if (reported) return this.#fail(reported)
    this.#read(type, event)
    const events = this.#take()
    this.#ended ||= events.some(({ kind }) => kind === 'error')
    return events
  }

  end(): readonly AnswerEvent[] {
    if (this.#ended) return []
    if (typeof this.#stop['stop_reason'] !== 'string') {
      return this.#fail(invalidAnswer('The stream ended before the answer did.'))
    }
    this.#finish()
    return this.#take()
  }

  #read(type: unknown, event: Members): void {
    switch (type) {
      case 'message_start': {
        const { message } = event
        if (!isRecord(message)) return
        this.#events.push(startOf(message))
        for (const block of listOf(message['content'])) if (isRecord(block)) this.#blocks.whole(block)
        this.#bill(message['usage'])
        return
      }
      case 'content_block_start':
        return this.#blocks.start(event['index'], event['content_block'])
      case 'content_block_delta':
        return this.#blocks.delta(event['index'], event['delta'])
      case 'content_block_stop':
        return this.#blocks.stop(event['index'])
      case 'message_delta':
        if (isRecord(event['delta'])) this.#stop = { ...this.#stop, ...event['delta'] }
        return this.#bill(event['usage'])
      case 'message_stop':
        return this.#finish()
      default:
    }
  }

  #bill(usage: unknown): void {
    if (!isRecord(usage)) return
    this.#usage = mergedUsage(this.#usage, usage)
    const read = readUsage(this.#usage)
    if (read) this.#events.push({ kind: 'usage', usage: read })
  }

  #finish(): void {
    this.#ended = true
    this.#blocks.stopAll()
    this.#events.push(finishOf(this.#stop, this.#blocks.hasCalls))
  }

  #fail(event: AnswerEvent): readonly AnswerEvent[] {
    this.#ended = true
    return [event]
  }

  /** Returns the events since the last call. */
  #take(): readonly AnswerEvent[] {
    return this.#events.splice(0)
  }
}

/** A block that is not complete. */
interface OpenBlock {
  /** The block as it started. */
  readonly block: Members
  /** Index among the blocks that become texts or thoughts, or number of the call. */
  readonly number: number
  /** Input of a call so far, as JSON. */
  input: string
  /** Position of its text in all texts. */
  readonly from: number
  /** Citations of web pages so far. */
  readonly pages: Members[]
}

const choice = 0

/** Reads the blocks of a whole message and of a stream, and appends their events. */
class Blocks {
  readonly #events: AnswerEvent[]
  readonly #open = new Map<unknown, OpenBlock>()
  #texts = 0
  #thoughts = 0
  #calls = 0
  /** Length of all texts. */
  #length = 0
  /** The key of the last block. Events without an index belong to it. */
  #last: unknown

  constructor(events: AnswerEvent[]) {
    this.#events = events
  }

  get hasCalls(): boolean {
    return this.#calls > 0
  }

  whole(block: Members): void {
    const open = this.#begin(block)
    if (open) this.#end(open)
  }

  start(index: unknown, block: unknown): void {
    if (!isRecord(block)) return
    if (this.#isRepeated(index, block)) return
    this.stop(index)
    this.#last = parseIndex(index) ?? this.#open.size
    const open = this.#begin(block)
    if (open) this.#open.set(this.#last, open)
  }

  #isRepeated(index: unknown, { type, id }: Members): boolean {
    const open = this.#open.get(parseIndex(index))
    return type === 'tool_use' && open?.block['type'] === type && open.block['id'] === id
  }

  delta(index: unknown, delta: unknown): void {
    if (!isRecord(delta)) return
    const key = parseIndex(index) ?? this.#last
    const { type, text, thinking, signature, partial_json: json, citation } = delta
    if (type === 'text_delta' && typeof text === 'string' && text !== '') {
      this.#text(this.#at(key, 'text').number, text)
    } else if (type === 'citations_delta' && isRecord(citation)) {
      this.#cite(this.#at(key, 'text'), [citation])
    } else if (type === 'thinking_delta' && typeof thinking === 'string' && thinking !== '') {
      this.#thought(this.#at(key, 'thinking').number, thinking)
    } else if (type === 'signature_delta' && typeof signature === 'string' && signature !== '') {
      this.#thought(this.#at(key, 'thinking').number, '', signature)
    } else if (type === 'input_json_delta' && typeof json === 'string') {
      this.#input(this.#open.get(key), json)
    }
  }

  stop(index: unknown): void {
    const key = parseIndex(index) ?? this.#last
    const open = this.#open.get(key)
    if (!open) return
    this.#open.delete(key)
    this.#end(open)
  }

  stopAll(): void {
    for (const key of this.#open.keys()) this.stop(key)
  }

  /** The open block, or a new one if the event that starts it is missing. */
  #at(key: unknown, type: 'text' | 'thinking'): OpenBlock {
    const open = this.#open.get(key)
    if (open?.block['type'] === type) return open
    const created = this.#begin({ type }) as OpenBlock
    this.#open.set(key, created)
    return created
  }

  /** Emits what the first event of a block contains. Redacted thinking is complete with it. */
  #begin(block: Members): OpenBlock | undefined {
    const { type } = block
    switch (type) {
      case 'text': {
        const open = this.#opened(block, this.#texts++)
        const { text, citations } = block
        if (typeof text === 'string' && text !== '') this.#text(open.number, text)
        const cited = listOf(citations).filter(isRecord)
        if (cited.length > 0) this.#cite(open, cited)
        return open
      }
      case 'thinking': {
        const number = this.#thoughts++
        const { thinking, signature } = block
        const sealed = typeof signature === 'string' && signature !== '' ? signature : undefined
        const text = typeof thinking === 'string' ? thinking : ''
        if (text !== '' || sealed !== undefined) this.#thought(number, text, sealed)
        return this.#opened(block, number)
      }
      case 'redacted_thinking': {
        const { data } = block
        if (typeof data !== 'string') return undefined
        this.#events.push({ kind: 'thought', choice, text: '', encrypted: data, ...partOf(this.#thoughts++) })
        return undefined
      }
      case 'tool_use': {
        const number = this.#calls++
        const { id, name } = block
        this.#events.push({
          kind: 'call',
          choice,
          call: number,
          tool: 'function',
          id: typeof id === 'string' ? id : '',
          name: typeof name === 'string' ? name : '',
        })
        return this.#opened(block, number)
      }
      default:
        return typeof type === 'string' ? this.#opened(block, 0) : undefined
    }
  }

  #opened(block: Members, number: number): OpenBlock {
    return { block, number, input: '', from: this.#length, pages: [] }
  }

  #cite({ pages }: OpenBlock, citations: readonly Members[]): void {
    this.#events.push({ kind: 'citations', choice, citations })
    pages.push(...citations.filter(({ url }) => typeof url === 'string'))
  }

  #end({ block, number, input, from, pages }: OpenBlock): void {
    const { type } = block
    if (pages.length > 0) {
      const annotations = pages.map((page) => annotationOf(page, from, this.#length))
      this.#events.push({ kind: 'annotations', choice, annotations })
    }
    if (type === 'text' || type === 'thinking') return
    if (type !== 'tool_use') {
      const parsed = input === '' ? undefined : parseObject(input)
      this.#events.push({
        kind: 'block',
        choice,
        block: isRecord(parsed) ? { ...block, input: parsed } : block,
      })
    } else if (input === '') {
      const text = JSON.stringify(block['input'] ?? {})
      this.#events.push({ kind: 'arguments', choice, call: number, text })
    }
  }

  #input(open: OpenBlock | undefined, json: string): void {
    if (json === '') return
    if (!open) {
      this.#events.push(invalidAnswer('The stream has the input of a call without its name.'))
      return
    }
    open.input += json
    if (open.block['type'] === 'tool_use') {
      this.#events.push({ kind: 'arguments', choice, call: open.number, text: json })
    }
  }

  #text(number: number, text: string): void {
    this.#length += text.length
    this.#events.push({ kind: 'text', choice, text, ...partOf(number) })
  }

  #thought(number: number, text: string, signature?: string): void {
    this.#events.push({
      kind: 'thought',
      choice,
      text,
      ...partOf(number),
      ...(signature !== undefined && { signature }),
    })
  }
}

/** The citation of a web page in the form of the Responses API. Anthropic Messages cite the text of a whole block. */
function annotationOf({ url, title }: Members, start: number, end: number): Members {
  const name = typeof title === 'string' ? title : ''
  return { type: 'url_citation', url, title: name, start_index: start, end_index: end }
}

function partOf(number: number): { part?: number } {
  return number > 0 ? { part: number } : {}
}

const finishReasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
  // The service interrupts a long turn with its own tools. A client continues it with the message as it is.
  pause_turn: 'stop',
}

/** Reasons that `FinishReason` expresses completely. */
const plainReasons = new Set(['end_turn', 'max_tokens', 'tool_use', 'refusal'])

/** @param message has `stop_reason` and the members beside it */
function finishOf(message: Members, hasCalls: boolean): FinishEvent {
  const { stop_reason: stopReason, stop_sequence: sequence, stop_details: details } = message
  const reason = (typeof stopReason === 'string' && ownValue(finishReasons, stopReason)) || 'stop'
  return {
    kind: 'finish',
    choice,
    // Clients of chat completions execute calls only with this reason.
    reason: hasCalls && reason === 'stop' ? 'tool_calls' : reason,
    ...(typeof stopReason === 'string' && !plainReasons.has(stopReason) && { stopReason }),
    ...(typeof sequence === 'string' && { stopSequence: sequence }),
    ...(isRecord(details) && { stopDetails: details }),
  }
}

const tiers: Readonly<Record<string, string>> = { standard: 'default' }

function startOf(message: Members): AnswerEvent {
  const { id, model, usage } = message
  const tier = isRecord(usage) ? usage['service_tier'] : undefined
  return {
    kind: 'start',
    ...(typeof id === 'string' && id !== '' && { id }),
    ...(typeof model === 'string' && { model }),
    ...(typeof tier === 'string' && { serviceTier: ownValue(tiers, tier) ?? tier }),
  }
}
