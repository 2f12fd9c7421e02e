import { content } from './validate-chat-content.ts'
import { functionName, toolCalls } from './validate-chat-tools.ts'
import { arrayOf } from '../validation/collections.ts'
import {
  faultHere,
  isObject,
  missing,
  notOneOf,
  under,
  quotedList,
  wrongType,
  type Check,
  type Fault,
  type JsonObject,
} from '../validation/fault.ts'
import { objectOf, optional, required, type Field } from '../validation/object-of.ts'
import { text } from '../validation/scalars.ts'

/** Most messages of one request. */
const maxMessages = 2048
const maxNameLength = 64
/** Longest id of a tool call. */
const maxIdLength = 40

const speakerName = text({ minLength: 1, maxLength: maxNameLength, pattern: /^[^\s<|\\/>]+$/ })

// Other members pass, as on the service: a client may send back what an answer held (`annotations`).
const message = (...fields: readonly Field[]): Check => objectOf(fields, 'ignore')

const spoken = message(optional('content', content), optional('name', speakerName))

/** In the order of the service's message. */
const roles: ReadonlyMap<string, Check> = new Map([
  ['system', spoken],
  [
    'assistant',
    message(
      optional('content', content),
      optional('refusal', text()),
      optional('name', speakerName),
      optional('audio', objectOf([required('id', text())])),
      optional('function_call', objectOf([required('name', functionName), required('arguments', text())])),
      optional('tool_calls', toolCalls),
    ),
  ],
  ['user', spoken],
  ['function', message(optional('content', content), optional('name', speakerName))],
  ['tool', message(optional('content', content), optional('tool_call_id', text({ maxLength: maxIdLength })))],
  // Its own schema on the service, with its own words for missing content.
  ['developer', message(required('content', content), optional('name', speakerName))],
])
const roleNames = [...roles.keys()]

const item: Check = (value) => {
  if (!isObject(value)) return wrongType('an object', value)
  const { role } = value
  if (role === undefined) return missing('.role')
  if (typeof role !== 'string')
    return under('.role', wrongType(`one of ${quotedList(roleNames, 'or')}`, role))
  const check = roles.get(role)
  if (check === undefined) return under('.role', notOneOf(role, roleNames))
  return check(value) ?? imageFromUserOnly(value, role) ?? missingContent(value, role)
}

/** `messages`: roles, content by role, and each message's own members; not how messages follow each other. */
export const messages = arrayOf(item, { expected: 'an array of objects', min: 1, max: maxMessages })

function imageFromUserOnly({ content }: JsonObject, role: string): Fault | undefined {
  if (role === 'user' || !Array.isArray(content)) return undefined
  if (!content.some((part: unknown) => isObject(part) && part['type'] === 'image_url')) return undefined
  return faultHere(
    'invalid_value',
    (path) =>
      `Invalid '${path}'. Image URLs are only allowed for messages with role 'user', but this message with role '${role}' contains an image URL.`,
  )
}

/** Null is no content. What stands in for it does so for the assistant only, and not when it is null itself. */
function missingContent(message: JsonObject, role: string): Fault | undefined {
  if (
    isThere(message['content']) ||
    (role === 'assistant' && substitutes.some((key) => isThere(message[key])))
  ) {
    return undefined
  }
  return {
    path: '',
    code: null,
    message: () => "Invalid value for 'content': expected a string, got null.",
    // The service dots this one path in its own way.
    param: (path) => `${path.replace('[', '.[')}.content`,
    last: true,
  }
}

const substitutes = ['tool_calls', 'function_call', 'refusal', 'audio']

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}
