import type { ResponsesItem } from './responses-item.ts'

/** A tool of the request. What is not named here belongs to tools that the service runs itself, and is only echoed. */
export interface ResponsesTool {
  /** `function`, `custom`, or a tool of the service's own. */
  readonly type: string
  /** Functions and custom tools have one. */
  readonly name?: string
  readonly description?: string | null
  /** A function's JSON schema, as it came. */
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** A choice of one tool, or among some (`allowed_tools`, which has `mode` and `tools`). */
export interface ChosenTool {
  readonly type: string
  readonly name?: string
  readonly mode?: 'auto' | 'required'
  readonly tools?: readonly Readonly<Record<string, unknown>>[]
}

/** Which tool the model must, may or must not call. */
export type ResponsesToolChoice = 'none' | 'auto' | 'required' | ChosenTool

/** The form that the answer's text must have. */
export type ResponsesTextFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema'
      readonly name: string
      readonly schema: Readonly<Record<string, unknown>>
      readonly description?: string | null
      readonly strict?: boolean | null
    }

/** The fields of a valid Responses request that the simulator reads. Null means absent, as on the service. */
export interface ResponsesRequest {
  /** The deployment. */
  readonly model?: unknown
  readonly input: string | readonly ResponsesItem[]
  readonly instructions?: string | null
  readonly previous_response_id?: string | null
  readonly store?: boolean | null
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_obfuscation?: boolean | null } | null
  readonly background?: boolean | null
  readonly max_output_tokens?: number | null
  readonly max_tool_calls?: number | null
  readonly tools?: readonly ResponsesTool[] | null
  readonly tool_choice?: ResponsesToolChoice | null
  readonly parallel_tool_calls?: boolean | null
  readonly text?: { readonly format?: ResponsesTextFormat | null; readonly verbosity?: string | null } | null
  readonly reasoning?: {
    readonly effort?: string | null
    readonly summary?: string | null
    /** The older name of `summary`. */
    readonly generate_summary?: string | null
  } | null
  readonly metadata?: Readonly<Record<string, string>> | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly top_logprobs?: number | null
  readonly frequency_penalty?: number | null
  readonly presence_penalty?: number | null
  readonly truncation?: 'auto' | 'disabled' | null
  readonly include?: readonly string[] | null
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly safety_identifier?: string | null
  readonly service_tier?: string | null
  readonly user?: string | null
}
