import { isRecord } from '../lib/record.ts'
import { assumeModel } from './models/assume-model.ts'
import { allEfforts } from './models/model-capabilities.ts'
import { builtInCatalogue, findModel } from './models/model-catalogue.ts'
import type { Model } from './models/models.ts'
import type { Operation } from './route.ts'
import { isSet, type JsonObject } from './validation/fault.ts'
import { LOGPROBS, reasonsFor, refusedSampling } from './validation/model-rules.ts'

/** The normalisations of requests, in the order in which they are applied: sampling depends on the effort. */
export const normalizationNames = [
  'max-tokens',
  'roles',
  'max-completion-tokens',
  'effort',
  'sampling',
  'verbosity',
  'parallel-tool-calls',
  'stream-options',
] as const

/** One of `normalizationNames`. */
export type NormalizationName = (typeof normalizationNames)[number]

/** The normalisations that are on by default. They keep the meaning of a request. */
export const defaultNormalizations: ReadonlySet<NormalizationName> = new Set(['max-tokens', 'roles'])

/** A normalisation. Returns the same body if the model accepts it. */
interface Normalization {
  /** What it does, for the documentation. */
  readonly description: string
  readonly operations: readonly Operation[]
  readonly apply: (body: JsonObject, model: Model, operation: Operation) => JsonObject
}

/** The normalisations by name. */
export const normalizations: Readonly<Record<NormalizationName, Normalization>> = {
  'max-tokens': {
    description:
      'Renames `max_tokens` to `max_completion_tokens` for models that refuse `max_tokens`. If both are set, `max_completion_tokens` applies.',
    operations: ['chatCompletions'],
    apply: (body, { capabilities }) =>
      capabilities.parameters['max_tokens'] === 'unsupported'
        ? renamed(body, 'max_tokens', 'max_completion_tokens')
        : body,
  },
  roles: {
    description:
      'Renames the role `developer` to `system`, or `system` to `developer`, for models that know only the other one. Both become `user` for models without them (o1-mini, o1-preview).',
    operations: ['chatCompletions'],
    apply: withKnownRoles,
  },
  'max-completion-tokens': {
    description:
      'Renames `max_completion_tokens` to `max_tokens` for models of other providers that know only `max_tokens` (DeepSeek, Llama, Mistral).',
    operations: ['chatCompletions'],
    apply: (body, model) =>
      olderApiOf(model)?.maxCompletionTokens === false
        ? renamed(body, 'max_completion_tokens', 'max_tokens')
        : body,
  },
  effort: {
    description:
      'Replaces a reasoning effort that the model does not have by the nearest one that it has. Removes the effort for models without reasoning.',
    operations: ['chatCompletions', 'responses'],
    apply: withKnownEffort,
  },
  sampling: {
    description:
      'Removes parameters that reasoning models refuse: `temperature`, `top_p`, the penalties and log probabilities (`logprobs`, `top_logprobs`, `include`) unless they have their default, and `stop`, `logit_bias` and `prediction`.',
    operations: ['chatCompletions', 'responses'],
    apply: withoutRefusedSampling,
  },
  verbosity: {
    description: 'Removes a verbosity that the model does not have.',
    operations: ['chatCompletions', 'responses'],
    apply: withKnownVerbosity,
  },
  'parallel-tool-calls': {
    description: 'Removes `parallel_tool_calls` for models that refuse it.',
    operations: ['chatCompletions'],
    apply: (body, { capabilities }) =>
      capabilities.parallelToolCalls ? body : without(body, ['parallel_tool_calls']),
  },
  'stream-options': {
    description: 'Removes `stream_options` from requests without `stream`.',
    operations: ['chatCompletions', 'completions', 'responses'],
    apply: (body) => (body['stream'] === true ? body : without(body, ['stream_options'])),
  },
}

/** Models of other providers that know less than chat completions has. */
interface OlderApi {
  readonly models: RegExp
  readonly developerRole: boolean
  readonly maxCompletionTokens: boolean
}

/**
 * Sources: CherryHQ/cherry-studio#12325 (DeepSeek on Azure, 2026-01), DayuanJiang/next-ai-draw-io#304 (Qwen, 2025-12), the API reference
 * of Mistral and the model card of Llama 3.1 for the roles.
 */
const olderApis: readonly OlderApi[] = [
  { models: /deepseek|llama|mi[sn]tral|mixtral|codestral/, developerRole: false, maxCompletionTokens: false },
  { models: /qwen/, developerRole: false, maxCompletionTokens: true },
]

function olderApiOf({ errorName }: Model): OlderApi | undefined {
  const name = errorName.toLowerCase()
  return olderApis.find(({ models }) => models.test(name))
}

