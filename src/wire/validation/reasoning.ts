import { faultHere, plainFault, quotedList, under, wrongType, type Fault } from './fault.ts'
import type { Rule } from './validate-body.ts'

/** Efforts by the start of a model's name, first match; from Azure's documentation of reasoning models. */
const effortsByName: readonly (readonly [start: string, efforts: readonly string[]])[] = [
  ['o', ['low', 'medium', 'high']],
  ['codex-mini', ['low', 'medium', 'high']],
  ['gpt-oss', ['low', 'medium', 'high']],
  ['gpt-5.1', ['none', 'low', 'medium', 'high']],
  ['gpt-5.', ['none', 'low', 'medium', 'high', 'xhigh']],
  ['gpt-5', ['minimal', 'low', 'medium', 'high']],
]
const newestEfforts = ['none', 'low', 'medium', 'high', 'xhigh']

/** Refuses a `reasoning_effort` that the model does not offer, and any where the model does not reason. */
export const effortIsOffered: Rule = ({ reasoning_effort: effort }, model) => {
  if (effort === undefined || effort === null) return undefined
  if (!model.reasoning) return plainFault(null, 'Unrecognized request argument supplied: reasoning_effort')
  const offered = effortsByName.find(([start]) => model.name.startsWith(start))?.[1] ?? newestEfforts
  if (typeof effort !== 'string') {
    return under('.reasoning_effort', wrongType(`one of ${quotedList(offered, 'or')}`, effort))
  }
  if (offered.includes(effort)) return undefined
  const list = quotedList(offered, 'and')
  return under(
    '.reasoning_effort',
    faultHere(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${effort}' with this model. Supported values are: ${list}.`,
    ),
  )
}

/** What a model takes while it reasons, in the order of refusal: the default and nothing else. */
const refusedWhileReasoning: readonly (readonly [name: string, onlyValue: unknown])[] = [
  ['temperature', 1],
  ['top_p', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
]

/** Refuses sampling parameters while the model reasons; with effort `none` it takes them. Defaults always pass. */
export const samplingIsOff: Rule = (body, model) => {
  if (!model.reasoning || body['reasoning_effort'] === 'none') return undefined
  for (const [name, onlyValue] of refusedWhileReasoning) {
    const value = body[name]
    if (value !== undefined && value !== null && value !== onlyValue) return refused(name, value)
  }
  return undefined
}

function refused(name: string, value: unknown): Fault {
  const fault =
    name === 'temperature'
      ? faultHere(
          'unsupported_value',
          (path) =>
            `Unsupported value: '${path}' does not support ${String(value)} with this model. Only the default (1) value is supported.`,
        )
      : faultHere(
          'unsupported_parameter',
          (path) => `Unsupported parameter: '${path}' is not supported with this model.`,
        )
  return under(`.${name}`, fault)
}
