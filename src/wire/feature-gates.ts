import { isRecord } from '../lib/record.ts'
import {
  apiVersions,
  firstVersions,
  isBefore,
  operationsWithOwnError,
  requiredNewerVersion,
} from './api-versions.ts'
import { gatewayError, type ServiceError } from './errors.ts'
import type { Model } from './models/models.ts'
import type { Operation } from './route.ts'
import type { JsonObject } from './validation/fault.ts'

/** A feature of chat requests that needs a newer API version than chat. */
interface FeatureGate {
  /** As in docs/models.md. */
  readonly feature: string
  /** First API version with the feature. */
  readonly first: string
  readonly isUsed: (body: JsonObject) => boolean
  /** The message of the service without the version. */
  readonly message: string
}

/**
 * Features that a layer in front of the model refuses in older versions, in the order in which they are refused. Sources:
 * Azure/azure-sdk-for-net#46579 and crmne/ruby_llm#600 (2026-02) for `json_schema`, langchain-ai/langchain#29936 (2025-02) for
 * `tool_choice`, openai/openai-java#662 (2025-12) for `prediction`.
 */
export const featureGates: readonly FeatureGate[] = [
  {
    feature: '`response_format` of type `json_schema`',
    first: '2024-08-01-preview',
    isUsed: ({ response_format: format }) => isRecord(format) && format['type'] === 'json_schema',
    message: 'response_format value as json_schema',
  },
  {
    feature: '`tool_choice: "required"`',
    first: '2024-06-01',
    isUsed: ({ tool_choice: choice }) => choice === 'required',
    message: 'tool_choice value as required',
  },
  {
    feature: '`prediction`',
    first: '2025-01-01-preview',
    isUsed: ({ prediction }) => isSet(prediction),
    message: 'Prediction',
  },
]

/** The features of chat requests that each version lacks. */
const lackingByVersion = new Map(
  apiVersions.map((version) => [version, featureGates.filter(({ first }) => isBefore(version, first))]),
)

/**
 * Returns the error for an operation, a model or a feature of the body that needs a newer version than that of the request.
 *
 * @param request its `json` is read only if a feature needs a newer version, since that parses the body
 */
export function newerVersionRequired(
  version: string,
  request: { readonly json: unknown },
  operation: Operation,
  model: Model | undefined,
): ServiceError | undefined {
  const first = firstVersions[operation]
  if (operationsWithOwnError.has(operation) && isBefore(version, first)) {
    return badRequest(`Azure OpenAI Responses API is enabled only for api-version ${first} and later`)
  }
  const firstOfModel = model && requiredNewerVersion(version, model)
  // The service does not fill in the name of the model.
  if (firstOfModel !== undefined) return badRequest(enabledOnly('Model {modelName}', firstOfModel))
  const lacking = operation === 'chatCompletions' ? lackingByVersion.get(version) : undefined
  if (lacking === undefined || lacking.length === 0) return undefined
  const body = request.json
  if (!isRecord(body)) return undefined
  for (const { isUsed, message, first: firstOfFeature } of lacking) {
    if (isUsed(body)) return badRequest(enabledOnly(message, firstOfFeature))
  }
  return undefined
}

function enabledOnly(subject: string, first: string): string {
  return `${subject} is enabled only for api versions ${first} and later`
}

function badRequest(message: string): ServiceError {
  return gatewayError('resource', 400, 'BadRequest', message)
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
