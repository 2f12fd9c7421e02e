import type { OutputItem } from './response-object.ts'
import type { HostedToolItemType } from './responses-item.ts'
import type { ResponsesTool } from './responses-request.ts'

/** An item of a tool that the service executes, or of a call that has its own item type. Other fields depend on the type. */
export type HostedOutput =
  | { readonly id: string; readonly type: HostedToolItemType }
  | { readonly id: string; readonly type: 'compaction'; readonly encrypted_content: string }
  | { readonly id: string; readonly type: 'tool_search_output'; readonly tools: readonly ResponsesTool[] }

/** Returns whether the model writes the item itself. */
export function isModelOutput(item: OutputItem | HostedOutput): item is OutputItem {
  return modelOutputTypes.has(item.type)
}

const modelOutputTypes: ReadonlySet<string> = new Set<OutputItem['type']>([
  'custom_tool_call',
  'function_call',
  'message',
  'reasoning',
])

/** Billed numbers of hosted tools, in addition to the tokens of a response. */
export interface ToolUsage {
  readonly webSearches?: number
  readonly imageTextTokens?: number
  readonly imageTokens?: number
}

/** Returns `tool_usage`. It is zero without hosted tools. */
export function toolUsageOf({ webSearches = 0, imageTextTokens = 0, imageTokens = 0 }: ToolUsage): object {
  return {
    image_gen: {
      input_tokens: imageTextTokens,
      input_tokens_details: { image_tokens: 0, text_tokens: imageTextTokens },
      output_tokens: imageTokens,
      output_tokens_details: { image_tokens: imageTokens, text_tokens: 0 },
      total_tokens: imageTextTokens + imageTokens,
    },
    web_search: { num_requests: webSearches },
  }
}
