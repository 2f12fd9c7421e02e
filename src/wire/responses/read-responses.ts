import { isRecord } from '../../lib/record.ts'
import type { AnswerEvent, AnswerReader, AnswerStart } from '../../answer/answer-events.ts'
import type { FinishReason } from '../../answer/completion.ts'
import { readEvent } from '../../lib/server-sent-events.ts'
import { errorOf, invalidAnswer, listOf, parseIndex, parseObject, type Members } from '../read-json.ts'
import { readUsage } from '../read-usage.ts'

/** Reads a response that is not streamed. Returns an `error` event for an invalid one. */
export function readResponse(json: string): readonly AnswerEvent[] {
  const response = parseObject(json)
  if (typeof response === 'string') return [invalidAnswer(`The answer ${response}.`)]
  if (!Array.isArray(response['output'])) {
    return [errorOf(response['error']) ?? invalidAnswer('The answer has no output.')]
  }
  const calls = { count: 0 }
  return [
    { kind: 'start', ...startOf(response) },
    ...response['output'].filter(isRecord).flatMap((item) => itemAnswer(item, calls)),
    ...endOf(response, calls.count > 0),
  ]
}

/** The state of an item in a stream. */
interface ReadItem {
  readonly type: unknown
  readonly phase: unknown
  /** Whether an event with a part of its content has been emitted. */
  emitted: boolean
  /** Number of emitted annotations. */
  annotations: number
  /** Index of its call; undefined for another item, and for a call without the event that starts it. */
  readonly call: number | undefined
  /** Whether arguments arrived for a call without the event that starts it. */
  lost: boolean
  /** Whether the event that ends it has been read. */
  ended: boolean
}

/** Reads a stream of the Responses API. */
export class ResponsesReader implements AnswerReader {
  /** By id and by index. */
  readonly #items = new Map<string | number | undefined, ReadItem>()
  #last: ReadItem | undefined
  readonly #calls = { count: 0 }
  #started = false
  #ended = false
  /** A failed response without an error. Azure can send the error in the next event. */
  #failed: AnswerEvent | undefined

  get isDone(): boolean {
    return this.#ended
  }

  push(frame: string): readonly AnswerEvent[] {
    if (this.#ended) return []
    const { event: name, data } = readEvent(frame)
    if (data === undefined || data.trim() === '[DONE]') return []
    const event = parseObject(data)
    if (typeof event === 'string') return this.#fail(invalidAnswer(`An event of the stream ${event}.`))
    const { type = name, error } = event
    const reported = errorOf(error) ?? (type === 'error' ? errorOf(event) : undefined)
    if (reported) return this.#fail(reported)
    return this.#read(type, event)
  }

  end(): readonly AnswerEvent[] {
    return this.#ended
      ? []
      : this.#fail(this.#failed ?? invalidAnswer('The stream ended before the answer did.'))
  }

  #fail(event: AnswerEvent): readonly AnswerEvent[] {
    this.#ended = true
    return [event]
  }

