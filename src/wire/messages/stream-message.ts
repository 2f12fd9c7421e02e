import type { EventsBody } from '../../answer/body.ts'
import type { Choice, Usage } from '../../answer/completion.ts'
import type { BlockStart, BlockStep } from './message-blocks.ts'
import {
  blockEvent,
  messageEndEvents,
  messageStartEvent,
  pingEvent,
  type MessageFacts,
  type MessageStop,
} from './message-events.ts'

/** A block of a stream: its start, its texts, the signature of a thought, and its end. */
interface StreamedBlock {
  readonly start: BlockStart
  readonly step: 'text' | 'thinking' | 'input'
  readonly pieces: readonly string[]
  readonly signature?: string | undefined
  /** Index of its first event. */
  readonly from: number
  /** Number of texts of the blocks before. */
  readonly before: number
}

/** What a stream consists of. */
export interface StreamedMessage {
  readonly choice: Choice
  readonly facts: MessageFacts
  readonly stop: MessageStop
  readonly usage: Usage
  /** The shown thinking in pieces. */
  readonly thought: readonly string[]
  /** The step of the schedule at which a piece is due, by the number of pieces before it. */
  readonly stepOfPiece: (pieces: number) => number
}

/**
 * Returns the events of a generated message. Each event is made from its index, so that open streams hold no list of events: the start,
 * for each block its start, one event per piece and its end, then the usage with the reason of the end, and the end.
 */
export function streamMessage(message: StreamedMessage): EventsBody {
  const { facts, stop, usage, stepOfPiece } = message
  const blocks = blocksOf(message)
  const last = blocks.at(-1)
  const end = last ? last.from + eventsOf(last) : 1
  const pieces = last ? last.before + last.pieces.length : 0
  const [delta = '', stopped = ''] = splitEnd(messageEndEvents(stop, usage))
  const blockAt = (index: number): StreamedBlock | undefined => blocks.findLast(({ from }) => from <= index)
  return {
    kind: 'events',
    count: end + 2,
    stepOf(index) {
      if (index >= end) return stepOfPiece(Math.max(0, pieces - 1))
      const block = blockAt(index)
      if (!block) return 0
      const piece = Math.min(Math.max(0, index - block.from - 1), Math.max(0, block.pieces.length - 1))
      return stepOfPiece(Math.min(block.before + piece, Math.max(0, pieces - 1)))
    },
    render(index) {
      if (index === 0) return messageStartEvent(facts, usage)
      if (index >= end) return index === end ? delta : stopped
      const block = blockAt(index)
      return block ? eventOf(block, blocks.indexOf(block), index - block.from) : ''
    },
  }
}

function blocksOf({ choice, thought }: StreamedMessage): readonly StreamedBlock[] {
  const { pieces, toolCalls, thoughtSignature } = choice
  const blocks: StreamedBlock[] = []
  const add = (block: Omit<StreamedBlock, 'from' | 'before'>): void => {
    const last = blocks.at(-1)
    const from = last ? last.from + eventsOf(last) : 1
    blocks.push({ ...block, from, before: last ? last.before + last.pieces.length : 0 })
  }
  if (thoughtSignature !== undefined) {
    add({ start: { type: 'thinking' }, step: 'thinking', pieces: thought, signature: thoughtSignature })
  }
  if (pieces.length > 0) add({ start: { type: 'text' }, step: 'text', pieces })
  for (const { id, name, pieces: input } of toolCalls) {
    // Without parameters, the service sends no part of the input.
    const parts = input.join('') === '{}' ? [] : input
    add({ start: { type: 'tool_use', id, name }, step: 'input', pieces: parts })
  }
  return blocks
}

/** The start, the pieces, the signature and the end. */
function eventsOf({ pieces, signature }: StreamedBlock): number {
  return pieces.length + (signature === undefined ? 2 : 3)
}

/** The ping follows the start of the first block. */
function eventOf(block: StreamedBlock, index: number, offset: number): string {
  const { start, step, pieces, signature } = block
  if (offset === 0) {
    const event = blockEvent({ step: 'start', index, start })
    return index === 0 ? event + pingEvent : event
  }
  const text = pieces[offset - 1]
  if (text !== undefined) return blockEvent({ step, index, text })
  const isSignature = signature !== undefined && offset === pieces.length + 1
  const next: BlockStep = isSignature
    ? { step: 'signature', index, text: signature }
    : { step: 'stop', index }
  return blockEvent(next)
}

function splitEnd(events: string): readonly string[] {
  const at = events.lastIndexOf('event: ')
  return [events.slice(0, at), events.slice(at)]
}
