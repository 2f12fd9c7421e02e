/** A part of a message's content. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string }
  | { readonly type: 'image_url'; readonly image_url: ImageReference }
  | { readonly type: 'input_audio'; readonly input_audio: { readonly data: string; readonly format: string } }
  | { readonly type: 'file'; readonly file: FileReference }
  /** What the model said before, by its id or in any other form: it is not read. */
  | { readonly type: 'audio'; readonly audio: unknown }

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

/**
 * A message of a valid chat request; null means absent. Only the members of its role are checked. Others may be of any type
 * and are not read: see `callsOf` and `nameOf`.
 */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  readonly content?: MessageContent
  readonly name?: string | null
  readonly refusal?: string | null
  readonly tool_calls?: readonly ToolCall[] | null
  readonly function_call?: { readonly name: string; readonly arguments: string } | null
  readonly tool_call_id?: string | null
}

/**
 * The calls of a message in the newer and in the older form. Only those of the assistant count: members of these names on
 * another role are ignored, whatever they hold.
 */
export function callsOf(message: ChatMessage): Pick<ChatMessage, 'tool_calls' | 'function_call'> {
  return message.role === 'assistant' ? message : noCalls
}

const noCalls = {}

/** The name of who speaks. The result of a tool has none: its call tells it. */
export function nameOf({ role, name }: ChatMessage): string | undefined {
  return role === 'tool' ? undefined : (name ?? undefined)
}
