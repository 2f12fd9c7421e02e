import { isRecord } from '../../lib/record.ts'
import type { Model } from '../models/models.ts'
import { allEfforts } from '../models/model-capabilities.ts'
import {
  createFault,
  isSet,
  notOneOf,
  plainFault,
  prefixPath,
  quotedList,
  wrongType,
  type Fault,
  type JsonObject,
  type Rule,
} from './fault.ts'

/** Others are invalid for every model. */
const efforts: readonly string[] = allEfforts

/** The value of a parameter is valid, but not for this model. The text of chat completions. */
function unsupportedValue(name: string, shown: string, supported: readonly string[]): Fault {
  const list = quotedList(supported, 'and')
  const message = (path: string) =>
    `Unsupported value: '${path}' does not support ${shown} with this model. Supported values are: ${list}.`
  return prefixPath(`.${name}`, createFault('unsupported_value', message))
}

/** The text of responses (openai/codex#6647 and #9035, 2025-11 and 2026-01). */
function unsupportedInResponses(param: string, value: string, supported: readonly string[], model: Model) {
  const list = quotedList(supported, 'and')
  const message = `Unsupported value: '${value}' is not supported with the '${model.errorName}' model. Supported values are: ${list}.`
  return plainFault(param, message, 'unsupported_value')
}

function unsupportedParameter(param: string, code: string | null): Fault {
  return plainFault(param, `Unsupported parameter: '${param}' is not supported with this model.`, code)
}

const rolesAreSupported: Rule = ({ messages }, { capabilities }) => {
  if (capabilities.systemRole && capabilities.developerRole) return undefined
  for (const [index, { role }] of (messages as readonly JsonObject[]).entries()) {
    const isRefused =
      (role === 'system' && !capabilities.systemRole) || (role === 'developer' && !capabilities.developerRole)
    if (!isRefused) continue
    const message = (path: string) =>
      `Unsupported value: '${path}' does not support '${role}' with this model.`
    return prefixPath(`.messages[${index}].role`, createFault('unsupported_value', message))
  }
  return undefined
}

const streamIsSupported: Rule = ({ stream }, { capabilities }) => {
  if (stream !== true || capabilities.streaming) return undefined
  const message = (path: string) =>
    `Unsupported value: '${path}' does not support true with this model. Supported values are: false.`
  return prefixPath('.stream', createFault('unsupported_value', message))
}

const effortIsSupported: Rule = ({ reasoning_effort: effort }, { capabilities }) => {
  if (!isSet(effort)) return undefined
  const step = '.reasoning_effort'
  if (typeof effort !== 'string') {
    return prefixPath(step, wrongType(`one of ${quotedList(capabilities.efforts, 'or')}`, effort))
  }
  if (capabilities.efforts.includes(effort)) return undefined
  if (!efforts.includes(effort)) return prefixPath(step, notOneOf(effort, efforts))
  return unsupportedValue('reasoning_effort', `'${effort}'`, capabilities.efforts)
}

/** Tools that are not functions are accepted. */
const toolsFitReasoning: Rule = ({ tools, reasoning_effort: effort }, { errorName, capabilities }) => {
  const { toolsWithReasoning, defaultEffort } = capabilities
  if (toolsWithReasoning === 'accepted' || !Array.isArray(tools) || !tools.some(isFunctionTool)) {
    return undefined
  }
  const isDefault = !isSet(effort)
  if ((isDefault ? defaultEffort : effort) === 'none') return undefined
  if (toolsWithReasoning === 'effort-refused' && isDefault) return undefined
  const advice =
    toolsWithReasoning === 'effort-refused'
      ? 'Please use /v1/responses instead.'
      : "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
  return plainFault(
    'reasoning_effort',
    `Function tools with reasoning_effort are not supported for ${errorName} in /v1/chat/completions. ${advice}`,
  )
}

function isFunctionTool(tool: unknown): boolean {
  return isRecord(tool) && tool['type'] === 'function'
}

const verbosityIsSupported: Rule = ({ verbosity }, { capabilities: { verbosities } }) =>
  typeof verbosity !== 'string' || verbosities.includes(verbosity)
    ? undefined
    : unsupportedValue('verbosity', `'${verbosity}'`, verbosities)

