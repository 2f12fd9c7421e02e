import { isDeeperThan, isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { isEmpty, types, type Conversion } from '../convert-parameters.ts'
import { anything, arrayOf } from '../validation/checks.ts'
import { createFault, isSet, missing, plainFault, wrongType } from '../validation/fault.ts'
import { isWebAddress } from '../media/media-url.ts'
import { imageMediaTypes } from './messages-request.ts'

/** A message of Anthropic while blocks are added to it. */
interface Turn {
  readonly role: 'user' | 'assistant'
  readonly blocks: JsonMembers[]
}

/** The messages of a chat while they are converted. */
interface Turns {
  readonly system: JsonMembers[]
  readonly turns: Turn[]
  /** The ids that calls of functions in the older form (`function_call`) get, by the name of the function. */
  readonly ids: Map<string, string>
}

type ConvertMessage = (message: JsonMembers, path: string, conversion: Conversion, turns: Turns) => void

const messageList = arrayOf(anything, { expected: 'an array of objects', min: 1 })

/**
 * Converts the messages of chat completions to `system` and `messages`. Members of messages that chat completions ignores (such as
 * `annotations` of answers that clients send back) are left out, and so are empty texts.
 */
export function turnsOfMessages(messages: unknown, conversion: Conversion): JsonMembers {
  conversion.expect(messages, 'messages', messageList)
  const turns: Turns = { system: [], turns: [], ids: new Map() }
  for (const [message, path] of conversion.objects(messages, 'messages')) {
    conversion.byType(message, path, roles, 'role')(message, path, conversion, turns)
  }
  if (turns.turns.length === 0) {
    const reason = "it has no message with text of the role 'user', which Anthropic Messages require"
    conversion.refuse(
      '',
      plainFault('messages', `Could not convert 'messages': ${reason}. Add one.`, 'invalid_value'),
    )
  }
  return { ...systemOf(turns.system), messages: turns.turns.map(messageOf) }
}

/** The texts of all messages of the system, joined as in Anthropic's own chat completions; as blocks if some of them are cached. */
function systemOf(blocks: readonly JsonMembers[]): JsonMembers {
  if (blocks.length === 0) return {}
  const isCached = blocks.some((block) => 'cache_control' in block)
  return { system: isCached ? blocks : blocks.map(({ text }) => text).join('\n') }
}

/**
 * Results of calls must be the first blocks of a message, and calls the last ones. A message with only a text has it as a string.
 */
function messageOf({ role, blocks }: Turn): JsonMembers {
  const [only, second] = blocks
  if (only && second === undefined && only['type'] === 'text' && !('cache_control' in only)) {
    return { role, content: only['text'] }
  }
  const rank = ({ type }: JsonMembers): number => {
    return type === 'tool_result' ? 0 : type === 'tool_use' ? 2 : 1
  }
  return { role, content: blocks.toSorted((a, b) => rank(a) - rank(b)) }
}

/** Consecutive messages of a role become one. */
function add({ turns }: Turns, role: Turn['role'], blocks: readonly JsonMembers[]): void {
  if (blocks.length === 0) return
  const last = turns.at(-1)
  if (last?.role === role) last.blocks.push(...blocks)
  else turns.push({ role, blocks: [...blocks] })
}

const systemMessage: ConvertMessage = (message, path, conversion, { system }) => {
  leaveOutName(message, path, conversion)
  system.push(...requiredContent(message, path, conversion, textParts))
}

/** In the order of the message of the service for an unknown role. */
const roles: ReadonlyMap<string, ConvertMessage> = new Map<string, ConvertMessage>([
  ['system', systemMessage],
  ['assistant', addAssistant],
  [
    'user',
    (message, path, conversion, turns) => {
      leaveOutName(message, path, conversion)
      add(turns, 'user', requiredContent(message, path, conversion, inputParts))
    },
  ],
  [
    'function',
    (message, path, conversion, turns) => {
      const name = conversion.text(message, 'name', path)
      const id = turns.ids.get(name)
      if (id === undefined) {
        conversion.leaveOut(path, `no earlier message calls the function '${name}'`, 'messages.function')
        return
      }
      add(turns, 'user', [toolResult(id, message, path, conversion)])
    },
  ],
  [
    'tool',
    (message, path, conversion, turns) => {
      const id = conversion.text(message, 'tool_call_id', path)
      add(turns, 'user', [toolResult(id, message, path, conversion)])
    },
  ],
  ['developer', systemMessage],
])

function toolResult(id: string, message: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const blocks = requiredContent(message, path, conversion, inputParts)
  const [only, second] = blocks
  const isText = second === undefined && only?.['type'] === 'text' && !('cache_control' in only)
  return {
    type: 'tool_result',
    tool_use_id: id,
    ...(blocks.length > 0 && { content: isText ? only['text'] : blocks }),
    // Not a member of chat completions. Clients that know Anthropic Messages send it.
    ...conversion.members(message, path, { is_error: types.boolean }),
    ...cacheControl(message, path, conversion),
  }
}

function addAssistant(message: JsonMembers, path: string, conversion: Conversion, turns: Turns): void {
  leaveOutName(message, path, conversion)
  const { content, refusal, audio } = message
  if (isSet(audio)) conversion.leaveOut(`${path}.audio`)
  const thoughts = thinkingBlocks(message, path, conversion)
  const calls = [...toolCalls(message, path, conversion), ...functionCall(message, path, conversion, turns)]
  if (!isSet(content) && !isSet(refusal) && !isSet(audio) && calls.length === 0) {
    conversion.refuse(path, missing('.content'))
  }
  const texts = isSet(content) ? contentBlocks(content, `${path}.content`, conversion, assistantParts) : []
  const refused = isSet(refusal) ? textBlock(conversion.text(message, 'refusal', path)) : []
  add(turns, 'assistant', [...thoughts, ...texts, ...refused, ...calls])
}

/** `thinking_blocks`: the signed reasoning of an answer of a Claude model, as gateways return it in chat completions. */
function thinkingBlocks(message: JsonMembers, path: string, conversion: Conversion): readonly JsonMembers[] {
  if (!isSet(message['thinking_blocks'])) return []
  return conversion
    .objects(message['thinking_blocks'], `${path}.thinking_blocks`)
    .flatMap(([block, at]) => conversion.byType(block, at, thinkingKinds)(block, at, conversion))
}

type ConvertPart = (part: JsonMembers, path: string, conversion: Conversion) => readonly JsonMembers[]

/** Reasoning without a signature is left out, since Anthropic refuses it. */
const thinkingKinds: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  [
    'thinking',
    (block, path, conversion) => {
      const thinking = conversion.text(block, 'thinking', path)
      const { signature } = conversion.members(block, path, { signature: types.text })
      return signature === undefined || signature === '' ? [] : [{ type: 'thinking', thinking, signature }]
    },
  ],
  [
    'redacted_thinking',
    (block, path, conversion) => [{ type: 'redacted_thinking', data: conversion.text(block, 'data', path) }],
  ],
])

