import { shortText } from '../../lib/error-text.ts'
import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { types, type Conversion } from '../convert-parameters.ts'
import { anything, arrayOf } from '../validation/checks.ts'
import { isSet, missing, wrongType, type Fault } from '../validation/fault.ts'

/** The calls of earlier messages, which results refer to. */
interface Calls {
  /** The kinds of tool calls by their ids. */
  readonly kinds: Map<string, 'function' | 'custom'>
  /** The ids that calls of functions in the older form (`function_call`) get, by the name of the function. */
  readonly ids: Map<string, string>
}

type ConvertMessage = (
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  calls: Calls,
) => readonly JsonMembers[]

const messageList = arrayOf(anything, { expected: 'an array of objects', min: 1 })

/**
 * Converts messages of chat completions to items of the Responses API, in their order. Members of messages that chat completions
 * ignores (such as `annotations` of answers that clients send back) are left out.
 */
export function itemsOfMessages(messages: unknown, conversion: Conversion): readonly JsonMembers[] {
  conversion.expect(messages, 'messages', messageList)
  const calls: Calls = { kinds: new Map(), ids: new Map() }
  return conversion
    .objects(messages, 'messages')
    .flatMap(([message, path]) =>
      conversion.byType(message, path, roles, 'role')(message, path, conversion, calls),
    )
}

const speaker: ConvertMessage = (message, path, conversion) => {
  leaveOutName(message, path, conversion)
  const content = requiredContent(message, path, conversion, inputParts)
  return [{ type: 'message', role: message['role'], content }]
}

/** In the order of the message of the service for an unknown role. */
const roles: ReadonlyMap<string, ConvertMessage> = new Map<string, ConvertMessage>([
  ['system', speaker],
  ['assistant', assistantItems],
  ['user', speaker],
  [
    'function',
    (message, path, conversion, calls) => {
      const name = conversion.text(message, 'name', path)
      const id = calls.ids.get(name)
      if (id === undefined) {
        conversion.leaveOut(
          path,
          `no earlier message calls the function '${shortText(name)}'`,
          'messages.function',
        )
        return []
      }
      return [output('function_call_output', id, requiredContent(message, path, conversion, inputParts))]
    },
  ],
  [
    'tool',
    (message, path, conversion, calls) => {
      const id = conversion.text(message, 'tool_call_id', path)
      const type = calls.kinds.get(id) === 'custom' ? 'custom_tool_call_output' : 'function_call_output'
      return [output(type, id, requiredContent(message, path, conversion, inputParts))]
    },
  ],
  ['developer', speaker],
])

function output(type: string, callId: string, content: unknown): JsonMembers {
  return { type, call_id: callId, output: content }
}

/** Text first, then calls: the order in which the model writes them. */
function assistantItems(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  calls: Calls,
): readonly JsonMembers[] {
  leaveOutName(message, path, conversion)
  const { refusal, audio } = message
  if (isSet(audio)) conversion.leaveOut(`${path}.audio`)
  const toolCalls = [
    ...toolCallItems(message, path, conversion, calls),
    ...functionCallItems(message, path, conversion, calls),
  ]
  const isOptional = toolCalls.length > 0 || isSet(audio)
  if (isSet(refusal)) conversion.expect(refusal, `${path}.refusal`, types.text)
  const content = isSet(message['content'])
    ? convertContent(message['content'], `${path}.content`, conversion, assistantParts)
    : undefined
  if (content === undefined && !isSet(refusal) && !isOptional) conversion.refuse(path, missing('.content'))
  if (!isSet(refusal) && (content === undefined || (isOptional && content.length === 0))) return toolCalls
  const parts = typeof content === 'string' ? textParts(content) : (content ?? [])
  const whole = isSet(refusal) ? [...parts, { type: 'refusal', refusal }] : content
  return [{ type: 'message', role: 'assistant', content: whole }, ...toolCalls]
}

function textParts(text: string): readonly JsonMembers[] {
  return text === '' ? [] : [{ type: 'output_text', text }]
}

