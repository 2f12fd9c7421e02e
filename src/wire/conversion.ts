import { shortText } from '../lib/error-text.ts'
import type { ServiceError } from './errors.ts'
import { modelError } from './errors.ts'
import type { ClaudeTraits } from './models/claude-traits.ts'
import type { Operation } from './route.ts'

/** APIs of language models between which requests and answers are converted: chat completions, Responses, Anthropic Messages. */
export const apiForms = ['chat', 'responses', 'messages'] as const

/** One of `apiForms`. */
export type ApiForm = (typeof apiForms)[number]

/** The operation of each API that answers with a model. */
export const operationOfForm = {
  chat: 'chatCompletions',
  responses: 'responses',
  messages: 'messages',
} as const satisfies Readonly<Record<ApiForm, Operation>>

/** Returns the API of an operation that can be converted; undefined for any other operation. */
export function apiFormOf(operation: Operation | undefined): ApiForm | undefined {
  return apiForms.find((form) => operationOfForm[form] === operation)
}

/** Operations with a model that only one API has. */
const operationsOfOneForm: Readonly<Partial<Record<Operation, ApiForm>>> = {
  countInputTokens: 'responses',
  compactConversation: 'responses',
  countMessageTokens: 'messages',
}

/** Returns the API that an operation with a model belongs to; undefined for operations without a model, and of other APIs. */
export function apiFamilyOf(operation: Operation | undefined): ApiForm | undefined {
  return apiFormOf(operation) ?? (operation && operationsOfOneForm[operation])
}

/** The members of a JSON object. */
export type JsonMembers = Readonly<Record<string, unknown>>

/** How a request is converted. */
export interface ConversionOptions {
  /** `model` of the converted request. */
  readonly model: string
  /**
   * Parameters that are left out if the target API does not have them, by their name in the request without indexes: `logit_bias`,
   * `messages.name`, `tools.web_search`. See `isDropped`.
   */
  readonly drop: ReadonlySet<string>
  /** The maximum number of output tokens of the model, for APIs that require one; undefined if unknown. */
  readonly maxOutputTokens: number | undefined
  /** What the model accepts if it is a Claude model; absent for others and unknown ones. */
  readonly claude?: ClaudeTraits | undefined
  /** The API of the upstream, if the converted request is converted again. */
  readonly upstreamForm?: ApiForm
}

/** The converted body of a request, or the error of a request that the target API cannot express. */
export type Converted =
  | { readonly kind: 'converted'; readonly body: JsonMembers }
  | { readonly kind: 'refused'; readonly error: ServiceError }

/** Names of the APIs in messages. */
export const apiNames: Readonly<Record<ApiForm, string>> = {
  chat: 'chat completions',
  responses: 'the Responses API',
  messages: 'Anthropic Messages',
}

/** The name of a parameter under `drop`: its path without indexes (`messages.name` for `messages[0].name`). */
export function dropNameOf(param: string): string {
  return param.replaceAll(/\[\d+\]/g, '')
}

/** Whether `drop` lists a name or a parent of it: `tools` covers `tools.web_search`. */
export function isDropped(drop: ReadonlySet<string>, name: string): boolean {
  if (drop.size === 0) return false
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    if (drop.has(name.slice(0, end))) return true
  }
  return false
}

/** 400: the API of the upstream has no equivalent of a parameter. `dropName` is its name under `drop`. */
export function notConvertible(
  param: string,
  target: ApiForm,
  why?: string,
  dropName = dropNameOf(param),
): ServiceError {
  const reason = why ?? `${apiNames[target]} has no equivalent`
  const shown = shortText(param)
  const message = `Could not convert '${shown}' for the upstream of this deployment: ${reason}. Remove it, or list '${shortText(dropName)}' under 'drop' of the deployment.`
  return { ...modelError(message, shown, 'unsupported_parameter'), envelope: 'compact' }
}
