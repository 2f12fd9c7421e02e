import { isRecord } from '../../lib/record.ts'
import {
  arrayOf,
  textOrArray,
  anything,
  contentText,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
  type Field,
} from '../validation/checks.ts'
import {
  type Check,
  createFault,
  isSet,
  missing,
  notOneOf,
  prefixPath,
  quotedList,
  wrongType,
  type Fault,
  type JsonObject,
  plainFault,
} from '../validation/fault.ts'
import { functionName, toolCalls } from './validate-chat-tools.ts'
import { cacheBreakpoint } from '../validation/prompt-cache-fields.ts'
import { chatFileData, chatPictureUrl, inputAudio } from '../media/media-checks.ts'
import type { ChatMessage } from './chat-request.ts'

// Unknown fields of a part are accepted: clients send `cache_control` of other services, and the service was observed to accept
// it. Inside `file`, it was observed to reject them.
const part = (...fields: readonly Field[]): Check => objectOf(fields, 'ignore')
const breakpoint = optional('prompt_cache_breakpoint', cacheBreakpoint)

const imageUrl = objectOf(
  [required('url', chatPictureUrl), optional('detail', oneOf('auto', 'low', 'high', 'original'))],
  'ignore',
)

const parts = arrayOf(
  variantsOf(
    'type',
    new Map([
      ['text', part(required('text', contentText), breakpoint)],
      ['image_url', part(required('image_url', imageUrl), breakpoint)],
      ['input_audio', part(required('input_audio', inputAudio), breakpoint)],
      ['refusal', part(required('refusal', contentText))],
      ['audio', part(required('audio', anything))],
      [
        'file',
        part(
          required(
            'file',
            objectOf([
              optional('file_id', text()),
              optional('file_data', chatFileData),
              optional('filename', text()),
            ]),
          ),
          breakpoint,
        ),
      ],
    ]),
  ),
  { expected: 'an array of objects' },
)

/** `content` of a message: a string, possibly empty, or content parts. */
const content = textOrArray('one of a string or array of objects', contentText, parts)

/** Per request. */
const MAX_MESSAGES = 2048
const MAX_NAME_LENGTH = 64
/** For ids of tool calls. */
const MAX_ID_LENGTH = 40

const speakerName = text({ minLength: 1, maxLength: MAX_NAME_LENGTH, pattern: /^[^\s<|\\/>]+$/ })

// Unknown fields are accepted, as on the service. A client can send back fields of an answer (`annotations`).
const message = (...fields: readonly Field[]): Check => objectOf(fields, 'ignore')

const speakerMessage = message(optional('content', content), optional('name', speakerName))

/** In the order of the error message of the service. */
const roles: ReadonlyMap<string, Check> = new Map([
  ['system', speakerMessage],
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
  ['user', speakerMessage],
  ['function', message(optional('content', content), optional('name', speakerName))],
  [
    'tool',
    message(optional('content', content), optional('tool_call_id', text({ maxLength: MAX_ID_LENGTH }))),
  ],
  // The service has a separate schema for it, with a different message for missing content.
  ['developer', message(required('content', content), optional('name', speakerName))],
])
const roleNames = [...roles.keys()]

const item: Check = (value) => {
  if (!isRecord(value)) return wrongType('an object', value)
  const { role } = value
  if (role === undefined) return missing('.role')
  if (typeof role !== 'string')
    return prefixPath('.role', wrongType(`one of ${quotedList(roleNames, 'or')}`, role))
  const check = roles.get(role)
  if (check === undefined) return prefixPath('.role', notOneOf(role, roleNames))
  const fault = check(value)
  if (fault !== undefined && fault.last !== true) return fault
  return imageFromUserOnly(value, role) ?? fault ?? missingContent(value, role)
}

/** `messages`: checks each message separately. `toolHistoryFault` checks their order. */
export const messages = arrayOf(item, { expected: 'an array of objects', min: 1, max: MAX_MESSAGES })

function imageFromUserOnly({ content }: JsonObject, role: string): Fault | undefined {
  if (role === 'user' || !Array.isArray(content)) return undefined
  if (!content.some((part: unknown) => isRecord(part) && part['type'] === 'image_url')) return undefined
  return createFault(
    'invalid_value',
    (path) =>
      `Invalid '${path}'. Image URLs are only allowed for messages with role 'user', but this message with role '${role}' contains an image URL.`,
  )
}

/** Null counts as missing. Only messages of the assistant can have other fields instead of content. */
function missingContent(message: JsonObject, role: string): Fault | undefined {
  if (isSet(message['content']) || (role === 'assistant' && substitutes.some((key) => isSet(message[key])))) {
    return undefined
  }
  return {
    path: '',
    code: null,
    message: () => "Invalid value for 'content': expected a string, got null.",
    // Only in this path, the service has a dot before the bracket.
    param: (path) => `${path.replace('[', '.[')}.content`,
    last: true,
  }
}

const substitutes = ['tool_calls', 'function_call', 'refusal', 'audio']

/**
 * Checks the order of messages: all calls of a message are answered by the messages directly after it, and each tool message
 * answers a call. Each message must be valid on its own. The cost is linear.
 */
export function toolHistoryFault(messages: readonly ChatMessage[]): Fault | undefined {
  let called: Set<string> | undefined
  let open: Set<string> | undefined
  for (const [i, message] of messages.entries()) {
    if (message.role === 'tool') {
      const fault = toolMessageFault(message, i, called)
      if (fault !== undefined) return fault
      open?.delete(message.tool_call_id ?? '')
      continue
    }
    if (open !== undefined && open.size > 0) return unanswered(open, `messages.[${i}].role`)
    called = idsOf(message)
    open = called && new Set(called)
    if (message.role === 'function' && !message.name) return missingName(i)
  }
  return open !== undefined && open.size > 0 ? unanswered(open, 'messages') : undefined
}

function idsOf(message: ChatMessage): Set<string> | undefined {
  if (message.role !== 'assistant' || !message.tool_calls) return undefined
  return new Set(message.tool_calls.map((call) => call.id))
}

function toolMessageFault(
  { tool_call_id: id }: ChatMessage,
  index: number,
  called: ReadonlySet<string> | undefined,
): Fault | undefined {
  const at = `messages.[${index}]`
  if (id === undefined || id === null) {
    return plainFault(
      `${at}.tool_call_id`,
      "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
    )
  }
  if (called === undefined) {
    return plainFault(
      `${at}.role`,
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    )
  }
  if (called.has(id)) return undefined
  return plainFault(
    `${at}.tool_call_id`,
    `Invalid parameter: 'tool_call_id' of '${id}' not found in 'tool_calls' of previous message.`,
  )
}

function unanswered(open: ReadonlySet<string>, param: string): Fault {
  return plainFault(
    param,
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
  )
}

function missingName(index: number): Fault {
  return plainFault(
    `messages.[${index}].name`,
    "Missing parameter 'name': messages with role 'function' must have a 'name'.",
  )
}
