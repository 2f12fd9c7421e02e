import { isRecord } from '../../lib/record.ts'
import { isSet, plainFault, type Fault, type JsonObject, type Rule } from '../validation/fault.ts'

/**
 * Rejects parameters without the list that they refer to. Sources: openai/openai-agents-python#4326 (Azure, 2026-08) and
 * BerriAI/litellm#41781 for tools. An empty list has its own fault, so it does not get here.
 */
export const listIsSpecified: Rule = (body) =>
  needsList(body, 'function_call', 'functions') ??
  needsList(body, 'tool_choice', 'tools') ??
  needsList(body, 'parallel_tool_calls', 'tools')

function needsList(body: JsonObject, name: string, list: 'functions' | 'tools'): Fault | undefined {
  if (!isSet(body[name]) || isSet(body[list])) return undefined
  const message = `Invalid value for '${name}': '${name}' is only allowed when '${list}' are specified.`
  return plainFault(name, message)
}

/** Rejects a choice of a function or tool that the request does not declare. */
export const chosenToolIsDeclared: Rule = (body) => {
  const { function_call: call, tool_choice: choice } = body
  const called = isRecord(call) ? nameIn(call) : undefined
  if (called !== undefined && !declares(body['functions'], (it) => nameIn(it) === called)) {
    return undeclaredFunction(called)
  }
  if (!isRecord(choice)) return undefined
  const allowed = choice['allowed_tools']
  if (!isRecord(allowed)) return undeclaredTool(choice, body['tools'])
  for (const tool of allowed['tools'] as readonly JsonObject[]) {
    const fault = undeclaredTool(tool, body['tools'])
    if (fault) return fault
  }
  return undefined
}

function undeclaredTool(choice: JsonObject, tools: unknown): Fault | undefined {
  const kind = choice['type'] === 'custom' ? 'custom' : 'function'
  const name = nameIn(choice[kind])
  if (name === undefined || declares(tools, (it) => nameIn(it[kind]) === name)) return undefined
  if (kind === 'function') return undeclaredFunction(name)
  // Not captured: the message for a function, with the other kind of tool.
  const message = `Invalid value for 'tool_choice': no custom tool named '${name}' was specified in the 'tools' parameter.`
  return plainFault('tool_choice', message)
}

/** The message for functions and tools is that of functions. */
function undeclaredFunction(name: string): Fault {
  return plainFault(
    'function_call',
    `Invalid value for 'function_call': no function named '${name}' was specified in the 'functions' parameter.`,
  )
}

function declares(list: unknown, isChosen: (it: JsonObject) => boolean): boolean {
  return Array.isArray(list) && (list as readonly JsonObject[]).some(isChosen)
}

function nameIn(value: unknown): string | undefined {
  return isRecord(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

/** Rejects two limits of the completion (langchain-ai/langgraph#5943, gpt-4.1, 2025-08). */
export const limitIsSetOnce: Rule = ({ max_tokens: older, max_completion_tokens: newer }) =>
  isSet(older) && isSet(newer)
    ? plainFault(
        'max_tokens',
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        'invalid_parameter_combination',
      )
    : undefined

/** Rejects `metadata` of a completion that is not stored (langgenius/dify-official-plugins#3233 on Azure, 2026-05). */
export const metadataNeedsStore: Rule = ({ metadata, store }) =>
  isSet(metadata) && store !== true
    ? plainFault('metadata', "The 'metadata' parameter is only allowed when 'store' is enabled.")
    : undefined

/** Parameters that cannot be used with `prediction` (Microsoft Learn, "Predicted outputs"), with the values that are accepted. */
const withoutPrediction: readonly (readonly [name: string, isAccepted: (value: unknown) => boolean])[] = [
  ['n', (n) => n === 1],
  ['tools', () => false],
  ['logprobs', (logprobs) => logprobs === false],
  ['presence_penalty', (penalty) => (penalty as number) <= 0],
  ['frequency_penalty', (penalty) => (penalty as number) <= 0],
  ['audio', () => false],
]

/** Rejects parameters that cannot be used with `prediction`. The message is not captured: it is that of similar rules. */
export const predictionStandsAlone: Rule = (body) => {
  if (!isSet(body['prediction'])) return undefined
  for (const [name, isAccepted] of withoutPrediction) {
    const value = body[name]
    if (!isSet(value) || isAccepted(value)) continue
    return plainFault(
      name,
      `Invalid value for '${name}': '${name}' is not allowed when 'prediction' is specified.`,
    )
  }
  return undefined
}
