import type { HostedToolItemType } from './responses-item.ts'

/** Whether an item is whole, or was cut by the limit or the content filter. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

/** The model's thought: hidden, but for a summary where one was asked for. */
export interface ReasoningOutput {
  readonly id: string
  readonly type: 'reasoning'
  readonly encrypted_content?: string
  readonly summary: readonly { readonly type: 'summary_text'; readonly text: string }[]
}

/** The text of an answer. */
export interface MessageOutput {
  readonly id: string
  readonly type: 'message'
  readonly status: ItemStatus
  readonly content: readonly (OutputText | OutputRefusal)[]
  readonly phase?: 'final_answer' | 'commentary'
  readonly role: 'assistant'
}

/** The one part of a message. */
export interface OutputText {
  readonly type: 'output_text'
  readonly annotations: readonly unknown[]
  readonly logprobs: readonly unknown[]
  readonly text: string
}

/** The one part of a message that refuses. */
export interface OutputRefusal {
  readonly type: 'refusal'
  readonly refusal: string
}

/** A call that the client is asked to make. */
export type CallOutput =
  | {
      readonly id: string
      readonly type: 'function_call'
      readonly status: ItemStatus
      readonly arguments: string
      readonly call_id: string
      readonly name: string
    }
  | {
      readonly id: string
      readonly type: 'custom_tool_call'
      readonly status: ItemStatus
      readonly call_id: string
      readonly input: string
      readonly name: string
    }

/** What a tool that the service runs itself has done, as it came from there. */
export interface HostedOutput {
  readonly id: string
  readonly type: HostedToolItemType
}

/** An item of an answer, its members in the order of the service. */
export type OutputItem = ReasoningOutput | MessageOutput | CallOutput

/** An item, and the tokens that it is written in, one after the other; thought has none that a client sees. */
export interface WrittenItem {
  readonly item: OutputItem
  readonly pieces: readonly string[]
}

/** A text as part of a message. */
export function outputText(
  text: string,
  annotations: readonly unknown[] = [],
  logprobs: readonly unknown[] = [],
): OutputText {
  return { type: 'output_text', annotations, logprobs, text }
}

/** A refusal as part of a message. */
export function outputRefusal(refusal: string): OutputRefusal {
  return { type: 'refusal', refusal }
}
