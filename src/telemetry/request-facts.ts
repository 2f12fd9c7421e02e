import { isStream } from '../pipeline/stream-events.ts'
import { defaultResourceName } from '../config/config.ts'
import { isAnthropicOperation, isModelOperation, type ModelOperation } from '../wire/route.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { outcomeStatus, type Reply } from '../pipeline/reply.ts'
import type { Usage } from '../answer/completion.ts'

/** Attributes with names of the OpenTelemetry semantic conventions. */
export type RequestAttributes = Readonly<Record<string, string | number>>

/** Exported values of a request that has ended. Times are in seconds. */
export interface RequestFacts {
  /** Undefined for a request without a model: the list of models, stored responses, unknown paths. */
  readonly operation: string | undefined
  /** The model name in the request, which is the name of the deployment in Azure. Undefined without one. */
  readonly requestModel: string | undefined
  /** The common attributes of metrics and span. */
  readonly attributes: RequestAttributes
  readonly durationSeconds: number
  /** From the arrival to the first byte of a successful stream. */
  readonly firstTokenSeconds: number | undefined
  /** Mean over the visible tokens after the first one, of a successful stream. */
  readonly perOutputTokenSeconds: number | undefined
  /** Undefined for an answer that failed. */
  readonly usage: Usage | undefined
}

/**
 * `gen_ai.operation.name`. `chat`, `text_completion` and `embeddings` are values of the convention, which treats the Responses API as
 * chat. It has no values for images and audio.
 */
const operationNames: Readonly<Record<ModelOperation, string>> = {
  chatCompletions: 'chat',
  responses: 'chat',
  countInputTokens: 'count_tokens',
  compactConversation: 'compact',
  completions: 'text_completion',
  embeddings: 'embeddings',
  imageGenerations: 'image_generation',
  imageEdits: 'image_edit',
  speech: 'speech',
  transcriptions: 'transcription',
  translations: 'translation',
  messages: 'chat',
  countMessageTokens: 'count_tokens',
}

/** Allowed names of deployments that are not configured. Clients choose them, and they become labels of series. */
const plainName = /^[\w.-]{1,64}$/

/** Collects the exported values of a request after its answer has ended. */
export function requestFacts(
  exchange: Exchange,
  reply: Reply,
  outcome: Outcome,
  serverAttributes: RequestAttributes,
): RequestFacts {
  const { resource, route, deployment } = exchange
  const operation = route && isModelOperation(route.operation) ? operationNames[route.operation] : undefined
  const requestModel = operation && modelLabel(exchange)
  const errorType = errorTypeOf(reply, outcome)
  const succeeded = errorType === undefined
  const firstMs = succeeded && isStream(reply) ? outcome.firstByteMs : undefined
  return {
    operation,
    requestModel,
    attributes: {
      ...(operation && {
        'gen_ai.operation.name': operation,
        'gen_ai.provider.name':
          route && isAnthropicOperation(route.operation) ? 'anthropic' : 'azure.ai.openai',
      }),
      ...(resource !== defaultResourceName && { 'aoai.resource': resource }),
      ...(requestModel && { 'gen_ai.request.model': requestModel }),
      ...(operation &&
        succeeded &&
        deployment && { 'gen_ai.response.model': deployment.model.versionedName }),
      ...serverAttributes,
      ...(errorType && { 'error.type': errorType }),
    },
    durationSeconds: outcome.endMs / 1_000,
    firstTokenSeconds: firstMs === undefined ? undefined : firstMs / 1_000,
    perOutputTokenSeconds: firstMs === undefined ? undefined : perToken(reply.usage, outcome.endMs - firstMs),
    usage: succeeded ? reply.usage : undefined,
  }
}

/** The status of the error, also of one in a stream, or how the connection ended; undefined for a successful answer. */
function errorTypeOf(reply: Reply, { aborted }: Outcome): string | undefined {
  const { interruption } = reply
  const status = outcomeStatus(reply)
  if (status >= 400) return String(status)
  if (interruption && typeof interruption.how !== 'number') return 'connection_cut'
  return aborted ? 'client_disconnect' : undefined
}

function modelLabel(exchange: Exchange): string | undefined {
  const { spilledOverFrom, route, config } = exchange
  const name = spilledOverFrom ?? deploymentOf(exchange) ?? route?.deploymentName
  if (name === undefined || config.deployments.has(name) || plainName.test(name)) return name
  return 'other'
}

/** Mean time per visible token after the first one. Hidden reasoning precedes the first visible token. */
function perToken(usage: Usage | undefined, afterFirstMs: number): number | undefined {
  const after = usage ? usage.completionTokens - usage.reasoningTokens - 1 : 0
  return after > 0 ? afterFirstMs / 1_000 / after : undefined
}