  #read(type: unknown, event: Members): readonly AnswerEvent[] {
    const { response, delta, item_id: id, logprobs } = event
    const choice = 0
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#start(response)
      case 'response.output_item.added':
        return this.#added(event)
      case 'response.output_item.done':
        return this.#done(event)
      case 'response.output_text.delta':
        return this.#emit(event, (item) => ({
          kind: 'text',
          choice,
          text: textOrNothing(delta),
          ...itemId(id),
          ...phaseOf(item.phase),
          ...(listOf(logprobs).length > 0 && { logprobs: listOf(logprobs) }),
        }))
      case 'response.refusal.delta':
        return this.#emit(event, () => ({
          kind: 'refusal',
          choice,
          text: textOrNothing(delta),
          ...itemId(id),
        }))
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta': {
        const part = parseIndex(event['summary_index'])
        return this.#emit(event, () => thoughtEvent(delta, id, part))
      }
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#arguments(event)
      case 'response.output_text.annotation.added': {
        const item = this.#itemOf(event)
        item.annotations++
        return [{ kind: 'annotations', choice, annotations: [event['annotation']] }]
      }
      case 'response.failed':
        return this.#failedResponse(response)
      case 'response.completed':
      case 'response.incomplete':
      case 'response.cancelled':
        return this.#end(response)
      default:
        return []
    }
  }

  #failedResponse(response: unknown): readonly AnswerEvent[] {
    if (!isRecord(response) || errorOf(response['error'])) return this.#end(response)
    this.#failed = invalidAnswer('The response has failed.')
    return this.#start(response)
  }

  #start(response: unknown): readonly AnswerEvent[] {
    if (this.#started || !isRecord(response)) return []
    this.#started = true
    return [{ kind: 'start', ...startOf(response) }]
  }

  /** The item of an event. Some services send only the index or only the id with some events. */
  #itemOf(event: Members): ReadItem {
    return this.#known(event) ?? this.#add(event, {})
  }

  /** An event without both belongs to the last item. */
  #known(event: Members): ReadItem | undefined {
    const id = idOf(event)
    const index = parseIndex(event['output_index'])
    if (id === undefined && index === undefined) return this.#last
    return this.#items.get(id) ?? this.#items.get(index)
  }

  #add(event: Members, item: Members, call?: number): ReadItem {
    const { type, phase } = item
    const read: ReadItem = { type, phase, emitted: false, annotations: 0, call, lost: false, ended: false }
    for (const key of [idOf(event), parseIndex(event['output_index'])]) {
      if (key !== undefined) this.#items.set(key, read)
    }
    this.#last = read
    return read
  }

  /** Arguments of a call without a name are not emitted: the whole item can follow. */
  #arguments(event: Members): readonly AnswerEvent[] {
    const item = this.#itemOf(event)
    const { call } = item
    if (call === undefined) {
      item.lost = true
      return []
    }
    item.emitted = true
    return [{ kind: 'arguments', choice: 0, call, text: textOrNothing(event['delta']) }]
  }

  #emit(event: Members, make: (item: ReadItem) => AnswerEvent): readonly AnswerEvent[] {
    const item = this.#itemOf(event)
    item.emitted = true
    return [make(item)]
  }

  #added(event: Members): readonly AnswerEvent[] {
    const { item } = event
    if (!isRecord(item) || this.#known(event)) return []
    this.#add(event, item, isCall(item) ? this.#calls.count : undefined)
    return isCall(item) ? callStart(item, this.#calls) : []
  }

  /** Emits the content of an item that its earlier events did not contain. */
  #done(event: Members): readonly AnswerEvent[] {
    const { item } = event
    if (!isRecord(item)) return []
    const known = this.#known(event)
    if (known?.ended) return []
    const read = known ?? this.#add(event, item)
    read.ended = true
    if (isCall(item) && read.call !== undefined) return read.emitted ? [] : callInput(item, read.call)
    if (!read.emitted) return itemAnswer(item, this.#calls)
    const encrypted = item['encrypted_content']
    if (typeof encrypted === 'string') {
      return [{ kind: 'thought', choice: 0, text: '', encrypted, ...itemId(item['id']) }]
    }
    const annotations = annotationsOf(item).slice(read.annotations)
    return annotations.length > 0 ? [{ kind: 'annotations', choice: 0, annotations }] : []
  }

  #end(response: unknown): readonly AnswerEvent[] {
    this.#ended = true
    if (!isRecord(response)) return [invalidAnswer('The last event of the stream has no response.')]
    const { serviceTier } = startOf(response)
    // Before its end, a response contains only the requested tier.
    const tier = this.#started && serviceTier !== undefined ? ([{ kind: 'start', serviceTier }] as const) : []
    const start = [...this.#start(response), ...tier]
    const missing = listOf(response['output']).flatMap((item, index) =>
      this.#done({ item, output_index: index }),
    )
    const isIncomplete = [...this.#items.values()].some(({ lost, ended }) => lost && !ended)
    const end = isIncomplete
      ? [invalidAnswer('The stream has arguments of a call without its name.')]
      : endOf(response, this.#calls.count > 0)
    return [...start, ...missing, ...end]
  }
}

/** The id of the item of an event. */
function idOf({ item_id: id, item }: Members): string | undefined {
  const named = id ?? (isRecord(item) ? item['id'] : undefined)
  return typeof named === 'string' ? named : undefined
}

/** The events of a whole item. */
function itemAnswer(item: Members, calls: { count: number }): AnswerEvent[] {
  const { type, id, phase, encrypted_content: encrypted } = item
  const choice = 0
  if (type === 'message') {
    return listOf(item['content'])
      .filter(isRecord)
      .flatMap((part) => partAnswer(part, id, phase))
  }
  if (type === 'reasoning') {
    const texts = [...listOf(item['summary']), ...listOf(item['content'])].filter(isRecord)
    const parts = texts.map(({ text }, part) => thoughtEvent(text, id, part))
    if (parts.length > 0 && typeof encrypted !== 'string') return parts
    const seal = typeof encrypted === 'string' ? { encrypted } : {}
    return [...parts, { kind: 'thought', choice, text: '', ...itemId(id), ...seal }]
  }
  if (isCall(item)) {
    const call = calls.count
    return [...callStart(item, calls), ...callInput(item, call)]
  }
  return [{ kind: 'item', choice, item }]
}

function partAnswer(part: Members, id: unknown, phase: unknown): AnswerEvent[] {
  const choice = 0
  if (part['type'] === 'refusal') {
    return [{ kind: 'refusal', choice, text: textOrNothing(part['refusal']), ...itemId(id) }]
  }
  const logprobs = listOf(part['logprobs'])
  const annotations = listOf(part['annotations'])
  const text: AnswerEvent = {
    kind: 'text',
    choice,
    text: textOrNothing(part['text']),
    ...itemId(id),
    ...phaseOf(phase),
    ...(logprobs.length > 0 && { logprobs }),
  }
  return annotations.length > 0 ? [text, { kind: 'annotations', choice, annotations }] : [text]
}

function thoughtEvent(text: unknown, id: unknown, part: number | undefined): AnswerEvent {
  return {
    kind: 'thought',
    choice: 0,
    text: textOrNothing(text),
    ...itemId(id),
    ...(part !== undefined && part > 0 && { part }),
  }
}

function isCall({ type }: Members): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}

function callStart(item: Members, calls: { count: number }): AnswerEvent[] {
  return [
    {
      kind: 'call',
      choice: 0,
      call: calls.count++,
      tool: item['type'] === 'custom_tool_call' ? 'custom' : 'function',
      id: textOrNothing(item['call_id']),
      name: textOrNothing(item['name']),
      ...itemId(item['id']),
    },
  ]
}

function callInput(item: Members, call: number): AnswerEvent[] {
  const text = textOrNothing(item['arguments'] ?? item['input'])
  return text === '' ? [] : [{ kind: 'arguments', choice: 0, call, text }]
}

function annotationsOf(item: Members): readonly unknown[] {
  return listOf(item['content']).flatMap((part) => (isRecord(part) ? listOf(part['annotations']) : []))
}

function textOrNothing(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function itemId(id: unknown): { item?: string } {
  return typeof id === 'string' ? { item: id } : {}
}

function phaseOf(phase: unknown): { phase?: 'final_answer' | 'commentary' } {
  return phase === 'final_answer' || phase === 'commentary' ? { phase } : {}
}

/** The events at the end of a response: filter results, usage, and the finish reason or error. */
function endOf(response: Members, hasCalls: boolean): AnswerEvent[] {
  const { status, error, usage, incomplete_details: details } = response
  const events = filtersOf(response['content_filters'])
  const bill = readUsage(usage)
  if (bill) events.push({ kind: 'usage', usage: bill })
  const reported = errorOf(error)
  if (reported) return [...events, reported]
  if (status === 'failed' || status === 'cancelled') {
    return [
      ...events,
      invalidAnswer(`The response has ${status === 'failed' ? 'failed' : 'been cancelled'}.`),
    ]
  }
  const reason = finishReason(status, details, hasCalls)
  return [
    ...events,
    reason === undefined
      ? invalidAnswer('The response is not finished.')
      : { kind: 'finish', choice: 0, reason },
  ]
}

function finishReason(status: unknown, details: unknown, hasCalls: boolean): FinishReason | undefined {
  if (status === 'completed') return hasCalls ? 'tool_calls' : 'stop'
  if (status !== 'incomplete') return undefined
  return isRecord(details) && details['reason'] === 'content_filter' ? 'content_filter' : 'length'
}

function filtersOf(filters: unknown): AnswerEvent[] {
  return listOf(filters).filter(isRecord).map(filterEvent)
}

function filterEvent(filter: Members): AnswerEvent {
  const { source_type: source, content_filter_results: results, content_filter_offsets: offsets } = filter
  return {
    kind: 'filter',
    of: source === 'prompt' ? 'prompt' : 'choice',
    index: 0,
    results: results ?? {},
    ...(isRecord(offsets) && { offsets }),
  }
}

function startOf(response: Members): AnswerStart {
  const { id, created_at: created, model, service_tier: serviceTier } = response
  return {
    ...(typeof id === 'string' && { id }),
    ...(typeof created === 'number' && { createdSeconds: Math.floor(created) }),
    ...(typeof model === 'string' && { model }),
    ...(typeof serviceTier === 'string' && { serviceTier }),
  }
}
