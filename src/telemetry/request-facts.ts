import { isStream } from '../pipeline/stream-events.ts'
import { defaultResourceName } from '../config/config.ts'
import { isModelOperation, type ModelOperation } from '../wire/route.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Usage } from '../answer/completion.ts'

/** Attributes by the names of OpenTelemetry's semantic conventions. */
export type RequestAttributes = Readonly<Record<string, string | number>>

/** What is exported of a request that has ended. Times are in seconds. */
export interface RequestFacts {
  /** Undefined for a request that no model carries out: the list of models, stored responses, unknown paths. */
  readonly operation: string | undefined
  /** What the client called the model: in Azure, the name of the deployment. Undefined where it named none. */
  readonly requestModel: string | undefined
  /** The attributes that metrics and the span have in common. */
  readonly attributes: RequestAttributes
  readonly durationSeconds: number
  /** From the arrival to the first byte of a stream that succeeded. */
  readonly firstTokenSeconds: number | undefined
  /** Mean over the visible tokens after the first one, of a stream that succeeded. */
  readonly perOutputTokenSeconds: number | undefined
  /** Undefined for an answer that failed. */
  readonly usage: Usage | undefined
}

/**
 * `gen_ai.operation.name`. The first three values are those of the convention, where the Responses API is a chat too; it has
 * none for pictures and sound.
 */
const operationNames: Readonly<Record<ModelOperation, string>> = {
  chatCompletions: 'chat',
  responses: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  imageGenerations: 'image_generation',
  speech: 'speech',
  transcriptions: 'transcription',
  translations: 'translation',
}

/** What a name that is not in the configuration may look like: it is a client's word, and becomes part of a series. */
const plainName = /^[\w.-]{1,64}$/

/** Collects what is exported of a request, when its answer has ended. */
export function requestFacts(
  exchange: Exchange,
  reply: Reply,
  outcome: Outcome,
  place: RequestAttributes,
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
        'gen_ai.provider.name': 'azure.ai.openai',
      }),
      ...(resource !== defaultResourceName && { 'aoai.resource': resource }),
      ...(requestModel && { 'gen_ai.request.model': requestModel }),
      ...(operation &&
        succeeded &&
        deployment && { 'gen_ai.response.model': deployment.model.versionedName }),
      ...place,
      ...(errorType && { 'error.type': errorType }),
    },
    durationSeconds: outcome.endMs / 1_000,
    firstTokenSeconds: firstMs === undefined ? undefined : firstMs / 1_000,
    perOutputTokenSeconds: firstMs === undefined ? undefined : perToken(reply.usage, outcome.endMs - firstMs),
    usage: succeeded ? reply.usage : undefined,
  }
}

/** A status of the service, or how the connection ended; undefined for an answer that succeeded. */
function errorTypeOf({ status, interruption }: Reply, { aborted }: Outcome): string | undefined {
  if (status >= 400) return String(status)
  if (interruption && typeof interruption.how !== 'number') return 'connection_cut'
  return aborted ? 'client_disconnect' : undefined
}

function modelLabel({ spilledOverFrom, deployment, route, config }: Exchange): string | undefined {
  const name = spilledOverFrom ?? deployment?.name ?? route?.deploymentName
  if (name === undefined || config.deployments.has(name) || plainName.test(name)) return name
  return 'other'
}

/** Hidden reasoning comes before the first visible token, and so before the time that is divided here. */
function perToken(usage: Usage | undefined, afterFirstMs: number): number | undefined {
  const after = usage ? usage.completionTokens - usage.reasoningTokens - 1 : 0
  return after > 0 ? afterFirstMs / 1_000 / after : undefined
}
