import type { AnswerEvent, TextEvent } from './answer-events.ts'

/** A part of the reasoning that clients send back unchanged with the next request. */
export type ThinkingBlock =
  /** `signature` proves that the text is that of the model. */
  | { readonly kind: 'signed'; readonly text: string; readonly signature: string }
  /** Only the service can read it. */
  | { readonly kind: 'redacted'; readonly data: string }

/** Returns the redacted thinking of Anthropic Messages in an event. The encrypted reasoning of the Responses API has an item. */
export function redactedThinking({ encrypted, item }: TextEvent): string | undefined {
  return item === undefined ? encrypted : undefined
}

/**
 * Collects the thinking before the first text or call of a choice. APIs without content blocks have no place for later thinking, and
 * Anthropic Messages require only the first one back.
 */
export class ThinkingBlocks {
  readonly #blocks: ThinkingBlock[] = []
  #text = ''
  #part = 0
  #ended = false

  /** Takes an event of the choice. Returns whether it is the first text or call, or the end. */
  take(event: AnswerEvent): boolean {
    if (this.#ended) return false
    if (event.kind === 'thought') {
      this.#think(event)
      return false
    }
    this.#ended =
      event.kind === 'call' ||
      event.kind === 'finish' ||
      ((event.kind === 'text' || event.kind === 'refusal') && event.text !== '')
    return this.#ended
  }

  /** The complete blocks in their order. */
  get blocks(): readonly ThinkingBlock[] {
    return this.#blocks
  }

  #think(event: TextEvent): void {
    const { text, part = 0, signature } = event
    if (part !== this.#part) this.#text = ''
    this.#part = part
    this.#text += text
    if (signature !== undefined) {
      this.#blocks.push({ kind: 'signed', text: this.#text, signature })
      this.#text = ''
    }
    const data = redactedThinking(event)
    if (data !== undefined) this.#blocks.push({ kind: 'redacted', data })
  }
}

/** The JSON of `thinking_blocks`, as gateways return the thinking of Claude models in chat completions. */
export function thinkingBlocksJson(blocks: readonly ThinkingBlock[]): string {
  return JSON.stringify(
    blocks.map((block) =>
      block.kind === 'signed'
        ? { type: 'thinking', thinking: block.text, signature: block.signature }
        : { type: 'redacted_thinking', data: block.data },
    ),
  )
}
