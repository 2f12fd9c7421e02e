import { isRecord } from '../../lib/record.ts'
import {
  arrayOf,
  textOrObject,
  anything,
  boolean,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
} from '../validation/checks.ts'
import { wrongType, type Check } from '../validation/fault.ts'

/** Tools or functions per request. */
export const MAX_TOOLS = 128
const MAX_NAME_LENGTH = 64
/** For ids of tool calls. */
const MAX_ID_LENGTH = 40
/** From Azure's documentation. */
const MAX_DESCRIPTION_LENGTH = 1_048_576

/** The name of a function, of a tool or of a schema. */
export const functionName = text({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: /^[a-zA-Z0-9_-]+$/ })

/** A JSON schema. `chatSchemasAreValid` and `responsesSchemasAreValid` validate its content. */
export const schema: Check = (value) => (isRecord(value) ? undefined : wrongType('an object', value))

/** A description of a tool or of a schema. */
export const description = text({ maxLength: MAX_DESCRIPTION_LENGTH })

const definitionFields = [
  required('name', functionName),
  optional('description', description),
  optional('parameters', schema),
  optional('strict', boolean),
]
const definition = objectOf(definitionFields)

/** `functions`, the older form of `tools`. */
export const functions = arrayOf(definition, {
  expected: 'an array of function definitions',
  min: 1,
  max: MAX_TOOLS,
})

const named = objectOf([required('name', functionName)])

/**
 * `tools`.
 *
 * @param unknownKeys for members of a function and of its tool. Bills show that models before gpt-5.6 ignore them.
 */
export function toolsWith(unknownKeys: 'refuse' | 'ignore'): Check {
  const tool = objectOf(
    [required('function', objectOf(definitionFields, unknownKeys)), required('type', anything)],
    unknownKeys,
  )
  return arrayOf(
    variantsOf(
      'type',
      new Map([
        ['function', tool],
        ['custom', customTool],
      ]),
    ),
    { expected: 'an array of objects', min: 1, max: MAX_TOOLS },
  )
}

const customTool = objectOf([
  required(
    'custom',
    objectOf([
      required('name', functionName),
      optional('description', description),
      optional('format', schema),
    ]),
  ),
  required('type', anything),
])

/** `function_call` of a request. */
export const functionCall = textOrObject(
  "one of one of 'none' or 'auto' or object",
  oneOf('none', 'auto'),
  named,
)

const chosenFunction = objectOf([required('function', named), required('type', oneOf('function'))])
const chosenCustomTool = objectOf([required('custom', named), required('type', anything)])
const allowedTool = variantsOf(
  'type',
  new Map([
    ['function', chosenFunction],
    ['custom', chosenCustomTool],
  ]),
)
const allowedTools = objectOf([
  required('mode', oneOf('auto', 'required')),
  required('tools', arrayOf(allowedTool, { expected: 'an array of objects' })),
])
const otherChoices: ReadonlyMap<unknown, Check> = new Map([
  ['custom', chosenCustomTool],
  ['allowed_tools', objectOf([required('allowed_tools', allowedTools), required('type', anything)])],
])

/** `tool_choice`. An object of unknown type is validated as a function, as measured on the service. */
export const toolChoice = textOrObject(
  "one of one of 'none', 'auto', or 'required' or object",
  oneOf('none', 'auto', 'required'),
  (value) => ((isRecord(value) && otherChoices.get(value['type'])) || chosenFunction)(value),
)

const callId = text({ maxLength: MAX_ID_LENGTH })

/** `tool_calls` of an assistant message. Rejects unknown fields, most often `index`, which clients copy from a stream. */
export const toolCalls = arrayOf(
  variantsOf(
    'type',
    new Map([
      [
        'function',
        objectOf([
          required('id', callId),
          required('type', anything),
          required('function', objectOf([required('name', functionName), required('arguments', text())])),
        ]),
      ],
      [
        'custom',
        objectOf([
          required('id', callId),
          required('type', anything),
          required('custom', objectOf([required('name', functionName), required('input', text())])),
        ]),
      ],
    ]),
  ),
  { expected: 'an array of objects', min: 1 },
)