function toolCallItems(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  { kinds }: Calls,
): readonly JsonMembers[] {
  if (!isSet(message['tool_calls'])) return []
  return conversion.objects(message['tool_calls'], `${path}.tool_calls`).map(([call, at]) => {
    const kind = conversion.byType(call, at, callKinds)
    conversion.leaveOutOthers(call, at, new Set(['id', 'type', kind]))
    const id = conversion.text(call, 'id', at)
    kinds.set(id, kind)
    const called = conversion.objectIn(call, kind, at)
    const input = kind === 'custom' ? 'input' : 'arguments'
    conversion.leaveOutOthers(called, `${at}.${kind}`, new Set(['name', input]))
    return {
      type: kind === 'custom' ? 'custom_tool_call' : 'function_call',
      call_id: id,
      name: conversion.text(called, 'name', `${at}.${kind}`),
      [input]: conversion.text(called, input, `${at}.${kind}`),
    }
  })
}

const callKinds: ReadonlyMap<string, 'function' | 'custom'> = new Map([
  ['function', 'function'],
  ['custom', 'custom'],
])

/** A call in the older form has no id. It gets one that depends on its position, so that the same conversation has the same ids. */
function functionCallItems(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  { ids }: Calls,
): readonly JsonMembers[] {
  if (!isSet(message['function_call'])) return []
  const at = `${path}.function_call`
  const call = conversion.object(message['function_call'], at)
  conversion.leaveOutOthers(call, at, new Set(['name', 'arguments']))
  const name = conversion.text(call, 'name', at)
  const id = `call_function_${path.replaceAll(/\D/g, '')}`
  ids.set(name, id)
  return [{ type: 'function_call', call_id: id, name, arguments: conversion.text(call, 'arguments', at) }]
}

/** The name of an author has no equivalent. */
function leaveOutName(message: JsonMembers, path: string, conversion: Conversion): void {
  if (isSet(message['name'])) conversion.leaveOut(`${path}.name`)
}

/** Converts a content part. Returns no part for one that is left out. */
export type ConvertPart = (part: JsonMembers, path: string, conversion: Conversion) => readonly JsonMembers[]

function requiredContent(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  parts: ReadonlyMap<string, ConvertPart>,
): string | readonly JsonMembers[] {
  if (!isSet(message['content'])) conversion.refuse(path, missing('.content'))
  return convertContent(message['content'], `${path}.content`, conversion, parts)
}

/** Returns text as it is, and the converted parts of a list. Members of parts that the service ignores are left out. */
export function convertContent(
  content: unknown,
  path: string,
  conversion: Conversion,
  parts: ReadonlyMap<string, ConvertPart>,
): string | readonly JsonMembers[] {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) conversion.refuse(path, wrongContent(content))
  return conversion
    .objects(content, path)
    .flatMap(([part, at]) => conversion.byType(part, at, parts)(part, at, conversion))
}

function wrongContent(content: unknown): Fault {
  return wrongType('one of a string or array of objects', content)
}

const breakpoint = { prompt_cache_breakpoint: types.object }

const inputParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  [
    'text',
    (part, path, conversion) => [
      {
        type: 'input_text',
        text: conversion.text(part, 'text', path),
        ...conversion.members(part, path, breakpoint),
      },
    ],
  ],
  [
    'image_url',
    (part, path, conversion) => {
      const image = conversion.objectIn(part, 'image_url', path)
      return [
        {
          type: 'input_image',
          image_url: conversion.text(image, 'url', `${path}.image_url`),
          ...conversion.members(image, `${path}.image_url`, { detail: types.text }),
          ...conversion.members(part, path, breakpoint),
        },
      ]
    },
  ],
  [
    'file',
    (part, path, conversion) => {
      const file = conversion.objectIn(part, 'file', path)
      conversion.leaveOutOthers(file, `${path}.file`, new Set(Object.keys(fileMembers)))
      return [
        {
          type: 'input_file',
          ...conversion.members(file, `${path}.file`, fileMembers),
          ...conversion.members(part, path, breakpoint),
        },
      ]
    },
  ],
  [
    'input_audio',
    (_, path, conversion) => {
      conversion.leaveOut(`${path}.input_audio`)
      return []
    },
  ],
])

const fileMembers = { file_id: types.text, file_data: types.text, filename: types.text }

const assistantParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  [
    'text',
    (part, path, conversion) => {
      if (isRecord(part['prompt_cache_breakpoint'])) {
        conversion.leaveOut(`${path}.prompt_cache_breakpoint`)
      }
      return [{ type: 'output_text', text: conversion.text(part, 'text', path) }]
    },
  ],
  [
    'refusal',
    (part, path, conversion) => [{ type: 'refusal', refusal: conversion.text(part, 'refusal', path) }],
  ],
])