/**
 * Public reports (gpt-4.1 on Azure, March 2026: OpenHands/software-agent-sdk#2295; with the code: OpenAI, 2026). The text for a
 * retention that a model with other retentions does not have is not captured.
 */
const retentionIsSupported: Rule = ({ prompt_cache_retention: retention }, { capabilities }) =>
  typeof retention !== 'string' || capabilities.cacheRetentions.includes(retention)
    ? undefined
    : plainFault(
        'prompt_cache_retention',
        'prompt_cache_retention is not supported on this model',
        'invalid_parameter',
      )

/** Public reports of 2024 and 2025. For responses, the text of chat completions with the other name is assumed. */
function formatFault(parameter: string, format: unknown, { capabilities }: Model): Fault | undefined {
  const type = isRecord(format) ? format['type'] : undefined
  const message = `Invalid parameter: '${parameter}' of type '${String(type)}' is not supported with this model.`
  if (type === 'json_object' && !capabilities.jsonMode) return plainFault(parameter, message)
  if (type !== 'json_schema' || capabilities.structuredOutputs) return undefined
  return plainFault(
    null,
    `${message} Learn more about supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs`,
  )
}

const formatIsSupported: Rule = (body, model) =>
  formatFault('response_format', body['response_format'], model)

/** Defaults of parameters that accept no other value while the model reasons, in the order in which others are rejected. */
const onlyValues: readonly (readonly [name: string, onlyValue: unknown])[] = [
  ['temperature', 1],
  ['top_p', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
]

function reasons(effort: unknown, { reasoning, capabilities }: Model): boolean {
  return reasoning && (isSet(effort) ? effort : capabilities.defaultEffort) !== 'none'
}

/** Returns the first parameter with another value than its default, if the model reasons. */
function notDefault(body: JsonObject, effort: unknown, model: Model): string | undefined {
  const { parameters } = model.capabilities
  if (!reasons(effort, model)) return undefined
  return onlyValues.find(
    ([name, onlyValue]) => parameters[name] === 'default' && isSet(body[name]) && body[name] !== onlyValue,
  )?.[0]
}

/** Whether the model reasons for a request. */
export function reasonsFor(body: JsonObject, model: Model, api: 'chat' | 'responses'): boolean {
  return reasons(api === 'chat' ? body['reasoning_effort'] : effortIn(body), model)
}

const samplingNames = [...onlyValues.map(([name]) => name), 'stop', 'logit_bias', 'prediction']

/**
 * Returns the parameters of sampling in a request that the model refuses: those that it does not have, and while it reasons those with
 * another value than the default.
 */
export function refusedSampling(
  body: JsonObject,
  model: Model,
  api: 'chat' | 'responses',
): readonly string[] {
  const { parameters } = model.capabilities
  const isReasoning = reasons(api === 'chat' ? body['reasoning_effort'] : effortIn(body), model)
  const defaults = new Map(onlyValues)
  return samplingNames.filter((name) => {
    if (!isSet(body[name])) return false
    const support = parameters[name]
    return (
      support === 'unsupported' || (support === 'default' && isReasoning && body[name] !== defaults.get(name))
    )
  })
}

/** Default values are always accepted. */
const samplingFitsReasoning: Rule = (body, model) => {
  const name = notDefault(body, body['reasoning_effort'], model)
  if (name === undefined) return undefined
  if (name !== 'temperature') return unsupportedParameter(name, 'unsupported_parameter')
  const message = `Unsupported value: 'temperature' does not support ${String(body[name])} with this model. Only the default (1) value is supported.`
  return plainFault(name, message, 'unsupported_value')
}

/**
 * The largest completion in which a reasoning model cannot begin its message. 1 is reported for gpt-5.4-mini and gpt-5.6-sol on Azure
 * (nesszer/Win-CodexBar#524, steipete/CodexBar#2867, 2026). The frame of a message has 3 tokens in bills of 2026-10.
 */
const FRAME_TOKENS = 3

const messageFitsCompletion: Rule = ({ max_completion_tokens: max }, { reasoning }) =>
  !reasoning || typeof max !== 'number' || max > FRAME_TOKENS
    ? undefined
    : plainFault(
        null,
        'Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.',
      )

/** Rules between a chat request and the capabilities of the model, in the order in which they are reported. */
export const chatModelRules: readonly Rule[] = [
  rolesAreSupported,
  streamIsSupported,
  effortIsSupported,
  toolsFitReasoning,
  verbosityIsSupported,
  retentionIsSupported,
  formatIsSupported,
  samplingFitsReasoning,
  messageFitsCompletion,
]

const responsesEffortIsSupported: Rule = ({ reasoning }, model) => {
  const effort = isRecord(reasoning) ? reasoning['effort'] : undefined
  if (typeof effort !== 'string') return undefined
  const { responsesEfforts } = model.capabilities
  const param = 'reasoning.effort'
  if (responsesEfforts.length === 0) return unsupportedParameter(param, 'unsupported_parameter')
  if (responsesEfforts.includes(effort)) return undefined
  if (!efforts.includes(effort)) return prefixPath(`.${param}`, notOneOf(effort, efforts))
  return unsupportedInResponses(param, effort, responsesEfforts, model)
}

const responsesVerbosityIsSupported: Rule = ({ text }, model) => {
  const verbosity = isRecord(text) ? text['verbosity'] : undefined
  const { verbosities } = model.capabilities
  if (typeof verbosity !== 'string' || verbosities.includes(verbosity)) return undefined
  return unsupportedInResponses('text.verbosity', verbosity, verbosities, model)
}

/** The list in the message is that of the API description; the message itself is not captured. */
export const includesAreSupported: Rule = ({ include }, { capabilities }) => {
  if (!Array.isArray(include)) return undefined
  for (const [index, value] of (include as readonly string[]).entries()) {
    if (!capabilities.includes.includes(value)) {
      return prefixPath(`.include[${index}]`, notOneOf(value, capabilities.includes))
    }
    if (value === 'reasoning.encrypted_content' && !capabilities.encryptedReasoning) {
      return plainFault('include', 'Encrypted content is not supported with this model.')
    }
  }
  return undefined
}

const responsesFormatIsSupported: Rule = ({ text }, model) =>
  isRecord(text) ? formatFault('text.format', text['format'], model) : undefined

/** Here the error has no code (public reports, 2025 and 2026). */
const responsesSamplingFitsReasoning: Rule = (body, model) => {
  const { parameters } = model.capabilities
  const name =
    onlyValues.find(([it]) => parameters[it] === 'unsupported' && isSet(body[it]))?.[0] ??
    notDefault(body, effortIn(body), model)
  return name === undefined ? undefined : unsupportedParameter(name, null)
}

/** The value of `include` of the Responses API for log probabilities. */
export const LOGPROBS = 'message.output_text.logprobs'

/** vllm-project/vllm#23319 (gpt-5-mini, 2025-08). */
const responsesLogprobsFitReasoning: Rule = (body, model) => {
  const { include } = body
  if (!Array.isArray(include) || !include.includes(LOGPROBS)) return undefined
  return reasons(effortIn(body), model)
    ? plainFault('include', 'logprobs are not supported with reasoning models.', 'unsupported_parameter')
    : undefined
}

function effortIn({ reasoning }: JsonObject): unknown {
  return isRecord(reasoning) ? reasoning['effort'] : undefined
}

/** Sources: openai/codex#2625 (gpt-5) and openai/openai-cua-sample-app#37 (2025). Refusals of models without reasoning are not captured. */
const summaryIsSupported: Rule = ({ reasoning }, model) => {
  if (!isRecord(reasoning)) return undefined
  const { summaries } = model.capabilities
  for (const member of ['summary', 'generate_summary']) {
    const summary = reasoning[member]
    const param = `reasoning.${member}`
    if (typeof summary !== 'string' || summary === 'auto' || summaries.includes(summary)) continue
    return unsupportedInResponses(param, summary, summaries, model)
  }
  return undefined
}

/** Rules between a Responses request and the capabilities of the model, in the order in which they are reported. */
export const responsesModelRules: readonly Rule[] = [
  responsesEffortIsSupported,
  summaryIsSupported,
  responsesVerbosityIsSupported,
  includesAreSupported,
  responsesLogprobsFitReasoning,
  retentionIsSupported,
  responsesFormatIsSupported,
  responsesSamplingFitsReasoning,
]
