import { redactedThinking } from '../../answer/thinking-blocks.ts'
import { isRecord } from '../../lib/record.ts'
import type {
  AnswerError,
  AnswerEvent,
  AnswerStart,
  AnswerWriter,
  FilterEvent,
  TextEvent,
} from '../../answer/answer-events.ts'
import type { FinishReason, Usage } from '../../answer/completion.ts'
import type { Random } from '../../lib/random.ts'
import type { Model } from '../models/models.ts'
import {
  addedItemEvent,
  annotationEvent,
  callSection,
  doneItemEvent,
  messageSection,
  singleEvent,
  summarySection,
  type EventRun,
  type Section,
} from './item-events.ts'
import { hostedItemEvents } from './hosted-events.ts'
import type { ResponseIds } from './response-ids.ts'
import type { HostedOutput } from './hosted-output.ts'
import {
  outputRefusal,
  outputText,
  type CallOutput,
  type ItemStatus,
  type MessageOutput,
  type OutputItem,
  type ReasoningOutput,
  responseObject,
  type AnsweredResponse,
} from './response-object.ts'
import type { ResponsesRequest } from './responses-request.ts'
import { dataEvent } from '../sse.ts'
import { errorEventJson, streamFailureOf } from '../stream-failures.ts'
import { contentOfThinking } from './encrypted-content.ts'
import { addFilter, filterOf } from './response-filters.ts'
import { escapeNonAscii, writeJson } from './write-json.ts'

/** The fields of a response in addition to the answer, and sources of values that the events do not contain. */
export interface ResponsesWriterOptions {
  /** The response repeats it. */
  readonly request: ResponsesRequest
  /** Model name in the request. Used if the events do not contain one. */
  readonly deployment: string
  readonly model: Pick<Model, 'capabilities'>
  readonly ids: Pick<ResponseIds, 'next'>
  /** Milliseconds since 1970. */
  readonly createdMs: number
  readonly nowMs: () => number
  /** Source of the padding of deltas. Undefined: no padding. */
  readonly noise: Random | undefined
  /** Whether reasoning items of Claude models have what clients send back with the next request; default: false. */
  readonly includesThinking?: boolean
}

/** Returns the body of a response that is not streamed, with an indentation of two spaces like on the service. */
export function writeResponse(events: Iterable<AnswerEvent>, options: ResponsesWriterOptions): string {
  const writer = new ResponsesStreamWriter(options)
  for (const event of events) writer.write(event)
  writer.end()
  return writeJson(responseObject(writer.answered, 'ended'), 'pretty')
}

/** A message or reasoning item that is not complete. */
interface OpenText {
  readonly kind: TextEvent['kind']
  readonly id: string
  /** The id of the item from the service. A different one starts a new item. */
  readonly serviceId: string | undefined
  readonly index: number
  readonly phase: TextEvent['phase']
  readonly logprobs: unknown[]
  readonly annotations: unknown[]
  /** The text of a message, or the paragraphs of reasoning. */
  readonly parts: string[]
  encrypted: string | undefined
  /** Whether it is a thinking block that is complete. */
  sealed: boolean
  message?: Section<MessageOutput['content'][number]>
  paragraph?: Section<string>
}

/** A call with incomplete arguments. */
interface OpenCall {
  readonly index: number
  readonly item: CallOutput
  readonly section: Section<string>
  text: string
}

/** Writes a stream of the Responses API. It has one choice: events of other choices are ignored. */
export class ResponsesStreamWriter implements AnswerWriter {
  readonly #options: ResponsesWriterOptions
  readonly #start: AnswerStart = {}
  readonly #output: (OutputItem | HostedOutput | undefined)[] = []
  readonly #filters: FilterEvent[] = []
  readonly #calls = new Map<number, OpenCall>()
  #id: string | undefined
  #text: OpenText | undefined
  #sequence = 0
  #reason: FinishReason = 'stop'
  #usage: Usage | undefined
  #error: AnswerError | undefined
  #endMs = 0

  constructor(options: ResponsesWriterOptions) {
    this.#options = options
  }

