import type { ResponsesTool } from './responses-request.ts'

/** A part of a message or of a function output. */
export type ResponsesPart =
  | {
      readonly type: 'input_text' | 'output_text' | 'summary_text'
      readonly text: string
      readonly prompt_cache_breakpoint?: object | null
    }
  | { readonly type: 'refusal'; readonly refusal: string }
  | {
      readonly type: 'input_image'
      /** A URL or a data URL. */
      readonly image_url?: string | null
      readonly file_id?: string | null
      readonly detail?: 'auto' | 'low' | 'high' | 'original' | null
      readonly prompt_cache_breakpoint?: object | null
    }
  | {
      readonly type: 'input_file'
      readonly file_id?: string | null
      readonly file_data?: string | null
      readonly file_url?: string | null
      readonly filename?: string | null
      readonly prompt_cache_breakpoint?: object | null
    }
  | { readonly type: 'computer_screenshot'; readonly image_url?: string | null }

/** A message. Its `type` is optional. */
export interface ResponsesMessage {
  readonly type?: 'message' | null
  readonly role: 'user' | 'assistant' | 'system' | 'developer'
  readonly content: string | readonly ResponsesPart[]
  readonly id?: string | null
  readonly status?: string | null
  readonly phase?: string | null
}

/** A function call of the model. `arguments` is JSON text. */
export interface FunctionCallItem {
  readonly type: 'function_call'
  readonly call_id: string
  readonly name: string
  readonly arguments: string
  readonly id?: string | null
  readonly status?: string | null
}

/** A call of a custom tool, which accepts free text. */
export interface CustomToolCallItem {
  readonly type: 'custom_tool_call'
  readonly call_id: string
  readonly name: string
  readonly input: string
  readonly id?: string | null
}

/** The output of a called tool. */
export interface ToolOutputItem {
  readonly type: 'function_call_output' | 'custom_tool_call_output'
  readonly call_id: string
  readonly output: string | readonly ResponsesPart[]
  readonly id?: string | null
  readonly status?: string | null
}

/** The reasoning of an earlier answer. */
export interface ReasoningItem {
  readonly type: 'reasoning'
  readonly id?: string | null
  readonly summary: readonly ResponsesPart[]
  readonly encrypted_content?: string | null
}

/** The summary of an earlier conversation, which only the service can read. */
export interface CompactionItem {
  readonly type: 'compaction'
  readonly encrypted_content: string
  readonly id?: string | null
}

/** A reference to an item of an earlier response. */
export interface ItemReference {
  readonly type?: 'item_reference' | null
  readonly id: string
}

/** An item of a tool that the service executes. The simulator does not change it. */
export interface HostedToolItem {
  readonly type: HostedToolItemType
  readonly id?: string | null
}

/** Types of items of tools that the service executes, and of newer features. The simulator passes them on unchanged. */
export const hostedToolItemTypes = [
  'apply_patch_call',
  'apply_patch_call_output',
  'code_interpreter_call',
  'compaction_trigger',
  'computer_call',
  'computer_call_output',
  'file_search_call',
  'image_generation_call',
  'local_shell_call',
  'local_shell_call_output',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'mcp_list_tools',
  'program',
  'program_output',
  'shell_call',
  'shell_call_output',
  'tool_search_call',
  'web_search_call',
] as const

/** One of `hostedToolItemTypes`. */
export type HostedToolItemType = (typeof hostedToolItemTypes)[number]

/** Tools that are available from this item on: the result of a tool search, or tools that the client adds. */
export interface LoadedToolsItem {
  readonly type: 'additional_tools' | 'tool_search_output'
  readonly tools: readonly ResponsesTool[]
  readonly id?: string | null
}

/** One item of the input. */
export type ResponsesItem =
  | ResponsesMessage
  | FunctionCallItem
  | CustomToolCallItem
  | ToolOutputItem
  | ReasoningItem
  | CompactionItem
  | ItemReference
  | HostedToolItem
  | LoadedToolsItem

/** Returns whether the item is a message: it has a role, and the type `message` or none. */
export function isMessage(item: ResponsesItem): item is ResponsesMessage {
  return 'role' in item && (item.type === undefined || item.type === null || item.type === 'message')
}

/** Returns whether the item is a reference. */
export function isReference(item: ResponsesItem): item is ItemReference {
  return (
    !('role' in item) && (item.type === 'item_reference' || item.type === undefined || item.type === null)
  )
}
