import { isRecord } from '../../lib/record.ts'
import { cacheBreakpoint } from '../validation/prompt-cache-fields.ts'
import { fileId, fileUrl, responsesFileData, responsesPictureUrl } from '../media/media-checks.ts'
import { hostedToolItemTypes } from './responses-item.ts'
import { responsesTools } from './validate-responses-tools.ts'
import {
  arrayOf,
  textOrArray,
  anything,
  boolean,
  contentText,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  type Field,
} from '../validation/checks.ts'
import {
  missing,
  notOneOf,
  quotedList,
  prefixPath,
  wrongPrefix,
  wrongType,
  type Check,
  type Fault,
  type JsonObject,
} from '../validation/fault.ts'

const breakpoint = optional('prompt_cache_breakpoint', cacheBreakpoint)

const partFields: ReadonlyMap<string, Check> = new Map([
  ['input_text', objectOf([required('type', anything), required('text', contentText), breakpoint], 'ignore')],
  [
    'input_image',
    objectOf(
      [
        required('type', anything),
        optional('image_url', responsesPictureUrl),
        optional('file_id', fileId),
        optional('detail', oneOf('low', 'high', 'auto', 'original')),
        breakpoint,
      ],
      'ignore',
    ),
  ],
  ['output_text', objectOf([required('type', anything), required('text', contentText)], 'ignore')],
  ['refusal', objectOf([required('type', anything), required('refusal', contentText)], 'ignore')],
  [
    'input_file',
    objectOf(
      [
        required('type', anything),
        optional('file_id', fileId),
        optional('file_data', responsesFileData),
        optional('file_url', fileUrl),
        optional('filename', text()),
        breakpoint,
      ],
      'ignore',
    ),
  ],
  [
    'computer_screenshot',
    objectOf(
      [required('type', anything), optional('image_url', responsesPictureUrl), optional('file_id', fileId)],
      'ignore',
    ),
  ],
  ['summary_text', objectOf([required('type', anything), required('text', contentText)], 'ignore')],
])

function wrongNameType(step: string, value: unknown, names: readonly string[]): Fault {
  return prefixPath(step, wrongType(`one of ${quotedList(names, 'or')}`, value))
}

/** Accepts parts of the given types. Only here, the path in the error of the service is that of the part, not of its `type`. */
function partsOf(...types: readonly string[]): Check {
  const part: Check = (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    const { type } = value
    if (type === undefined) return missing('.type')
    if (typeof type !== 'string') return wrongNameType('.type', type, types)
    const check = types.includes(type) ? partFields.get(type) : undefined
    return check ? check(value) : notOneOf(type, types)
  }
  return arrayOf(part, { expected: 'an array of objects' })
}

const contentExpected = 'one of an array of objects or string'
const messageContent = textOrArray(contentExpected, contentText, partsOf(...partFields.keys()))
const assistantContent = textOrArray(contentExpected, contentText, partsOf('output_text', 'refusal'))
const toolOutput = textOrArray(
  contentExpected,
  contentText,
  partsOf('input_text', 'input_image', 'input_file'),
)

/** Fields that every item can have, since clients send back items of answers. */
const commonFields = [optional('type', anything), optional('id', text()), optional('status', text())]

const roles = ['assistant', 'system', 'developer', 'user']
const message = (content: Check): Check =>
  objectOf([
    ...commonFields,
    required('role', anything),
    required('content', content),
    optional('phase', oneOf('commentary', 'final_answer')),
  ])
const otherMessage = message(messageContent)
const assistantMessage = message(assistantContent)

const messageItem: Check = (item) => {
  if (!isRecord(item)) return wrongType('an object', item)
  const { role } = item
  if (role === undefined) return missing('.role')
  if (typeof role !== 'string') return wrongNameType('.role', role, roles)
  if (!roles.includes(role)) return notOneOf(role, roles)
  return role === 'assistant' ? assistantMessage(item) : otherMessage(item)
}

const call = (input: string): Check =>
  objectOf(
    [...commonFields, required('call_id', text()), required('name', text()), required(input, contentText)],
    'ignore',
  )
const callOutput = objectOf(
  [...commonFields, required('call_id', text({ minLength: 1 })), required('output', toolOutput)],
  'ignore',
)

const callIdField = required('call_id', text({ minLength: 1 }))

/** Required fields of the items with which a client answers hosted calls (OpenAI's specification). */
const hostedItemFields: Readonly<Record<string, readonly Field[]>> = {
  apply_patch_call_output: [callIdField, required('status', oneOf('completed', 'failed'))],
  computer_call_output: [callIdField, required('output', objectOf([required('type', anything)], 'ignore'))],
  mcp_approval_response: [required('approval_request_id', text()), required('approve', boolean)],
  shell_call_output: [
    callIdField,
    required('output', arrayOf(objectOf([], 'ignore'), { expected: 'an array of objects' })),
  ],
}

const itemTypes: ReadonlyMap<string, Check> = new Map(
  [
    ...hostedToolItemTypes.map((type): [string, Check] => [
      type,
      objectOf([...commonFields, ...(hostedItemFields[type] ?? [])], 'ignore'),
    ]),
    [
      'additional_tools',
      objectOf(
        [...commonFields, required('role', oneOf('developer')), required('tools', responsesTools)],
        'ignore',
      ),
    ] as [string, Check],
    ['compaction', objectOf([...commonFields, required('encrypted_content', text())], 'ignore')] as [
      string,
      Check,
    ],
    ['custom_tool_call', call('input')] as [string, Check],
    ['custom_tool_call_output', callOutput] as [string, Check],
    ['function_call', withId('fc', call('arguments'))] as [string, Check],
    ['function_call_output', callOutput] as [string, Check],
    ['item_reference', objectOf([optional('type', anything), required('id', text())])] as [string, Check],
    ['message', messageItem] as [string, Check],
    [
      'reasoning',
      withId(
        'rs',
        objectOf(
          [
            ...commonFields,
            required('summary', partsOf('summary_text')),
            optional('encrypted_content', text()),
            optional('content', anything),
          ],
          'ignore',
        ),
      ),
    ] as [string, Check],
    ['tool_search_output', objectOf([...commonFields, required('tools', responsesTools)], 'ignore')] as [
      string,
      Check,
    ],
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
)
const itemTypeNames = [...itemTypes.keys()]

/** Adds to a check that `id`, if present, has the prefix. */
function withId(prefix: string, check: Check): Check {
  return (value) => {
    const fault = check(value)
    if (fault !== undefined) return fault
    const { id } = value as JsonObject
    if (typeof id !== 'string' || id.startsWith(prefix)) return undefined
    return prefixPath('.id', wrongPrefix(id, prefix))
  }
}

const item: Check = (value) => {
  if (!isRecord(value)) return wrongType('an object', value)
  const { type, role, id } = value
  if (type === undefined || type === null) {
    return role === undefined && typeof id === 'string' ? undefined : messageItem(value)
  }
  if (typeof type !== 'string') return wrongNameType('.type', type, itemTypeNames)
  const check = itemTypes.get(type)
  // The path in the error of the service is that of the item, not of its `type`.
  return check ? check(value) : notOneOf(type, itemTypeNames)
}

/** `input`: a string or items. Does not check the order of items, which depends on stored responses. */
export const responsesInput = textOrArray(
  'one of a string or array of objects',
  contentText,
  arrayOf(item, { expected: 'an array of objects' }),
)
