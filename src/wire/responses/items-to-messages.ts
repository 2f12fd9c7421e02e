import { createHash } from 'node:crypto'
import { shortText } from '../../lib/error-text.ts'
import { dropNameOf, type JsonMembers } from '../conversion.ts'
import { types, type Conversion } from '../convert-parameters.ts'
import { isSet, missing, type JsonObject } from '../validation/fault.ts'
import { thinkingOfItem } from './encrypted-content.ts'
import { convertContent, type ConvertPart } from './messages-to-items.ts'

/** A message of the assistant that can still get a text or calls. */
interface OpenMessage {
  readonly role: 'assistant'
  content: unknown
  tool_calls?: JsonMembers[]
  thinking_blocks?: JsonMembers[]
}

/** The messages so far. */
interface Messages {
  readonly list: JsonMembers[]
  /** The last message, if it is of the assistant and only items without an equivalent follow it. */
  open: OpenMessage | undefined
}

type ConvertItem = (
  item: JsonMembers,
  path: string,
  conversion: Conversion,
  messages: Messages,
  next: JsonMembers | undefined,
) => void

/**
 * Converts items of the Responses API to messages of chat completions, in their order. A text of the assistant and the calls after it are
 * one message. Ids and states of items are left out, because chat completions does not store items.
 */
export function messagesOfItems(input: unknown, conversion: Conversion): readonly JsonMembers[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: Messages = { list: [], open: undefined }
  const items = conversion.objects(input, 'input')
  for (const [index, [item, path]] of items.entries()) {
    const convert = itemTypes.get(typeOf(item, path, conversion)) ?? leaveOutItem
    convert(item, path, conversion, messages, items[index + 1]?.[0])
  }
  return messages.list
}

function typeOf(item: JsonMembers, path: string, conversion: Conversion): string {
  if (isSet(item['type'])) return conversion.text(item, 'type', path)
  return item['role'] === undefined && typeof item['id'] === 'string' ? 'item_reference' : 'message'
}

const leaveOutItem: ConvertItem = (item, path, conversion) => {
  const type = typeOf(item, path, conversion)
  conversion.leaveOut(path, `chat completions has no item of type '${shortText(type)}'`, `input.${type}`)
}

const itemTypes: ReadonlyMap<string, ConvertItem> = new Map<string, ConvertItem>([
  ['message', convertMessage],
  ['function_call', callConverter('function', 'arguments')],
  ['custom_tool_call', callConverter('custom', 'input')],
  ['function_call_output', convertOutput],
  ['custom_tool_call_output', convertOutput],
  [
    'reasoning',
    (item, path, conversion, messages, next) => {
      // The service gives the model only the encrypted reasoning, not the summary.
      if (!isSet(item['encrypted_content'])) return
      const thinking = conversion.upstreamForm === 'messages' ? thinkingOfItem(item) : undefined
      if (thinking) addThinking(thinking, messages)
      else leaveOutItem(item, path, conversion, messages, next)
    },
  ],
])

/** A message starts with its thinking. */
function addThinking(block: JsonMembers, messages: Messages): void {
  const isFirst = messages.open?.content === null && messages.open.tool_calls === undefined
  const message = messages.open && isFirst ? messages.open : open(messages, null)
  message.thinking_blocks ??= []
  message.thinking_blocks.push(block)
}

const messageNames = new Set(['type', 'role', 'content', 'id', 'status', 'phase'])

function convertMessage(
  item: JsonMembers,
  path: string,
  conversion: Conversion,
  messages: Messages,
  next: JsonMembers | undefined,
): void {
  const role = conversion.byType(item, path, roles, 'role')
  conversion.leaveOutOthers(item, path, messageNames)
  leaveOutPhase(item, path, conversion, next)
  if (item['content'] === undefined) conversion.refuse(path, missing('.content'))
  const parts = role === 'user' ? userParts : role === 'assistant' ? assistantParts : textParts
  const content = plainContent(knownContent(item['content'], `${path}.content`, conversion, parts))
  if (role !== 'assistant') {
    messages.open = undefined
    messages.list.push({ role, content })
  } else if (messages.open?.content === null) {
    messages.open.content = content
  } else {
    open(messages, content)
  }
}

const roles: ReadonlyMap<string, 'assistant' | 'system' | 'developer' | 'user'> = new Map([
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['developer', 'developer'],
  ['user', 'user'],
])

/** The phase of a text follows from its position: before calls it is a commentary, else the final answer. */
function leaveOutPhase(
  { phase }: JsonMembers,
  path: string,
  conversion: Conversion,
  next: JsonMembers | undefined,
): void {
  if (!isSet(phase) || phase === 'final_answer') return
  conversion.expect(phase, `${path}.phase`, types.text)
  if (phase !== 'commentary' || !callTypes.has(next?.['type'])) conversion.leaveOut(`${path}.phase`)
}

const callTypes: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call', 'reasoning'])

function open(messages: Messages, content: unknown): OpenMessage {
  const message: OpenMessage = { role: 'assistant', content }
  messages.open = message
  messages.list.push(message as unknown as JsonObject)
  return message
}

