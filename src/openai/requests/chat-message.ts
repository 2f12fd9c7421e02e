/** A part of a message's content. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string }
  | { readonly type: 'image_url'; readonly image_url: ImageReference }
  | { readonly type: 'input_audio'; readonly input_audio: { readonly data: string; readonly format: string } }
  | { readonly type: 'file'; readonly file: FileReference }

/** A picture, by address or as a data URL. `detail` decides what it costs; absent or null means `auto`. */
export interface ImageReference {
  readonly url: string
  readonly detail?: 'auto' | 'low' | 'high' | 'original' | null
}

/** A document: uploaded before, or inline as a data URL. */
export interface FileReference {
  readonly file_id?: string | null
  readonly file_data?: string | null
  readonly filename?: string | null
}

/** A call that the model asked for in an earlier turn; `function.arguments` is JSON text. */
export type ToolCall =
  | {
      readonly id: string
      readonly type: 'function'
      readonly function: { readonly name: string; readonly arguments: string }
    }
  | {
      readonly id: string
      readonly type: 'custom'
      readonly custom: { readonly name: string; readonly input: string }
    }

/** What a message holds: nothing, text, or parts. */
export type MessageContent = string | readonly ContentPart[] | null

/** A message of a valid chat request. Which fields a role carries is checked before; null means absent. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  readonly content?: MessageContent
  readonly name?: string | null
  readonly refusal?: string | null
  readonly tool_calls?: readonly ToolCall[] | null
  readonly function_call?: { readonly name: string; readonly arguments: string } | null
  readonly tool_call_id?: string | null
}
