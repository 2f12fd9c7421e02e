import type { ChatMessage } from './chat-message.ts'

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