/**
 * Changes a request so that the model accepts it. Returns the same object if nothing has to change. Never throws: values of a wrong type
 * are left to the validation of the service.
 *
 * @param body the body in the API of `operation`
 * @param model the model of the deployment, or the name of one
 * @param on the normalisations to apply
 */
export function normalizeRequest(
  body: JsonObject,
  operation: Operation | undefined,
  model: Model | string,
  on: ReadonlySet<NormalizationName>,
): JsonObject {
  if (operation === undefined || on.size === 0) return body
  const known = typeof model === 'string' ? modelOf(model) : model
  if (known === undefined) return body
  let normalized = body
  for (const name of normalizationNames) {
    const { operations, apply } = normalizations[name]
    if (on.has(name) && operations.includes(operation)) normalized = apply(normalized, known, operation)
  }
  return normalized
}

function modelOf(name: string): Model | undefined {
  return findModel(name) ?? assumeModel(name, builtInCatalogue)
}

/** Renames a member in its place. A member that has the new name already keeps its value. */
function renamed(body: JsonObject, from: string, to: string): JsonObject {
  if (!isSet(body[from])) return body
  const isTaken = isSet(body[to])
  const entries = Object.entries(body).flatMap(([name, value]): [string, unknown][] => {
    if (name === from) return isTaken ? [] : [[to, value]]
    return name === to && !isTaken ? [] : [[name, value]]
  })
  return Object.fromEntries(entries)
}

function without(body: JsonObject, names: readonly string[]): JsonObject {
  const present = names.filter((name) => isSet(body[name]))
  if (present.length === 0) return body
  return Object.fromEntries(Object.entries(body).filter(([name]) => !present.includes(name)))
}

function withKnownRoles(body: JsonObject, model: Model): JsonObject {
  const { messages } = body
  if (!Array.isArray(messages)) return body
  const developer = model.capabilities.developerRole && olderApiOf(model)?.developerRole !== false
  const { systemRole: system } = model.capabilities
  if (developer && system) return body
  const known = system ? 'system' : developer ? 'developer' : 'user'
  let isChanged = false
  const changed = (messages as readonly unknown[]).map((message) => {
    const role = isRecord(message) ? message['role'] : undefined
    if (!(role === 'developer' && !developer) && !(role === 'system' && !system)) return message
    isChanged = true
    return Object.assign({}, message, { role: known })
  })
  return isChanged ? { ...body, messages: changed } : body
}

function withoutRefusedSampling(body: JsonObject, model: Model, operation: Operation): JsonObject {
  const api = operation === 'responses' ? 'responses' : 'chat'
  const accepted = without(body, refusedSampling(body, model, api))
  const { include } = body
  if (api === 'chat' || !Array.isArray(include) || !include.includes(LOGPROBS)) return accepted
  if (!reasonsFor(body, model, api)) return accepted
  return { ...accepted, include: (include as readonly unknown[]).filter((value) => value !== LOGPROBS) }
}

function withKnownEffort(body: JsonObject, { capabilities }: Model, operation: Operation): JsonObject {
  if (operation === 'responses') {
    const { reasoning } = body
    if (!isRecord(reasoning)) return body
    const changed = withEffort(reasoning, 'effort', capabilities.responsesEfforts)
    if (changed === reasoning) return body
    return Object.keys(changed).length > 0 ? { ...body, reasoning: changed } : without(body, ['reasoning'])
  }
  return withEffort(body, 'reasoning_effort', capabilities.efforts)
}

function withEffort(object: JsonObject, name: string, known: readonly string[]): JsonObject {
  const effort = object[name]
  const rank = allEfforts.findIndex((one) => one === effort)
  if (rank < 0 || known.includes(effort as string)) return object
  const [nearest] = known.toSorted((a, b) => distance(a, rank) - distance(b, rank))
  return nearest === undefined ? without(object, [name]) : { ...object, [name]: nearest }
}

/** Two efforts can have the same distance. The lower one applies, because efforts are listed in ascending order. */
function distance(effort: string, rank: number): number {
  return Math.abs(allEfforts.findIndex((one) => one === effort) - rank)
}

function withKnownVerbosity(body: JsonObject, { capabilities }: Model, operation: Operation): JsonObject {
  const isKnown = (value: unknown): boolean =>
    typeof value !== 'string' || capabilities.verbosities.includes(value)
  if (operation !== 'responses') return isKnown(body['verbosity']) ? body : without(body, ['verbosity'])
  const { text } = body
  if (!isRecord(text) || isKnown(text['verbosity'])) return body
  return { ...body, text: without(text, ['verbosity']) }
}
