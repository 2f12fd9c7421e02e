import type { Completion, FinishReason, Usage } from './completion.ts'

/** What names an answer as a whole. */
export interface AnswerStart {
  readonly id?: string
  readonly createdSeconds?: number
  readonly model?: string
  /** Of the backend's configuration; null where the service says that there is none. */
  readonly fingerprint?: string | null
  readonly serviceTier?: string
}

/** A failure that a service reports in the place of an answer or in the midst of one. */
export interface AnswerError {
  readonly code: string | null
  readonly message: string
  readonly type?: string | null
  readonly param?: string | null
}

/** A part of the text of a choice. */
export interface TextEvent {
  /** `thought` is what a client sees of the model's reasoning, whole or as a summary. */
  readonly kind: 'text' | 'refusal' | 'thought'
  readonly choice: number
  /** May be empty, where something else of the event matters. */
  readonly text: string
  /** Log probabilities of its tokens, entries as both APIs have them: `token`, `logprob`, `bytes`, `top_logprobs`. */
  readonly logprobs?: readonly unknown[]
  /** Id of the output item that it is part of. Another id is another item. Only the Responses API has items. */
  readonly item?: string
  /** Which paragraph of a summary of thought it is part of; default 0. */
  readonly part?: number
  /** Whether a message is the answer or comes on the way to it. */
  readonly phase?: 'final_answer' | 'commentary'
  /** The item's thought, which only its service can read; clients send it back with the next turn. */
  readonly encrypted?: string
}

/** What the content filter says of a prompt, or of what a choice has said so far. */
export interface FilterEvent {
  readonly kind: 'filter'
  readonly of: 'prompt' | 'choice'
  /** The number of the prompt or of the choice. */
  readonly index: number
  /** `content_filter_results`, as it came. */
  readonly results: unknown
  /** `content_filter_offsets`, as it came, where the results are of a stretch of text. */
  readonly offsets?: unknown
}

/**
 * One step of an answer, whatever its wire format. Choices and the calls of a choice are numbered from 0. The events of a call are
 * one `call`, then its `arguments`; those of several calls may alternate. `start` and `usage` may come several times: what comes last counts.
 */
export type AnswerEvent =
  | ({ readonly kind: 'start' } & AnswerStart)
  | TextEvent
  | {
      readonly kind: 'call'
      readonly choice: number
      readonly call: number
      readonly tool: 'function' | 'custom'
      /** Empty for a `function_call`, the older form. */
      readonly id: string
      readonly name: string
      readonly item?: string
    }
  | { readonly kind: 'arguments'; readonly choice: number; readonly call: number; readonly text: string }
  /** Sources that a text names, as they came. */
  | { readonly kind: 'annotations'; readonly choice: number; readonly annotations: readonly unknown[] }
  /** An output item that only the Responses API has, such as a search that the service has made; as it came. */
  | { readonly kind: 'item'; readonly choice: number; readonly item: Readonly<Record<string, unknown>> }
  | FilterEvent
  | { readonly kind: 'finish'; readonly choice: number; readonly reason: FinishReason }
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'error'; readonly error: AnswerError }

/** Writes an answer in a wire format, event by event. */
export interface AnswerWriter {
  /** The text that the event leads to at once; empty where nothing is to be sent yet. */
  write(event: AnswerEvent): string
  /** What ends the answer. Called once, after the last event. */
  end(): string
}

/** Reads an answer from the frames of a stream. Never throws: what cannot be read is an `error` event, the last one. */
export interface AnswerReader {
  /** @param frame one server-sent event as text, with or without the empty line that ends it */
  push(frame: string): readonly AnswerEvent[]
  /** Called once, when the stream has ended in whatever way. */
  end(): readonly AnswerEvent[]
}

/** A finished answer. */
export interface Answer extends Completion {
  readonly start: AnswerStart
  /** What the content filter says of the prompts. */
  readonly promptFilters: readonly FilterEvent[]
  /** Set where the service reported a failure; the choices then hold what came before. */
  readonly error?: AnswerError
}
