import { codePointLength, obfuscation } from '../sse.ts'
import type { Random } from '../../lib/random.ts'
import { isRecord } from '../../lib/record.ts'
import { escapeNonAscii, writeJson } from './write-json.ts'
import {
  outputRefusal,
  outputText,
  type CallOutput,
  type MessageOutput,
  type OutputItem,
  type ReasoningOutput,
} from './response-object.ts'

/** One event, or the successive events of the tokens of an item. `sequence` is the index of the event in its stream. */
export interface EventRun {
  readonly count: number
  /** Whether each event is a token with a separate due time. Otherwise all are sent with the token before. */
  readonly paced: boolean
  render(index: number, sequence: number): string
}

/** Formats an event. The type is both in `event` and in the data. Other operations do not have `event`. */
function namedEvent(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`
}

/** A single event. `type` is the first field, the others are in alphabetical order. */
export function singleEvent(type: string, members: () => Readonly<Record<string, unknown>>): EventRun {
  return {
    count: 1,
    paced: false,
    render: (_, sequence) => {
      const sorted = Object.entries({ ...members(), sequence_number: sequence }).sort(([a], [b]) =>
        a < b ? -1 : 1,
      )
      return namedEvent(type, writeJson({ type, ...Object.fromEntries(sorted) }, 'compact'))
    },
  }
}

/** All events of one item that the model writes. */
export function itemEvents(
  { item, pieces }: { readonly item: OutputItem; readonly pieces: readonly string[] },
  index: number,
  noise: Random | undefined,
): EventRun[] {
  return [
    addedEvent(addedItem(item), index),
    ...contentEvents(item, pieces, index, noise),
    doneItemEvent(item, index),
  ]
}

/** The first event of an item, in progress and empty. */
export function addedItemEvent(item: OutputItem, index: number): EventRun {
  return addedEvent(addedItem(item), index)
}

/** The first event of an item that is already in the form of this event. */
export function addedEvent(item: object, index: number): EventRun {
  return singleEvent('response.output_item.added', () => ({ item, output_index: index }))
}

/** The last event of an item. */
export function doneItemEvent(item: object, index: number): EventRun {
  return singleEvent('response.output_item.done', () => ({ item, output_index: index }))
}

function contentEvents(
  item: OutputItem,
  pieces: readonly string[],
  index: number,
  noise: Random | undefined,
): EventRun[] {
  if (item.type === 'reasoning') {
    return item.summary.flatMap(({ text }, number) => {
      const section = summarySection(item, index, number, noise)
      // One piece per word, since the summary is not counted in tokens. All are sent at the same time, before the answer.
      const words = text.match(/\s*\S+/g) ?? []
      return [...section.opening, { ...deltas(section, words), paced: false }, ...section.closing(text)]
    })
  }
  if (item.type === 'message') {
    const part = item.content[0] ?? outputText('')
    const section = messageSection(item, index, part.type === 'refusal', noise, logprobsOf(part))
    const annotations = part.type === 'refusal' ? [] : part.annotations
    return [
      ...section.opening,
      deltas(section, pieces),
      ...annotations.map((annotation, number) => annotationEvent(item.id, index, annotation, number)),
      ...section.closing(part),
    ]
  }
  const section = callSection(item, index, noise)
  const text = item.type === 'function_call' ? item.arguments : item.input
  return [...section.opening, deltas(section, pieces), ...section.closing(text)]
}

function logprobsOf(part: MessageOutput['content'][number]): readonly unknown[] {
  return part.type === 'refusal' ? [] : part.logprobs
}

/**
 * The log probability of a token in an event, which has no bytes (OpenAI's reference, 2026). A recorded or forwarded answer can have an
 * entry of another form: members that are not there are left out.
 */
function eventLogprob(entry: unknown): unknown {
  if (!isRecord(entry)) return entry
  const { logprob, token, top_logprobs: top } = entry
  return { logprob, token, top_logprobs: Array.isArray(top) ? top.map(withoutBytes) : top }
}

function withoutBytes(entry: unknown): unknown {
  return isRecord(entry) ? { logprob: entry['logprob'], token: entry['token'] } : entry
}

/** The events of a part of an item: before its deltas, the deltas, and after its deltas. */
export interface Section<T> {
  readonly opening: readonly EventRun[]
  /** Writes the event of one piece. `sequence` is its index in the stream, `at` that in the pieces. */
  readonly delta: (piece: string, sequence: number, at?: number) => string
  /** @param whole the concatenated deltas */
  closing(whole: T): readonly EventRun[]
}

/** A paragraph of a reasoning summary. */
export function summarySection(
  { id }: Pick<ReasoningOutput, 'id'>,
  index: number,
  number: number,
  noise: Random | undefined,
): Section<string> {
  const at = { item_id: id, output_index: index, summary_index: number }
  const name = 'response.reasoning_summary'
  const type = 'summary_text'
  return {
    opening: [singleEvent(`${name}_part.added`, () => ({ ...at, part: { type, text: '' } }))],
    delta: deltaWriter(`${name}_text.delta`, at, '', noise),
    closing: (text) => [
      singleEvent(`${name}_text.done`, () => ({ ...at, text })),
      singleEvent(`${name}_part.done`, () => ({ ...at, part: { type, text } })),
    ],
  }
}

/** The text of a message or its refusal. No refusal is captured. Its event names are from OpenAI's specification. */
export function messageSection(
  { id }: Pick<MessageOutput, 'id'>,
  index: number,
  refuses: boolean,
  noise: Random | undefined,
  logprobs: readonly unknown[] = [],
): Section<MessageOutput['content'][number]> {
  const at = { item_id: id, output_index: index, content_index: 0 }
  const empty = refuses ? outputRefusal('') : outputText('')
  return {
    opening: [singleEvent('response.content_part.added', () => ({ ...at, part: empty }))],
    delta: refuses
      ? deltaWriter('response.refusal.delta', at, '', noise)
      : deltaWriter('response.output_text.delta', at, logprobsWriter(logprobs), noise),
    closing: (part) => [
      part.type === 'refusal'
        ? singleEvent('response.refusal.done', () => ({ ...at, refusal: part.refusal }))
        : singleEvent('response.output_text.done', () => ({
            ...at,
            logprobs: part.logprobs.map(eventLogprob),
            text: part.text,
          })),
      singleEvent('response.content_part.done', () => ({ ...at, part })),
    ],
  }
}

function logprobsWriter(logprobs: readonly unknown[]): AfterItem {
  if (logprobs.length === 0) return ',"logprobs":[]'
  return (at) => {
    const entry = logprobs[at]
    return `,"logprobs":${escapeNonAscii(JSON.stringify(entry ? [eventLogprob(entry)] : []))}`
  }
}

/** An annotation of the text of a message. */
export function annotationEvent(
  itemId: string,
  index: number,
  annotation: unknown,
  annotationIndex: number,
): EventRun {
  return singleEvent('response.output_text.annotation.added', () => ({
    item_id: itemId,
    output_index: index,
    content_index: 0,
    annotation,
    annotation_index: annotationIndex,
  }))
}

/** The arguments of a function call or the input of a custom tool. */
export function callSection(
  { id, type }: Pick<CallOutput, 'id' | 'type'>,
  index: number,
  noise: Random | undefined,
): Section<string> {
  const at = { item_id: id, output_index: index }
  const isFunction = type === 'function_call'
  const name = isFunction ? 'response.function_call_arguments' : 'response.custom_tool_call_input'
  return {
    opening: [],
    delta: deltaWriter(`${name}.delta`, at, '', noise),
    closing: (text) => [
      singleEvent(`${name}.done`, () => (isFunction ? { ...at, arguments: text } : { ...at, input: text })),
    ],
  }
}

/** The position of an event in the answer. */
interface EventAddress {
  readonly item_id: string
  readonly output_index: number
  readonly content_index?: number
  readonly summary_index?: number
}

function deltas({ delta }: Section<never>, pieces: readonly string[]): EventRun {
  return deltaRun(delta, pieces)
}

/** One event per piece. */
export function deltaRun(delta: Section<never>['delta'], pieces: readonly string[]): EventRun {
  return {
    count: pieces.length,
    paced: true,
    render: (index, sequence) => delta(pieces[index] ?? '', sequence, index),
  }
}

/** JSON fields of a delta between `item_id` and `obfuscation`: constant, or by the index of the piece. */
type AfterItem = string | ((at: number) => string)

/**
 * Returns a function that writes the event of one piece. Constant parts are rendered once. The total length of piece and padding is
 * a multiple of 16 code points (two captures of 2025 and 2026, for text and arguments).
 */
export function deltaWriter(
  type: string,
  at: EventAddress,
  afterItem: AfterItem,
  noise: Random | undefined,
): Section<never>['delta'] {
  const { item_id: itemId, output_index: outputIndex, content_index: content, summary_index: summary } = at
  const start = `{"type":"${type}",${content === undefined ? '' : `"content_index":${content},`}"delta":`
  const id = `,"item_id":${escapeNonAscii(JSON.stringify(itemId))}`
  const constant = typeof afterItem === 'string' ? id + afterItem : undefined
  const end = `,"output_index":${outputIndex},"sequence_number":`
  const last = summary === undefined ? '}' : `,"summary_index":${summary}}`
  return (piece, sequence, position = 0) => {
    const middle = constant ?? id + (afterItem as (at: number) => string)(position)
    const padding = noise ? `,"obfuscation":"${obfuscation(noise, codePointLength(piece) + 1)}"` : ''
    const delta = escapeNonAscii(JSON.stringify(piece))
    return namedEvent(type, `${start}${delta}${middle}${padding}${end}${sequence}${last}`)
  }
}

/** An item in its first event: in progress and empty. */
function addedItem(item: OutputItem): object {
  switch (item.type) {
    case 'reasoning':
      return { ...item, summary: [] }
    case 'message':
      return { ...item, status: 'in_progress', content: [] }
    case 'function_call':
      return { ...item, status: 'in_progress', arguments: '' }
    default:
      return { ...item, status: 'in_progress', input: '' }
  }
}
