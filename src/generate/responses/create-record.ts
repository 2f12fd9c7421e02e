import type { Deployment } from '../../config/deployments.ts'
import { type Exchange, formOf } from '../../pipeline/exchange.ts'
import { ResponseIds } from '../../wire/responses/response-ids.ts'
import { isModelOutput, type ToolUsage } from '../../wire/responses/hosted-output.ts'
import { type WrittenItem } from '../../wire/responses/response-object.ts'
import type { ServedTier } from '../../wire/service-tier.ts'
import type { ResponsesRequest } from '../../wire/responses/responses-request.ts'
import type { FilteredCompletion } from '../content-filter.ts'
import type { ResolvedInput } from './resolve-input.ts'
import { hostedCallsOf, outputItems } from './draw-items.ts'
import type { DrawnCall } from './hosted/hosted-call.ts'
import type { HostedPlan } from './hosted/hosted-tools.ts'
import { toolHistoryOf } from './input-items.ts'
import type { ResponseRecord, WrittenParts } from './response-archive.ts'
import { ResponseProgress } from './stream-response.ts'

/** Estimated size of a record without its texts, in bytes: the record, its ids and its usage. */
const RECORD_BASE_BYTES = 2_048

function partsOf({ pieces, partialImages }: WrittenItem): WrittenParts {
  return { lengths: pieces.map(({ length }) => length), ...(partialImages && { partialImages }) }
}

/** The input of an answered request, and what answers it in addition to the model. */
export interface AnsweredInput extends ResolvedInput, Pick<HostedPlan, 'servers'> {
  /** Tokens of the summary that replaces the conversation; absent without one. */
  readonly summaryTokens?: number | undefined
}

/** Creates the record of an answered request, and its items with their tokens. */
export function createRecord(
  exchange: Exchange,
  deployment: Deployment,
  request: ResponsesRequest,
  { items: input, historyTokens, toolHistory, servers, summaryTokens }: AnsweredInput,
  { completion, found, serviceTier }: FilteredCompletion & { readonly serviceTier: ServedTier },
): { record: ResponseRecord; items: readonly WrittenItem[] } {
  const { model } = deployment
  const createdMs = exchange.clock.epochMs()
  const epochSeconds = Math.floor(createdMs / 1_000)
  const ids = new ResponseIds(exchange.random)
  const id = ids.next('resp', epochSeconds)
  const choice = completion.choices[0]
  if (!choice) throw new Error('A completion has at least one choice.')
  const { responses: form } = formOf(exchange, model)
  const items = outputItems(choice, {
    request,
    items: input,
    model,
    form,
    resource: exchange.config.id,
    ids,
    random: exchange.random,
    epochSeconds,
    servers,
    summaryTokens,
  })
  const output = items.map(({ item }) => item)
  const record: ResponseRecord = {
    resource: exchange.config.id,
    id,
    ids,
    createdMs,
    deployment: deployment.name,
    model,
    request,
    items: input,
    historyTokens,
    form,
    toolHistory: toolHistoryOf(output, toolHistory),
    output,
    written: items.map(partsOf),
    finishReason: choice.finishReason,
    ...(found && { found }),
    serviceTier,
    usage: completion.usage,
    toolUsage: toolUsageOf(hostedCallsOf(choice)),
    progress: new ResponseProgress(request.background === true, createdMs),
    weight: RECORD_BASE_BYTES + 2 * exchange.body.length + items.reduce((sum, it) => sum + weightOf(it), 0),
  }
  return { record, items }
}

/** Items of hosted tools can have pictures and results, so their size is that of their JSON. */
function weightOf({ item, pieces, partialImages = [] }: WrittenItem): number {
  if (isModelOutput(item)) return 8 * pieces.length
  const images = partialImages.reduce((sum, image) => sum + image.length, 0)
  return 2 * JSON.stringify(item).length + images
}

/** Adds what the hosted calls of an answer used. */
function toolUsageOf(calls: readonly DrawnCall[]): ToolUsage | undefined {
  if (calls.length === 0) return undefined
  const sum = { webSearches: 0, imageTextTokens: 0, imageTokens: 0 }
  for (const { usage } of calls) {
    sum.webSearches += usage?.webSearches ?? 0
    sum.imageTextTokens += usage?.imageTextTokens ?? 0
    sum.imageTokens += usage?.imageTokens ?? 0
  }
  return sum
}