  write(event: AnswerEvent): string {
    if ('choice' in event && event.choice !== 0) return ''
    switch (event.kind) {
      case 'start': {
        const { kind: _, ...start } = event
        Object.assign(this.#start, start)
        return this.#begin()
      }
      case 'text':
      case 'refusal':
      case 'thought':
        return this.#begin() + this.#writeText(event)
      case 'call':
        return this.#begin() + this.#writeCall(event)
      case 'arguments': {
        const call = this.#calls.get(event.call)
        if (!call) return ''
        call.text += event.text
        return call.section.delta(event.text, this.#sequence++)
      }
      case 'annotations':
        return this.#annotate(event.annotations)
      case 'item':
        return this.#begin() + this.#writeItem(event.item as unknown as HostedOutput)
      case 'filter':
        addFilter(this.#filters, event)
        return ''
      case 'finish':
        this.#reason = event.reason
        return this.#begin() + this.#closeAll(isCut(event.reason) ? 'incomplete' : 'completed')
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'audio':
      case 'context':
      case 'citations':
      case 'block':
        // The API has none of them. The transcript of audio is a text.
        return ''
      default:
        this.#error = event.error
        return this.#begin() + this.#closeAll('incomplete') + this.#writeError(event.error)
    }
  }

  /** The event before `response.failed`. Clients throw on it. */
  #writeError({ type = null, param = null, ...error }: AnswerError): string {
    const failure = streamFailureOf({ ...error, type, param })
    return `event: error\n${dataEvent(escapeNonAscii(errorEventJson(failure, this.#sequence++)))}`
  }

  end(): string {
    const failed = this.#error !== undefined
    const rest = this.#begin() + this.#closeAll(failed ? 'incomplete' : 'completed')
    this.#endMs = this.#options.nowMs()
    const type = failed ? 'failed' : isCut(this.#reason) ? 'incomplete' : 'completed'
    const response = responseObject(this.answered, 'ended')
    return rest + this.#run(singleEvent(`response.${type}`, () => ({ response })))
  }

  /** The response so far. */
  get answered(): AnsweredResponse {
    const { request, deployment, model, createdMs } = this.#options
    const { model: named, createdSeconds, serviceTier } = this.#start
    return {
      id: this.#id ?? '',
      createdMs: createdSeconds === undefined ? createdMs : createdSeconds * 1_000,
      deployment: named ?? deployment,
      model,
      request,
      items: [],
      output: this.#output.filter((item) => item !== undefined),
      finishReason: this.#reason,
      usage: this.#usage,
      progress: { endMs: this.#endMs },
      filters: this.#filters.length > 0 ? this.#filters.map(filterOf) : null,
      ...(serviceTier !== undefined && { serviceTier }),
      ...(this.#error && { error: this.#error }),
    }
  }

  #run(run: EventRun): string {
    return run.render(0, this.#sequence++)
  }

  #runAll(runs: readonly EventRun[]): string {
    return runs.map((run) => this.#run(run)).join('')
  }

  #begin(): string {
    if (this.#id !== undefined) return ''
    const { ids } = this.#options
    const { id } = this.#start
    this.#id = id?.startsWith('resp_') ? id : ids.next('resp', this.#seconds)
    // Both events have the same response, which takes long to write.
    const response = writeJson(responseObject(this.answered, 'in_progress'), 'compact')
    const event = (type: string): string =>
      `event: ${type}\n${dataEvent(`{"type":"${type}","response":${response},"sequence_number":${this.#sequence++}}`)}`
    return event('response.created') + event('response.in_progress')
  }

  get #seconds(): number {
    return this.#start.createdSeconds ?? Math.floor(this.#options.createdMs / 1_000)
  }

  #writeText(event: TextEvent): string {
    const open = this.#text
    const isRedacted = redactedThinking(event) !== undefined
    if (isRedacted && this.#options.includesThinking !== true) return ''
    const isSame =
      open !== undefined &&
      open.kind === event.kind &&
      !open.sealed &&
      !isRedacted &&
      (event.item === undefined || open.serviceId === undefined || event.item === open.serviceId)
    const opening = isSame ? '' : this.#closeText('completed') + this.#openText(event)
    const text = this.#text as OpenText
    if (event.encrypted !== undefined && event.item !== undefined) text.encrypted = event.encrypted
    const sealed = contentOfThinking(event)
    if (sealed !== undefined) {
      text.sealed = true
      if (this.#options.includesThinking === true) text.encrypted = sealed
    }
    if (event.logprobs) text.logprobs.push(...event.logprobs)
    if (event.kind === 'thought') return opening + this.#think(text, event)
    text.parts[0] = (text.parts[0] ?? '') + event.text
    return event.text === '' ? opening : opening + (text.message?.delta(event.text, this.#sequence++) ?? '')
  }

  /** A new part number starts a paragraph and ends the previous one. */
  #think(open: OpenText, { text, part = 0 }: TextEvent): string {
    if (text === '') return ''
    const isNew = open.paragraph === undefined || part >= open.parts.length
    const closing = isNew ? this.#closeParagraph(open) : ''
    if (isNew) {
      open.parts.push('')
      open.paragraph = summarySection(open, open.index, open.parts.length - 1, this.#options.noise)
    }
    const opening = isNew ? this.#runAll(open.paragraph?.opening ?? []) : ''
    open.parts[open.parts.length - 1] += text
    return closing + opening + (open.paragraph?.delta(text, this.#sequence++) ?? '')
  }

  #closeParagraph(open: OpenText): string {
    return open.paragraph ? this.#runAll(open.paragraph.closing(open.parts.at(-1) ?? '')) : ''
  }

  #openText({ kind, item, phase }: TextEvent): string {
    const { ids, noise } = this.#options
    const isThought = kind === 'thought'
    const id = item ?? ids.next(isThought ? 'rs' : 'msg', this.#seconds)
    const index = this.#output.push(undefined) - 1
    const open: OpenText = {
      kind,
      id,
      serviceId: item,
      index,
      phase,
      logprobs: [],
      annotations: [],
      parts: [],
      encrypted: undefined,
      sealed: false,
    }
    this.#text = open
    if (isThought) return this.#run(addedItemEvent(reasoningOf(open), index))
    open.message = messageSection(open, index, kind === 'refusal', noise)
    return (
      this.#run(addedItemEvent(messageOf(open, 'in_progress'), index)) + this.#runAll(open.message.opening)
    )
  }

  #closeText(status: ItemStatus): string {
    const open = this.#text
    if (!open) return ''
    this.#text = undefined
    if (open.kind === 'thought') {
      const item = reasoningOf(open)
      this.#output[open.index] = item
      return this.#closeParagraph(open) + this.#run(doneItemEvent(item, open.index))
    }
    const item = messageOf(open, status)
    this.#output[open.index] = item
    const closing = open.message?.closing(item.content[0] ?? outputText('')) ?? []
    return this.#runAll(closing) + this.#run(doneItemEvent(item, open.index))
  }

  #writeCall({ call, tool, id, name, item: serviceId }: Extract<AnswerEvent, { kind: 'call' }>): string {
    const { ids, noise } = this.#options
    const closing = this.#closeText('completed')
    const index = this.#output.push(undefined) - 1
    const at = { status: 'in_progress', call_id: id, name } as const
    const item: CallOutput =
      tool === 'custom'
        ? { id: serviceId ?? ids.next('ctc', this.#seconds), type: 'custom_tool_call', ...at, input: '' }
        : { id: serviceId ?? ids.next('fc', this.#seconds), type: 'function_call', ...at, arguments: '' }
    this.#calls.set(call, { index, item, section: callSection(item, index, noise), text: '' })
    return closing + this.#run(addedItemEvent(item, index))
  }

  /** Calls can alternate, so they are closed only at the end. */
  #closeAll(status: ItemStatus): string {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    const texts = this.#closeText(calls.length > 0 ? 'completed' : status)
    return (
      texts +
      calls.map((call) => this.#closeCall(call, call === calls.at(-1) ? status : 'completed')).join('')
    )
  }

  #closeCall({ index, item, section, text }: OpenCall, status: ItemStatus): string {
    const done = callOf(item, text, status)
    this.#output[index] = done
    return this.#runAll(section.closing(text)) + this.#run(doneItemEvent(done, index))
  }

  #writeItem(item: HostedOutput): string {
    const closing = this.#closeText('completed')
    const index = this.#output.push(item) - 1
    return closing + this.#runAll(hostedItemEvents(item, index, { noise: this.#options.noise }))
  }

  #annotate(annotations: readonly unknown[]): string {
    const open = this.#text
    if (open?.kind !== 'text') return ''
    return annotations
      .map((annotation) => {
        const flat = flatCitation(annotation)
        const annotationIndex = open.annotations.push(flat) - 1
        return this.#run(annotationEvent(open.id, open.index, flat, annotationIndex))
      })
      .join('')
  }
}

/** Chat completions have the members of a citation of a web page in a member with the name of its type. */
function flatCitation(annotation: unknown): unknown {
  if (!isRecord(annotation)) return annotation
  const { url_citation: citation } = annotation
  return isRecord(citation) ? { type: 'url_citation', ...citation } : annotation
}

function isCut(reason: FinishReason): boolean {
  return reason === 'length' || reason === 'content_filter'
}

function reasoningOf({ id, parts, encrypted }: OpenText): ReasoningOutput {
  return {
    id,
    type: 'reasoning',
    ...(encrypted !== undefined && { encrypted_content: encrypted }),
    summary: parts.map((text) => ({ type: 'summary_text', text })),
  }
}

function messageOf(
  { id, kind, parts, phase, annotations, logprobs }: OpenText,
  status: ItemStatus,
): MessageOutput {
  const text = parts[0] ?? ''
  return {
    id,
    type: 'message',
    status,
    content: [kind === 'refusal' ? outputRefusal(text) : outputText(text, annotations, logprobs)],
    ...(phase && { phase }),
    role: 'assistant',
  }
}

function callOf(item: CallOutput, text: string, status: ItemStatus): CallOutput {
  return item.type === 'function_call'
    ? { ...item, status, arguments: text }
    : { ...item, status, input: text }
}
