/** A request of Anthropic Messages (types of `@anthropic-ai/sdk` 1.14, and the parameters that only version 2023-06-01 has). */
export interface MessagesRequest {
  /** The deployment. */
  readonly model: string
  /** Maximum number of output tokens with thinking. 0 only fills the prompt cache. */
  readonly max_tokens: number
  readonly messages: readonly MessageParam[]
  readonly system?: string | readonly TextBlockParam[]
  readonly stop_sequences?: readonly string[]
  readonly stream?: boolean
  readonly tools?: readonly MessagesTool[]
  readonly tool_choice?: MessagesToolChoice
  readonly thinking?: ThinkingConfig
  readonly output_config?: OutputConfig
  readonly metadata?: { readonly user_id?: string | null }
  readonly service_tier?: 'auto' | 'standard_only'
  /** Caches the prompt up to the last block that can be cached. */
  readonly cache_control?: CacheControl | null
  /** The id of a container of an earlier answer, or its skills. For tools that the service executes. */
  readonly container?: string | Readonly<Record<string, unknown>> | null
  readonly diagnostics?: Readonly<Record<string, unknown>> | null
  readonly inference_geo?: string | null
  readonly speed?: 'standard' | 'fast' | null
  // Sampling parameters: version 2026-10-21 refuses them for all models.
  /** From 0 to 1. */
  readonly temperature?: number
  readonly top_p?: number
  readonly top_k?: number
}

/** A request to count tokens, which has no `max_tokens`, and what it has in common with a request for a message. */
export type CountedRequest = Omit<MessagesRequest, 'max_tokens'>

/** The values of the header `anthropic-version` that the service accepts. */
export const anthropicVersions = ['2023-01-01', '2023-06-01', '2026-10-21'] as const

/** Roles of messages. `system` is an instruction in the middle of a conversation. */
export type MessageRole = 'user' | 'assistant' | 'system'

/** A message of the conversation. A text is the same as one text block. */
export interface MessageParam {
  readonly role: MessageRole
  readonly content: string | readonly ContentBlockParam[]
}

/** The prefix of the prompt up to this point is cached. */
export interface CacheControl {
  readonly type: 'ephemeral'
  /** Default: `5m`. */
  readonly ttl?: '5m' | '1h'
}

interface Cacheable {
  readonly cache_control?: CacheControl | null
}

/** A text. */
export interface TextBlockParam extends Cacheable {
  readonly type: 'text'
  readonly text: string
  readonly citations?: readonly Readonly<Record<string, unknown>>[] | null
}

/** Media types of images. */
export const imageMediaTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] as const

/** Where the data of an image is. */
export type ImageSource =
  | {
      readonly type: 'base64'
      readonly media_type: (typeof imageMediaTypes)[number]
      readonly data: string
    }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly file_id: string }

/** An image. */
export interface ImageBlockParam extends Cacheable {
  readonly type: 'image'
  readonly source: ImageSource
}

/** Where the data of a document is. */
export type DocumentSource =
  | { readonly type: 'base64'; readonly media_type: 'application/pdf'; readonly data: string }
  | { readonly type: 'text'; readonly media_type: 'text/plain'; readonly data: string }
  | { readonly type: 'content'; readonly content: string | readonly (TextBlockParam | ImageBlockParam)[] }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly file_id: string }

/** A document. Version 2026-10-21 refuses it in messages of the assistant. */
export interface DocumentBlockParam extends Cacheable {
  readonly type: 'document'
  readonly source: DocumentSource
  readonly title?: string | null
  readonly context?: string | null
  readonly citations?: { readonly enabled?: boolean } | null
}

/** Reasoning of an earlier answer with the signature of the service. */
export interface ThinkingBlockParam {
  readonly type: 'thinking'
  readonly thinking: string
  readonly signature: string
}

/** Encrypted reasoning of an earlier answer. */
export interface RedactedThinkingBlockParam {
  readonly type: 'redacted_thinking'
  readonly data: string
}

/** A tool call of an earlier answer. */
export interface ToolUseBlockParam extends Cacheable {
  readonly type: 'tool_use'
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** The result of a tool call. The results of all calls of an answer are in the next message, before any text. */
export interface ToolResultBlockParam extends Cacheable {
  readonly type: 'tool_result'
  readonly tool_use_id: string
  readonly content?: string | readonly ContentBlockParam[]
  readonly is_error?: boolean
}

/** A result of a search of the client. The model cites it. */
export interface SearchResultBlockParam extends Cacheable {
  readonly type: 'search_result'
  readonly source: string
  readonly title: string
  readonly content: readonly TextBlockParam[]
  readonly citations?: { readonly enabled?: boolean }
}

/** Blocks of tools that the service executes, with their results. Clients send them back unchanged. */
export const hostedBlockTypes = [
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'container_upload',
] as const

/** A block of a tool that the service executes. */
export interface HostedBlockParam extends Cacheable {
  readonly type: (typeof hostedBlockTypes)[number]
}

/** A block of a message. */
export type ContentBlockParam =
  | TextBlockParam
  | ImageBlockParam
  | DocumentBlockParam
  | SearchResultBlockParam
  | ThinkingBlockParam
  | RedactedThinkingBlockParam
  | ToolUseBlockParam
  | ToolResultBlockParam
  | HostedBlockParam

/** A function that the model can call. */
export interface FunctionToolParam extends Cacheable {
  /** Default: `custom`. */
  readonly type?: 'custom' | null
  readonly name: string
  readonly description?: string
  /** A JSON schema of type `object`. */
  readonly input_schema: Readonly<Record<string, unknown>>
  readonly strict?: boolean
}

/** A tool of Anthropic, with a date in its type: `web_search_20260318`. */
export interface AnthropicToolParam extends Cacheable {
  readonly type: string
  readonly name?: string
}

/** A tool that the model can call. */
export type MessagesTool = FunctionToolParam | AnthropicToolParam

/** Which tool the model must, can or must not call. Default: `auto` with tools. */
export type MessagesToolChoice =
  | { readonly type: 'auto' | 'any'; readonly disable_parallel_tool_use?: boolean }
  | { readonly type: 'tool'; readonly name: string; readonly disable_parallel_tool_use?: boolean }
  | { readonly type: 'none' }

/** Whether and how long the model thinks. The models differ in what they accept, and in the default. */
export type ThinkingConfig =
  | { readonly type: 'adaptive'; readonly display?: 'summarized' | 'omitted' | null }
  | { readonly type: 'between_tools' }
  | { readonly type: 'disabled' }
  | {
      readonly type: 'enabled'
      /** At least 1,024, and below `max_tokens`. */
      readonly budget_tokens: number
      readonly display?: 'summarized' | 'omitted' | null
    }

/** Values of `output_config.effort`. */
export const messagesEfforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const

/** How much the model writes, and in which form. */
export interface OutputConfig {
  readonly effort?: (typeof messagesEfforts)[number] | null
  readonly format?: {
    readonly type: 'json_schema'
    readonly schema: Readonly<Record<string, unknown>>
  } | null
}
