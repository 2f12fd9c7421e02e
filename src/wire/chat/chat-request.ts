import type { DataSource } from './data-sources.ts'

/** A function that the model can call. `parameters` is the JSON schema from the request. */
export interface FunctionDefinition {
  readonly name: string
  readonly description?: string | null
  readonly parameters?: Readonly<Record<string, unknown>> | null
  readonly strict?: boolean | null
}

/** A tool that the model can call. */
export type Tool =
  | { readonly type: 'function'; readonly function: FunctionDefinition }
  | {
      readonly type: 'custom'
      readonly custom: {
        readonly name: string
        readonly description?: string | null
        /** Any object: `{ type: 'grammar', grammar: { syntax, definition } }` restricts the input of the tool. */
        readonly format?: unknown
      }
    }

/** Which tool the model must, can or must not call. */
export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } }
  | { readonly type: 'custom'; readonly custom: { readonly name: string } }
  | { readonly type: 'allowed_tools'; readonly allowed_tools: AllowedTools }

/** A subset of the tools. */
export interface AllowedTools {
  readonly mode: 'auto' | 'required'
  readonly tools: readonly Readonly<Record<string, unknown>>[]
}

/** The format of the answer. */
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

/** The fields of a valid chat request that the simulator uses. Null means absent, as on the service. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[]
  /** The deployment, if the path does not contain it. Otherwise ignored and of any type. */
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
  readonly prompt_cache_key?: string | null
  readonly prompt_cache_retention?: string | null
  readonly prompt_cache_options?: PromptCacheOptions | null
  readonly store?: boolean | null
  readonly metadata?: Readonly<Record<string, string>> | null
  /** A predicted output: any object. */
  readonly prediction?: { readonly content?: unknown } | null
  /** Exactly one if it is set. Only on Azure. */
  readonly data_sources?: readonly DataSource[] | null
  readonly modalities?: readonly ('text' | 'audio')[] | null
  /** Set if the modalities contain `audio`. */
  readonly audio?: ChatAudio | null
  readonly moderation?: { readonly model: string } | null
}

/** Options of the prompt cache. */
export interface PromptCacheOptions {
  /** `explicit`: only prefixes that end at a breakpoint are cached. Default: `implicit`. */
  readonly mode?: 'implicit' | 'explicit' | null
  readonly ttl?: string | null
}

/** A part that can end a cached prefix. */
interface CacheEnd {
  readonly prompt_cache_breakpoint?: object | null
}

/** The sound of an answer with the modality `audio`. */
export interface ChatAudio {
  readonly voice: string
  readonly format: ChatAudioFormat
}

/** The formats of audio answers that the simulator supports. The service has `aac`, `flac` and `opus`, too. */
export type ChatAudioFormat = 'wav' | 'mp3' | 'pcm16'

/** Options of a stream. */
export interface StreamOptions {
  /** Adds a last chunk with the usage; default false. */
  readonly include_usage?: boolean | null
  /** Pads chunks with random text; default true. */
  readonly include_obfuscation?: boolean | null
}

/** A part of a message's content. */
export type ContentPart =
  | ({ readonly type: 'text'; readonly text: string } & CacheEnd)
  | { readonly type: 'refusal'; readonly refusal: string }
  | ({ readonly type: 'image_url'; readonly image_url: ImageReference } & CacheEnd)
  | ({
      readonly type: 'input_audio'
      readonly input_audio: { readonly data: string; readonly format: string }
    } & CacheEnd)
  | ({ readonly type: 'file'; readonly file: FileReference } & CacheEnd)
  /** An earlier audio answer of the model, by id or in another form. Not used by the simulator. */
  | { readonly type: 'audio'; readonly audio: unknown }

/** An image as a URL or a data URL. Its tokens depend on `detail`. Absent or null means `auto`. */
export interface ImageReference {
  readonly url: string
  readonly detail?: 'auto' | 'low' | 'high' | 'original' | null
}

/** A document: the id of an uploaded file, or a data URL. */
export interface FileReference {
  readonly file_id?: string | null
  readonly file_data?: string | null
  readonly filename?: string | null
}

/** A tool call of an earlier answer. `function.arguments` is JSON text. */
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

/** The content of a message: none, text, or content parts. */
export type MessageContent = string | readonly ContentPart[] | null

/**
 * A message of a valid chat request. Null means absent. Only the fields of its role are validated. Other fields can have any type
 * and must not be read: use `callsOf` and `nameOf`.
 */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  readonly content?: MessageContent
  readonly name?: string | null
  readonly refusal?: string | null
  readonly tool_calls?: readonly ToolCall[] | null
  readonly function_call?: { readonly name: string; readonly arguments: string } | null
  readonly tool_call_id?: string | null
  /** An earlier audio answer. */
  readonly audio?: { readonly id: string } | null
}

/**
 * Returns the calls of a message, in the newer or older form. Returns none for roles other than `assistant`, since these fields are
 * not validated for them.
 */
export function callsOf(message: ChatMessage): Pick<ChatMessage, 'tool_calls' | 'function_call'> {
  return message.role === 'assistant' ? message : noCalls
}

const noCalls = {}

/** Returns the name of the author. The result of a tool has none: the name is in its call. */
export function nameOf({ role, name }: ChatMessage): string | undefined {
  return role === 'tool' ? undefined : (name ?? undefined)
}