function toolCalls(message: JsonMembers, path: string, conversion: Conversion): readonly JsonMembers[] {
  if (!isSet(message['tool_calls'])) return []
  return conversion.objects(message['tool_calls'], `${path}.tool_calls`).flatMap(([call, at]) => {
    const kind = conversion.byType(call, at, callKinds)
    if (kind === 'custom') {
      conversion.leaveOut(at, 'Anthropic Messages have no custom tools', 'messages.tool_calls.custom')
      return []
    }
    const id = conversion.text(call, 'id', at)
    const called = conversion.objectIn(call, 'function', at)
    return [toolUse(id, called, `${at}.function`, conversion)]
  })
}

const callKinds: ReadonlyMap<string, 'function' | 'custom'> = new Map([
  ['function', 'function'],
  ['custom', 'custom'],
])

/** A call in the older form has no id. It gets one that depends on its position, so that the same conversation has the same ids. */
function functionCall(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  { ids }: Turns,
): readonly JsonMembers[] {
  if (!isSet(message['function_call'])) return []
  const at = `${path}.function_call`
  const called = conversion.object(message['function_call'], at)
  const id = `call_function_${path.replaceAll(/\D/g, '')}`
  ids.set(conversion.text(called, 'name', at), id)
  return [toolUse(id, called, at, conversion)]
}

function toolUse(id: string, called: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const name = conversion.text(called, 'name', path)
  const input = parsedInput(conversion.text(called, 'arguments', path))
  if (!isRecord(input)) {
    conversion.refuse(
      `${path}.arguments`,
      createFault(
        'invalid_value',
        (at) =>
          `Could not convert '${at}': Anthropic Messages require a JSON object of at most ${MAX_NESTING} levels. Send one.`,
      ),
    )
  }
  return { type: 'tool_use', id, name, input }
}

/** Deeper values could overflow the stack when they are written. */
const MAX_NESTING = 100

function parsedInput(json: string): unknown {
  if (json.trim() === '') return {}
  try {
    const input: unknown = JSON.parse(json)
    return isDeeperThan(input, MAX_NESTING) ? undefined : input
  } catch {
    return undefined
  }
}

/** The name of an author has no equivalent. */
function leaveOutName(message: JsonMembers, path: string, conversion: Conversion): void {
  if (isSet(message['name'])) conversion.leaveOut(`${path}.name`)
}

function requiredContent(
  message: JsonMembers,
  path: string,
  conversion: Conversion,
  parts: ReadonlyMap<string, ConvertPart>,
): readonly JsonMembers[] {
  const { content } = message
  if (!isSet(content)) conversion.refuse(path, missing('.content'))
  const blocks = contentBlocks(content, `${path}.content`, conversion, parts)
  const cached = cacheControl(message, path, conversion)
  const last = blocks.at(-1)
  // Of a message, the last block ends the part of the prompt that is cached. A result has it itself.
  if (!last || message['role'] === 'tool' || message['role'] === 'function') return blocks
  return [...blocks.slice(0, -1), { ...cached, ...last }]
}

