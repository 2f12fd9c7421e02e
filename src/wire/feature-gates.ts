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
import { isAnthropicOperation, type Operation } from './route.ts'
import { isSet, type JsonObject } from './validation/fault.ts'

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

/** An argument of chat requests that older models do not know in older API versions. */
interface ArgumentGate {
  readonly name: string
  /** First API version with the argument. */
  readonly first: string
  /** Matches the names of the models without it. */
  readonly models: RegExp
}

/**
 * Models of which public reports show such refusals. Later models know every argument in every version: gpt-5-nano accepts
 * `reasoning_effort` with 2024-02-01 (capture of 2026).
 */
const olderModels = /^gpt-(35-turbo|4(?!\.))/

/**
 * Arguments of chat requests by first version. Sources of the refusals, with their versions:
 *
 * - `functions`: BerriAI/litellm#574 (2023-05-15). First version: Microsoft Learn, "API version lifecycle".
 * - `tools`: run-llama/llama_index#9062, MicrosoftDocs/azure-docs#118117 (2023). First version: Microsoft Learn, "Function calling".
 * - `seed`: sinaptik-ai/pandas-ai#749 (2023-08-01-preview). First version: Microsoft Learn, "Reproducible output".
 * - `logprobs`: openai/openai-python#1080 (2023-05-15).
 * - `data_sources`: Azure/azure-sdk-for-js#29259. First version: Microsoft Learn, "On Your Data".
 * - `max_completion_tokens`: openai/openai-python#1724, BerriAI/litellm#8855 (2024-08-01-preview). First version: "API version lifecycle".
 * - `stream_options`: openai/openai-python#1469, langchain-ai/langchain#23552 (2024-06). First version: "API version lifecycle".
 * - `parallel_tool_calls`: Azure/azure-rest-api-specs#29545, Azure/azure-sdk-for-net#45719, which works on gpt-4o-mini. First
 *   version: "API version lifecycle".
 * - `modalities`: RageAgainstThePixel/OpenAI-DotNet#382 (2024-11), griptape-ai/griptape#1693. First version: Azure/azure-sdk-for-go,
 *   azopenai 0.7.2, also for `audio`.
 */
export const argumentGates: readonly ArgumentGate[] = [
  { name: 'functions', first: '2023-07-01-preview', models: olderModels },
  { name: 'function_call', first: '2023-07-01-preview', models: olderModels },
  { name: 'tools', first: '2023-12-01-preview', models: olderModels },
  { name: 'tool_choice', first: '2023-12-01-preview', models: olderModels },
  { name: 'seed', first: '2023-12-01-preview', models: olderModels },
  { name: 'logprobs', first: '2024-02-01', models: olderModels },
  { name: 'top_logprobs', first: '2024-02-01', models: olderModels },
  { name: 'data_sources', first: '2024-02-01', models: olderModels },
  { name: 'max_completion_tokens', first: '2024-09-01-preview', models: olderModels },
  { name: 'stream_options', first: '2024-09-01-preview', models: olderModels },
  { name: 'parallel_tool_calls', first: '2024-09-01-preview', models: /^gpt-(35-turbo|4(?!\.|o-mini))/ },
  { name: 'modalities', first: '2025-01-01-preview', models: olderModels },
  { name: 'audio', first: '2025-01-01-preview', models: olderModels },
]

/** Returns the arguments of chat requests that the model does not know in this version: none in a version of v1 paths. */
export function unknownArguments({ name: model }: Model, version: string): ReadonlySet<string> {
  if (!apiVersions.includes(version)) return new Set()
  const gates = argumentGates.filter(({ first, models }) => isBefore(version, first) && models.test(model))
  return new Set(gates.map(({ name }) => name))
}

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
  if (isAnthropicOperation(operation)) return undefined
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