/** Clients that parse answers add `parsed_arguments`, and send answers back with it. */
const callNames = new Set([
  'type',
  'id',
  'call_id',
  'name',
  'namespace',
  'arguments',
  'input',
  'parsed_arguments',
  'status',
  'created_by',
])

function callConverter(kind: 'function' | 'custom', input: 'arguments' | 'input'): ConvertItem {
  return (item, path, conversion, messages) => {
    const id = chatCallId(conversion.text(item, 'call_id', path))
    const name = conversion.text(item, 'name', path)
    const given = conversion.text(item, input, path)
    conversion.leaveOutOthers(item, path, callNames)
    if (isSet(item['namespace'])) conversion.leaveOut(`${path}.namespace`)
    const message = messages.open ?? open(messages, null)
    message.tool_calls ??= []
    message.tool_calls.push({ id, type: kind, [kind]: { name, [input]: given } })
  }
}

function convertOutput(item: JsonMembers, path: string, conversion: Conversion, messages: Messages): void {
  const id = chatCallId(conversion.text(item, 'call_id', path))
  conversion.leaveOutOthers(item, path, outputNames)
  if (item['output'] === undefined) conversion.refuse(path, missing('.output'))
  const content = knownContent(item['output'], `${path}.output`, conversion, textParts)
  messages.open = undefined
  messages.list.push({ role: 'tool', tool_call_id: id, content: plainContent(content) })
}

const outputNames = new Set(['type', 'id', 'call_id', 'output', 'status', 'created_by'])

/** The members of all content parts. Clients that parse answers add `parsed`, and send answers back with it. */
const partNames: ReadonlySet<string> = new Set([
  'type',
  'text',
  'annotations',
  'logprobs',
  'parsed',
  'refusal',
  'image_url',
  'detail',
  'file_id',
  'file_url',
  'file_data',
  'filename',
  'prompt_cache_breakpoint',
])

/** Converts content, and refuses members that no part has, as the Responses API does. */
function knownContent(
  content: unknown,
  path: string,
  conversion: Conversion,
  parts: ReadonlyMap<string, ConvertPart>,
): string | readonly JsonMembers[] {
  const converted = convertContent(content, path, conversion, parts)
  if (typeof content === 'string') return converted
  for (const [part, at] of conversion.objects(content, path)) conversion.leaveOutOthers(part, at, partNames)
  return converted
}

/** The maximum length of the id of a call in chat completions, in characters. */
const MAX_CALL_ID_LENGTH = 40

/** Some clients have longer ids for the Responses API. An id only connects a call with its output, so a hash of it serves. */
function chatCallId(id: string): string {
  if (id.length <= MAX_CALL_ID_LENGTH) return id
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`
}

/** A single text is sent as a string, which every chat API accepts. */
function plainContent(content: string | readonly JsonMembers[]): unknown {
  if (typeof content === 'string' || content.length !== 1) return content
  const [part = {}] = content
  return part['type'] === 'text' && part['prompt_cache_breakpoint'] === undefined ? part['text'] : content
}

const breakpoint = { prompt_cache_breakpoint: types.object }

const textPart: ConvertPart = (part, path, conversion) => [
  {
    type: 'text',
    text: conversion.text(part, 'text', path),
    ...conversion.members(part, path, breakpoint),
  },
]

/** Only messages of the user can have images and files in chat completions. */
const notInText: ConvertPart = (part, path, conversion) => {
  const type = String(part['type'])
  const why = `only messages of the user can have parts of type '${type}'`
  conversion.leaveOut(path, why, `${dropNameOf(path)}.${type}`)
  return []
}

const textParts: ReadonlyMap<string, ConvertPart> = new Map([
  ['input_text', textPart],
  ['input_image', notInText],
  ['input_file', notInText],
])

const assistantParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  ['output_text', textPart],
  [
    'refusal',
    (part, path, conversion) => [{ type: 'refusal', refusal: conversion.text(part, 'refusal', path) }],
  ],
])

const userParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  ['input_text', textPart],
  [
    'input_image',
    (part, path, conversion) => {
      if (isSet(part['file_id'])) {
        conversion.leaveOut(`${path}.file_id`)
        if (!isSet(part['image_url'])) return []
      }
      const url = conversion.text(part, 'image_url', path)
      const image = { url, ...conversion.members(part, path, { detail: types.text }) }
      return [{ type: 'image_url', image_url: image, ...conversion.members(part, path, breakpoint) }]
    },
  ],
  [
    'input_file',
    (part, path, conversion) => {
      if (isSet(part['file_url'])) {
        conversion.leaveOut(`${path}.file_url`)
        if (!isSet(part['file_id']) && !isSet(part['file_data'])) return []
      }
      const file = conversion.members(part, path, {
        file_id: types.text,
        file_data: types.text,
        filename: types.text,
      })
      return [{ type: 'file', file, ...conversion.members(part, path, breakpoint) }]
    },
  ],
])
