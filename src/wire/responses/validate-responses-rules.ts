import { defaultEffort } from './responses-defaults.ts'
import { isMessage, type ResponsesItem } from './responses-item.ts'
import type { ResponsesRequest } from './responses-request.ts'
import { plainFault, type Fault, type Rule } from '../validation/fault.ts'
import { effortIsOffered } from '../validation/common-fields.ts'

/** The only place that reads a body as a request before it is one: rules run after every field has been checked. */
const asRequest = (body: unknown): ResponsesRequest => body as ResponsesRequest

const reasoningFitsModel: Rule = (body, model) => {
  const effort = asRequest(body).reasoning?.effort
  if (effort === undefined || effort === null) return undefined
  if (!model.reasoning) return unsupported('reasoning.effort', 'unsupported_parameter')
  const fault = effortIsOffered({ reasoning_effort: effort }, model)
  if (fault) fault.path = '.reasoning.effort'
  return fault
}

/** While a model thinks it takes the default and nothing else; here without a code (public reports, 2025 and 2026). */
const samplingFitsModel: Rule = (body, model) => {
  const request = asRequest(body)
  const effort = request.reasoning?.effort ?? defaultEffort(model)
  if (effort === null || effort === 'none') return undefined
  if (isOther(request.temperature, 1)) return unsupported('temperature', null)
  if (isOther(request.top_p, 1)) return unsupported('top_p', null)
  return isOther(request.top_logprobs, 0) ? unsupported('top_logprobs', null) : undefined
}

function isOther(value: number | null | undefined, onlyValue: number): boolean {
  return value !== undefined && value !== null && value !== onlyValue
}

function unsupported(param: string, code: string | null): Fault {
  return plainFault(param, `Unsupported parameter: '${param}' is not supported with this model.`, code)
}

/** Instructions do not count: the message says "input messages". An earlier response may have said it. */
const jsonIsAskedFor: Rule = (body) => {
  const { text, input, previous_response_id: previous } = asRequest(body)
  if (text?.format?.type !== 'json_object' || previous || saysJson(input)) return undefined
  return plainFault(
    'input',
    "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
  )
}

function saysJson(input: string | readonly ResponsesItem[]): boolean {
  if (typeof input === 'string') return input.toLowerCase().includes('json')
  return input.some((item) => {
    if (!isMessage(item)) return false
    const { content } = item
    if (typeof content === 'string') return saysJson(content)
    return content.some((part) => 'text' in part && saysJson(part.text))
  })
}

const backgroundIsStored: Rule = (body) => {
  const { background, store } = asRequest(body)
  if (background !== true || store !== false) return undefined
  return plainFault('background', "Background mode requires 'store' to be true.", 'invalid_value')
}

const streamOptionsNeedStream: Rule = (body) => {
  const { stream_options: options, stream } = asRequest(body)
  if (!options || stream === true) return undefined
  return plainFault(
    'stream_options',
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
  )
}

/** The rules between the fields of a Responses request, in the order in which they are reported. */
export const responsesRules: readonly Rule[] = [
  streamOptionsNeedStream,
  backgroundIsStored,
  reasoningFitsModel,
  jsonIsAskedFor,
  samplingFitsModel,
]
