import type { Completion, FinishReason, Usage } from './completion.ts'

/** Metadata of an answer. */
export interface AnswerStart {
  readonly id?: string
  readonly createdSeconds?: number
  readonly model?: string
  /** `system_fingerprint`, the configuration of the backend; null if the service returns null. */
  readonly fingerprint?: string | null
  readonly serviceTier?: string
}

/** A failure that a service reports instead of an answer or during one. */
export interface AnswerError {
  readonly code: string | null
  readonly message: string
  readonly type?: string | null
  readonly param?: string | null
}

/** A part of the text of a choice. */
export interface TextEvent {
  /** `thought`: the visible part of the model's reasoning, as full text or as a summary. */
  readonly kind: 'text' | 'refusal' | 'thought'
  readonly choice: number
  /** Can be empty if the event has only other fields. */
  readonly text: string
  /** Log probabilities of its tokens. Both APIs use the same entries: `token`, `logprob`, `bytes`, `top_logprobs`. */
  readonly logprobs?: readonly unknown[]
  /** Id of its output item. Only the Responses API has items. */
  readonly item?: string
  /**
   * Index of its paragraph in a summary of the reasoning, or of its block among the thinking or text blocks of Anthropic Messages;
   * default: 0.
   */
  readonly part?: number
  /** Whether the text is the transcript of a spoken answer; default: false. */
  readonly spoken?: boolean
  /** Whether a message is the final answer or a comment before it. */
  readonly phase?: 'final_answer' | 'commentary'
  /** The encrypted reasoning of the item, which only the service can read. Clients send it with the next request. */
  readonly encrypted?: string
  /** The signature of a thinking block of Anthropic Messages, which ends the block. Clients send it with the next request. */
  readonly signature?: string
}

/** Result of the content filter for a prompt, or for the text of a choice so far. */
export interface FilterEvent {
  readonly kind: 'filter'
  readonly of: 'prompt' | 'choice'
  /** Index of the prompt or the choice. */
  readonly index: number
  /** `content_filter_results`, unchanged. */
  readonly results: unknown
  /** `content_filter_offsets`, unchanged, if the results refer to a part of the text. */
  readonly offsets?: unknown
}

/** The end of a choice. */
export interface FinishEvent {
  readonly kind: 'finish'
  readonly choice: number
  readonly reason: FinishReason
  /** `stop_reason` of Anthropic Messages, which has more values, such as `pause_turn`. */
  readonly stopReason?: string
  /** The stop sequence that ended the text. Only Anthropic Messages report it. */
  readonly stopSequence?: string
  /** `stop_details` of Anthropic Messages: why the model refused; unchanged. */
  readonly stopDetails?: Readonly<Record<string, unknown>>
}

/**
 * An event of an answer, independent of the wire format. Choices and the calls of a choice are numbered from 0. A call has one
 * `call` event, then `arguments` events; the events of several calls can alternate. `start` and `usage` can occur several times, and
 * the last values count.
 */
export type AnswerEvent =
  | ({ readonly kind: 'start' } & AnswerStart)
  | TextEvent
  | {
      readonly kind: 'call'
      readonly choice: number
      readonly call: number
      readonly tool: 'function' | 'custom'
      /** Empty for a `function_call`, the legacy form. */
      readonly id: string
      readonly name: string
      readonly item?: string
    }
  | { readonly kind: 'arguments'; readonly choice: number; readonly call: number; readonly text: string }
  /** A part of a spoken answer. Its transcript is in `text` events. Each field can come once or several times. */
  | {
      readonly kind: 'audio'
      readonly choice: number
      readonly id?: string
      /** A part of the sound in base64, which can be decoded separately. */
      readonly data?: string
      /** Seconds since 1970. */
      readonly expiresAt?: number
    }
  /** What a data source returned (`context` on Azure), unchanged. */
  | { readonly kind: 'context'; readonly choice: number; readonly context: Readonly<Record<string, unknown>> }
  /** Citations of a text, unchanged. */
  | { readonly kind: 'annotations'; readonly choice: number; readonly annotations: readonly unknown[] }
  /** Citations of the text before, as Anthropic Messages have them; unchanged. */
  | { readonly kind: 'citations'; readonly choice: number; readonly citations: readonly unknown[] }
  /** An output item that only the Responses API has, such as a web search; unchanged. */
  | { readonly kind: 'item'; readonly choice: number; readonly item: Readonly<Record<string, unknown>> }
  /** A content block that only Anthropic Messages have, such as the result of a web search; unchanged. */
  | { readonly kind: 'block'; readonly choice: number; readonly block: Readonly<Record<string, unknown>> }
  | FilterEvent
  | FinishEvent
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'error'; readonly error: AnswerError }

/** Writes an answer in a wire format, event by event. */
export interface AnswerWriter {
  /** Text to send for the event; can be empty. */
  write(event: AnswerEvent): string
  /** Text that ends the answer. Called once, after the last event. */
  end(): string
}

/** Reads an answer from the frames of a stream. Never throws: an invalid frame becomes an `error` event, the last one. */
export interface AnswerReader {
  /** Whether the event that ends the answer has been read, or an error. Later frames are ignored. */
  readonly isDone: boolean
  /** @param frame one server-sent event as text, with or without its trailing blank line */
  push(frame: string): readonly AnswerEvent[]
  /** Called once when the stream ends, completely or not. */
  end(): readonly AnswerEvent[]
}

/** A finished answer. */
export interface Answer extends Completion {
  readonly start: AnswerStart
  /** Results of the content filter for the prompts. */
  readonly promptFilters: readonly FilterEvent[]
  /** Set if the service reported a failure. The choices contain the output before it. */
  readonly error?: AnswerError
}