function contentBlocks(
  content: unknown,
  path: string,
  conversion: Conversion,
  parts: ReadonlyMap<string, ConvertPart>,
): readonly JsonMembers[] {
  if (typeof content === 'string') return textBlock(content)
  if (!Array.isArray(content)) {
    conversion.refuse(path, wrongType('one of a string or array of objects', content))
  }
  return conversion.objects(content, path).flatMap(([part, at]) => {
    const cached = cacheControl(part, at, conversion)
    const blocks = conversion.byType(part, at, parts)(part, at, conversion)
    return isEmpty(cached) ? blocks : blocks.map((block) => Object.assign({}, block, cached))
  })
}

/** Anthropic refuses texts without a character that is not whitespace. */
function textBlock(text: string): readonly JsonMembers[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }]
}

/** `cache_control` of Anthropic, which chat completions ignores, and OpenAI's `prompt_cache_breakpoint`. */
function cacheControl(object: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const given = conversion.members(object, path, {
    cache_control: types.object,
    prompt_cache_breakpoint: types.object,
  })
  if (given['cache_control'] !== undefined) return { cache_control: given['cache_control'] }
  return given['prompt_cache_breakpoint'] === undefined ? {} : { cache_control: { type: 'ephemeral' } }
}

const textPart: ConvertPart = (part, path, conversion) => textBlock(conversion.text(part, 'text', path))

const textParts: ReadonlyMap<string, ConvertPart> = new Map([['text', textPart]])

const assistantParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  ['text', textPart],
  ['refusal', (part, path, conversion) => textBlock(conversion.text(part, 'refusal', path))],
])

const inputParts: ReadonlyMap<string, ConvertPart> = new Map<string, ConvertPart>([
  ['text', textPart],
  [
    'image_url',
    (part, path, conversion) => {
      const at = `${path}.image_url`
      const image = conversion.objectIn(part, 'image_url', path)
      const { detail } = conversion.members(image, at, { detail: types.text })
      if (detail !== undefined && detail !== 'auto') conversion.leaveOut(`${at}.detail`)
      const source = imageSource(conversion.text(image, 'url', at))
      if (source) return [{ type: 'image', source }]
      conversion.leaveOut(`${at}.url`, IMAGE_URLS)
      return []
    },
  ],
  [
    'file',
    (part, path, conversion) => {
      const at = `${path}.file`
      const file = conversion.objectIn(part, 'file', path)
      const { file_id: id, filename } = conversion.members(file, at, fileMembers)
      if (id !== undefined) {
        conversion.leaveOut(`${at}.file_id`, 'the upstream does not have the files of this API')
        return []
      }
      const source = documentSource(conversion.text(file, 'file_data', at))
      if (source) return [{ type: 'document', source, ...(filename !== undefined && { title: filename }) }]
      conversion.leaveOut(`${at}.file_data`, DOCUMENT_DATA)
      return []
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

/** The data of a data URL in base64. */
interface InlineData {
  /** In lower case, without parameters. */
  readonly mediaType: string
  readonly data: string
}

/** Reads a data URL with base64. Undefined for any other text. The data is not checked. */
function readInlineData(url: string): InlineData | undefined {
  const comma = url.indexOf(',')
  const head = /^data:([^;,]*)(?:;[^;,]*)*;base64$/i.exec(url.slice(0, Math.max(0, comma)))
  return head ? { mediaType: (head[1] ?? '').trim().toLowerCase(), data: url.slice(comma + 1) } : undefined
}

const imageTypes: ReadonlySet<string> = new Set(imageMediaTypes)

/** What Anthropic Messages accept as an image. */
const IMAGE_URLS =
  'Anthropic Messages accept URLs with http or https, and base64 data of JPEG, PNG, GIF and WebP'

/** The source of an image; undefined if Anthropic Messages do not accept it. */
function imageSource(url: string): JsonMembers | undefined {
  const inline = readInlineData(url)
  if (!inline) return isWebAddress(url) ? { type: 'url', url } : undefined
  const mediaType = inline.mediaType === 'image/jpg' ? 'image/jpeg' : inline.mediaType
  return imageTypes.has(mediaType) ? { type: 'base64', media_type: mediaType, data: inline.data } : undefined
}

/** What Anthropic Messages accept as a document. */
const DOCUMENT_DATA = 'Anthropic Messages accept base64 data URLs of application/pdf and text/plain'

/** The source of a document; undefined if Anthropic Messages do not accept it. */
function documentSource(url: string): JsonMembers | undefined {
  const inline = readInlineData(url)
  if (inline?.mediaType === 'application/pdf') {
    return { type: 'base64', media_type: 'application/pdf', data: inline.data }
  }
  if (inline?.mediaType !== 'text/plain') return undefined
  const data = Buffer.from(inline.data, 'base64').toString()
  return { type: 'text', media_type: 'text/plain', data }
}
