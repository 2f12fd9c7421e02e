/** A function that the model may call; `parameters` is a JSON schema, as it came. */
export interface FunctionDefinition {
  readonly name: string
  readonly description?: string | null
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** A tool that the model may call. */
export type Tool =
  | { readonly type: 'function'; readonly function: FunctionDefinition }
  | {
      readonly type: 'custom'
      readonly custom: { readonly name: string; readonly description?: string | null }
    }

/** Which tool the model must, may or must not call. */
export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } }
  | { readonly type: 'custom'; readonly custom: { readonly name: string } }
  | { readonly type: 'allowed_tools'; readonly allowed_tools: AllowedTools }

/** A choice among some of the tools. */
export interface AllowedTools {
  readonly mode: 'auto' | 'required'
  readonly tools: readonly Readonly<Record<string, unknown>>[]
}

/** The form that the answer must have. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly json_schema: JsonSchemaFormat }

/** A JSON schema that the answer must follow. */
export interface JsonSchemaFormat {
  readonly name: string
  readonly description?: string | null
  readonly schema?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** The fields of a valid chat request that the simulator reads. Null means absent, as on the service. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[]
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  readonly n?: number | null
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
  readonly stop?: string | readonly string[] | null
  readonly seed?: number | null
  readonly user?: string | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly logprobs?: boolean | null
  readonly top_logprobs?: number | null
  readonly stream?: boolean | null
  readonly stream_options?: StreamOptions | null
  readonly tools?: readonly Tool[] | null
  readonly tool_choice?: ToolChoice | null
  readonly parallel_tool_calls?: boolean | null
  readonly functions?: readonly FunctionDefinition[] | null
  readonly function_call?: 'none' | 'auto' | { readonly name: string } | null
  readonly response_format?: ResponseFormat | null
  readonly reasoning_effort?: string | null
  readonly verbosity?: 'low' | 'medium' | 'high' | null
  readonly service_tier?: string | null
  readonly store?: boolean | null
  readonly metadata?: Readonly<Record<string, string>> | null
}

/** What a stream carries beside the answer. */
export interface StreamOptions {
  /** Adds a last chunk with the usage; default false. */
  readonly include_usage?: boolean | null
  /** Pads chunks with random text; default true. */
  readonly include_obfuscation?: boolean | null
}

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
