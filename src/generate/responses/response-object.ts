import { defaultEffort, defaultTopP } from '../../wire/responses/responses-defaults.ts'
import type { ResponsesRequest, ResponsesTextFormat } from '../../wire/responses/responses-request.ts'
import type { FinishReason, Usage } from '../../answer/completion.ts'
import { echoedTool } from './echoed-tools.ts'
import { Decimal } from './json-writer.ts'
import { contentFilters } from './response-filters.ts'
import type { OutputItem } from './output-items.ts'
import type { ResponsesItem } from '../../wire/responses/responses-item.ts'
import type { HarmCategory } from '../../wire/content-filters.ts'
import type { Model } from '../../wire/models/models.ts'

/** How far a response is. `ended` is over in whatever way the model ended it. */
export type ResponseStage = 'queued' | 'in_progress' | 'ended' | 'cancelled'

/** What a response is written from. */
export interface AnsweredResponse {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** The name that the client called the model by, and reads back in `model`. */
  readonly deployment: string
  readonly model: Pick<Model, 'name' | 'reasoning'>
  readonly request: ResponsesRequest
  /** The input of this turn, its references resolved. */
  readonly items: readonly ResponsesItem[]
  readonly output: readonly OutputItem[]
  readonly finishReason: FinishReason
  /** What the content filter found in the answer. */
  readonly found?: HarmCategory
  readonly usage: Usage
  /** When it was over, or will be, in milliseconds since 1970. */
  readonly progress: { readonly endMs: number }
}

/** A response as its stage lets it be seen, its members in the order of captures of April 2026. */
export function responseObject(record: AnsweredResponse, stage: ResponseStage): object {
  const { request, model } = record
  const ended = stage === 'ended'
  const reason = ended ? incompleteReason(record) : undefined
  const status = ended ? (reason === undefined ? 'completed' : 'incomplete') : stage
  return {
    id: record.id,
    object: 'response',
    created_at: Math.floor(record.createdMs / 1_000),
    status,
    background: request.background === true,
    completed_at: status === 'completed' ? Math.floor(record.progress.endMs / 1_000) : null,
    content_filters: ended ? contentFilters(record) : null,
    error: null,
    frequency_penalty: new Decimal(request.frequency_penalty ?? 0),
    incomplete_details: reason === undefined ? null : { reason },
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    model: record.deployment,
    output: ended ? record.output : [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: new Decimal(request.presence_penalty ?? 0),
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning: {
      effort: request.reasoning?.effort ?? defaultEffort(model),
      summary: summaryOf(request),
    },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: ended ? tierOf(request) : 'auto',
    store: request.store ?? true,
    temperature: new Decimal(request.temperature ?? 1),
    text: {
      format: formatOf(request.text?.format),
      verbosity: request.text?.verbosity ?? 'medium',
    },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(echoedTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: new Decimal(request.top_p ?? defaultTopP(model)),
    truncation: request.truncation ?? 'disabled',
    usage: ended ? usageOf(record.usage) : null,
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  }
}

function incompleteReason({ finishReason }: AnsweredResponse): string | undefined {
  if (finishReason === 'length') return 'max_output_tokens'
  return finishReason === 'content_filter' ? 'content_filter' : undefined
}

/** `auto` comes back as the kind of summary that there is. */
function summaryOf({ reasoning }: ResponsesRequest): string | null {
  const asked = reasoning?.summary ?? reasoning?.generate_summary ?? null
  return asked === 'auto' ? 'detailed' : asked
}

/** Which tier served the request; `fast` is an alias. */
function tierOf({ service_tier: asked }: ResponsesRequest): string {
  if (asked === 'priority' || asked === 'fast') return 'priority'
  return asked === 'flex' ? 'flex' : 'default'
}

function formatOf(format: ResponsesTextFormat | null | undefined): object {
  if (format?.type !== 'json_schema') return { type: format?.type ?? 'text' }
  const { name, schema, description, strict } = format
  return {
    type: 'json_schema',
    description: description ?? null,
    name,
    schema,
    strict: strict ?? false,
  }
}

function usageOf({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage): object {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
  }
}
