import { codePointLength, obfuscation } from '../chat/obfuscation.ts'
import type { Random } from '../../lib/random.ts'
import { escapeNonAscii, writeJson } from './write-json.ts'
import {
  outputRefusal,
  outputText,
  type CallOutput,
  type MessageOutput,
  type OutputItem,
  type ReasoningOutput,
  type WrittenItem,
} from './output-items.ts'

/** One event or, for the tokens of an item, one after the other. `sequence` is the event's number in its stream. */
export interface EventRun {
  readonly count: number
  /** Whether each event is a token that takes its own time; else all come with the token before. */
  readonly paced: boolean
  render(index: number, sequence: number): string
}

/** Frames an event: its type twice, and a line feed between; no other operation names its events. */
function namedEvent(type: string, json: string): string {
  return `event: ${type}\ndata: ${json}\n\n`
}

/** An event of which only the number is not known before it is sent. Members other than the type are alphabetical. */
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

/** The events of one item, from its appearance to its end. */
export function itemEvents(written: WrittenItem, index: number, noise: Random | undefined): EventRun[] {
  const { item, pieces } = written
  const added = singleEvent('response.output_item.added', () => ({
    item: started(item),
    output_index: index,
  }))
  const done = singleEvent('response.output_item.done', () => ({ item, output_index: index }))
  const at = { item_id: item.id, output_index: index }
  return [added, ...innerEvents(item, pieces, at, noise), done]
}

/** Where in the answer an event belongs. */
interface Place {
  readonly item_id: string
  readonly output_index: number
  readonly content_index?: number
  readonly summary_index?: number
}

function innerEvents(
  item: OutputItem,
  pieces: readonly string[],
  at: Place,
  noise: Random | undefined,
): EventRun[] {
  switch (item.type) {
    case 'reasoning':
      return summaryEvents(item, at, noise)
    case 'message':
      return textEvents(item, pieces, at, noise)
    default:
      return callEvents(item, pieces, at, noise)
  }
}

function summaryEvents({ summary }: ReasoningOutput, place: Place, noise: Random | undefined): EventRun[] {
  return summary.flatMap(({ type, text }, summaryIndex) => {
    const at = { ...place, summary_index: summaryIndex }
    const name = 'response.reasoning_summary'
    // A piece a word, since the summary is not counted in tokens; all come at once, before the answer.
    const words = text.match(/\s*\S+/g) ?? []
    return [
      singleEvent(`${name}_part.added`, () => ({ ...at, part: { type, text: '' } })),
      { ...deltas(`${name}_text.delta`, words, at, '', noise), paced: false },
      singleEvent(`${name}_text.done`, () => ({ ...at, text })),
      singleEvent(`${name}_part.done`, () => ({ ...at, part: { type, text } })),
    ]
  })
}

function textEvents(
  { content }: MessageOutput,
  pieces: readonly string[],
  place: Place,
  noise: Random | undefined,
): EventRun[] {
  const at = { ...place, content_index: 0 }
  const part = content[0] ?? outputText('')
  if (part.type === 'refusal') {
    // As OpenAI's specification names them; none is captured.
    return [
      singleEvent('response.content_part.added', () => ({ ...at, part: outputRefusal('') })),
      deltas('response.refusal.delta', pieces, at, '', noise),
      singleEvent('response.refusal.done', () => ({ ...at, refusal: part.refusal })),
      singleEvent('response.content_part.done', () => ({ ...at, part })),
    ]
  }
  return [
    singleEvent('response.content_part.added', () => ({ ...at, part: outputText('') })),
    deltas('response.output_text.delta', pieces, at, ',"logprobs":[]', noise),
    singleEvent('response.output_text.done', () => ({ ...at, logprobs: [], text: part.text })),
    singleEvent('response.content_part.done', () => ({ ...at, part })),
  ]
}

function callEvents(
  item: CallOutput,
  pieces: readonly string[],
  at: Place,
  noise: Random | undefined,
): EventRun[] {
  const isFunction = item.type === 'function_call'
  const name = isFunction ? 'response.function_call_arguments' : 'response.custom_tool_call_input'
  return [
    deltas(`${name}.delta`, pieces, at, '', noise),
    singleEvent(`${name}.done`, () =>
      isFunction ? { ...at, arguments: item.arguments } : { ...at, input: item.input },
    ),
  ]
}

/** One event a piece. */
function deltas(
  type: string,
  pieces: readonly string[],
  at: Place,
  afterItem: string,
  noise: Random | undefined,
): EventRun {
  const write = deltaWriter(type, at, afterItem, noise)
  return {
    count: pieces.length,
    paced: true,
    render: (index, sequence) => write(pieces[index] ?? '', sequence),
  }
}

/**
 * Writes events with one piece each. What stays the same is written once; the obfuscation makes piece and padding together a multiple
 * of 16 code points (two captures of 2025 and 2026, text and arguments alike).
 *
 * @param afterItem JSON members between `item_id` and `obfuscation`
 */
function deltaWriter(
  type: string,
  at: Place,
  afterItem: string,
  noise: Random | undefined,
): (piece: string, sequence: number) => string {
  const { item_id: itemId, output_index: outputIndex, content_index: content, summary_index: summary } = at
  const start = `{"type":"${type}",${content === undefined ? '' : `"content_index":${content},`}"delta":`
  const middle = `,"item_id":"${itemId}"${afterItem}`
  const end = `,"output_index":${outputIndex},"sequence_number":`
  const last = summary === undefined ? '}' : `,"summary_index":${summary}}`
  return (piece, sequence) => {
    const padding = noise ? `,"obfuscation":"${obfuscation(noise, codePointLength(piece) + 1)}"` : ''
    const delta = escapeNonAscii(JSON.stringify(piece))
    return namedEvent(type, `${start}${delta}${middle}${padding}${end}${sequence}${last}`)
  }
}

/** An item as it first appears: in progress, and empty. */
function started(item: OutputItem): object {
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
