import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { types, type Conversion } from '../convert-parameters.ts'
import { anything, arrayOf } from '../validation/checks.ts'
import { isSet, missing, wrongType } from '../validation/fault.ts'
import { hostedBlockTypes } from './messages-request.ts'

type ConvertTurn = (turn: JsonMembers, path: string, conversion: Conversion) => readonly JsonMembers[]

const turnList = arrayOf(anything, { expected: 'an array of objects', min: 1 })

/**
 * Converts `messages` of Anthropic to messages of chat completions. `cache_control` is left out, since chat completions caches without it,
 * and so is the reasoning of earlier answers, which it does not read.
 */
export function messagesOfTurns(turns: unknown, conversion: Conversion): readonly JsonMembers[] {
  conversion.expect(turns, 'messages', turnList)
  return conversion.objects(turns, 'messages').flatMap(([turn, path]) => {
    const convert = conversion.byType(turn, path, roles, 'role')
    conversion.leaveOutOthers(turn, path, turnMembers)
    return convert(turn, path, conversion)
  })
}

const turnMembers: ReadonlySet<string> = new Set(['role', 'content'])

/** The members of all blocks that are converted, or left out because they do not change what the model reads. */
const blockMembers: ReadonlySet<string> = new Set([
  'type',
  'text',
  'citations',
  'cache_control',
  'source',
  'title',
  'context',
  'id',
  'name',
  'input',
  'caller',
  'tool_use_id',
  'content',
  'is_error',
  'thinking',
  'signature',
  'data',
])

/** The conversion for the type of a block. Members that no block has are refused, as Anthropic does. */
function blockType<T>(
  block: JsonMembers,
  path: string,
  conversion: Conversion,
  table: ReadonlyMap<string, T>,
): T {
  const found = conversion.byType(block, path, table)
  const isHosted = (hostedBlockTypes as readonly unknown[]).includes(block['type'])
  if (!isHosted) conversion.leaveOutOthers(block, path, blockMembers)
  return found
}

/** Converts `system`. */
export function messageOfSystem(system: unknown, conversion: Conversion): readonly JsonMembers[] {
  const content = contentOf(system, 'system', conversion, textBlocks)
  return content === '' || content.length === 0 ? [] : [{ role: 'system', content }]
}

const roles: ReadonlyMap<string, ConvertTurn> = new Map<string, ConvertTurn>([
  ['user', userMessages],
  ['assistant', (turn, path, conversion) => [assistantMessage(turn, path, conversion)]],
  [
    'system',
    (turn, path, conversion) => [{ role: 'system', content: contentIn(turn, path, conversion, textBlocks) }],
  ],
])

/** Each result is a message, before one with the other blocks. Images of results are there, too: results are only texts. */
function userMessages(turn: JsonMembers, path: string, conversion: Conversion): readonly JsonMembers[] {
  const { content } = turn
  if (!Array.isArray(content)) {
    return [{ role: 'user', content: contentIn(turn, path, conversion, inputBlocks) }]
  }
  const results: JsonMembers[] = []
  const others: JsonMembers[] = []
  for (const [block, at] of conversion.objects(content, `${path}.content`)) {
    if (block['type'] === 'tool_result') {
      conversion.leaveOutOthers(block, at, blockMembers)
      const { message, images } = resultOf(block, at, conversion)
      results.push(message)
      others.push(...images)
    } else others.push(...blockType(block, at, conversion, inputBlocks)(block, at, conversion))
  }
  if (others.length === 0 && results.length > 0) return results
  return [...results, { role: 'user', content: plainText(others) }]
}

function resultOf(
  block: JsonMembers,
  path: string,
  conversion: Conversion,
): { readonly message: JsonMembers; readonly images: readonly JsonMembers[] } {
  const id = conversion.text(block, 'tool_use_id', path)
  const { is_error: isError } = conversion.members(block, path, { is_error: types.boolean })
  const content = isSet(block['content'])
    ? contentOf(block['content'], `${path}.content`, conversion, resultBlocks)
    : ''
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const texts = parts.flatMap(({ type, text }) => (type === 'text' ? [text as string] : []))
  const media = parts.filter(({ type }) => type !== 'text')
  const images = media.length === 0 ? [] : [textPart(`Content of the result of the call ${id}:`), ...media]
  return {
    message: { role: 'tool', tool_call_id: id, content: resultText(texts.join('\n'), isError === true) },
    images,
  }
}

/** Chat completions have no member for a failed call. */
function resultText(text: string, isError: boolean): string {
  return isError && !/^\s*error/i.test(text) ? `Error: ${text}` : text
}

function assistantMessage(turn: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const { content } = turn
  if (typeof content === 'string') return { role: 'assistant', content }
  if (!isSet(content)) conversion.refuse(path, missing('.content'))
  expectBlocks(content, `${path}.content`, conversion)
  const texts: string[] = []
  const calls: JsonMembers[] = []
  for (const [block, at] of conversion.objects(content, `${path}.content`)) {
    const type = blockType(block, at, conversion, assistantBlocks)
    if (type === 'text') texts.push(conversion.text(block, 'text', at))
    else if (type === 'tool_use') calls.push(toolCall(block, at, conversion))
    else if (type === 'hosted') leaveOutBlock(block, at, conversion)
  }
  const text = texts.join('')
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

const assistantBlocks: ReadonlyMap<string, 'text' | 'tool_use' | 'thought' | 'hosted'> = new Map([
  ['text', 'text'],
  ['tool_use', 'tool_use'],
  ['thinking', 'thought'],
  ['redacted_thinking', 'thought'],
  ...hostedBlockTypes.map((type) => [type, 'hosted'] as const),
])

function toolCall(block: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const { input = {} } = block
  const id = conversion.text(block, 'id', path)
  const name = conversion.text(block, 'name', path)
  // A text is the input of a call with arguments that were not JSON.
  const text = typeof input === 'string' ? input : JSON.stringify(input)
  return { id, type: 'function', function: { name, arguments: text } }
}

function leaveOutBlock(block: JsonMembers, path: string, conversion: Conversion): readonly JsonMembers[] {
  const type = String(block['type'])
  conversion.leaveOut(path, `chat completions has no '${type}'`, `messages.content.${type}`)
  return []
}

type ConvertBlock = ConvertTurn

function contentIn(
  turn: JsonMembers,
  path: string,
  conversion: Conversion,
  blocks: ReadonlyMap<string, ConvertBlock>,
): string | readonly JsonMembers[] {
  if (!isSet(turn['content'])) conversion.refuse(path, missing('.content'))
  return contentOf(turn['content'], `${path}.content`, conversion, blocks)
}

function contentOf(
  content: unknown,
  path: string,
  conversion: Conversion,
  blocks: ReadonlyMap<string, ConvertBlock>,
): string | readonly JsonMembers[] {
  if (typeof content === 'string') return content
  expectBlocks(content, path, conversion)
  return plainText(
    conversion
      .objects(content, path)
      .flatMap(([block, at]) => blockType(block, at, conversion, blocks)(block, at, conversion)),
  )
}

function expectBlocks(content: unknown, path: string, conversion: Conversion): void {
  if (!Array.isArray(content)) {
    conversion.refuse(path, wrongType('one of a string or array of objects', content))
  }
}

/** A single text as a string, as most clients send it. */
function plainText(parts: readonly JsonMembers[]): string | readonly JsonMembers[] {
  const [only, second] = parts
  if (only === undefined) return ''
  return second === undefined && only['type'] === 'text' ? (only['text'] as string) : parts
}

function textPart(text: string): JsonMembers {
  return { type: 'text', text }
}

const textBlock: ConvertBlock = (block, path, conversion) => [textPart(conversion.text(block, 'text', path))]

const textBlocks: ReadonlyMap<string, ConvertBlock> = new Map([['text', textBlock]])

const image: ConvertBlock = (block, path, conversion) => {
  const source = conversion.objectIn(block, 'source', path)
  const at = `${path}.source`
  const type = conversion.byType(source, at, imageSources)
  conversion.leaveOutOthers(source, at, sourceMembers)
  if (type === 'file') {
    conversion.leaveOut(`${at}.file_id`, 'the upstream does not have the files of this API')
    return []
  }
  const url = type === 'url' ? conversion.text(source, 'url', at) : dataUrl(source, at, conversion)
  return [{ type: 'image_url', image_url: { url } }]
}

const sourceMembers: ReadonlySet<string> = new Set([
  'type',
  'media_type',
  'data',
  'url',
  'file_id',
  'content',
])

const imageSources: ReadonlyMap<string, 'base64' | 'url' | 'file'> = new Map([
  ['base64', 'base64'],
  ['url', 'url'],
  ['file', 'file'],
])

function dataUrl(source: JsonMembers, path: string, conversion: Conversion): string {
  const mediaType = conversion.text(source, 'media_type', path)
  return `data:${mediaType};base64,${conversion.text(source, 'data', path)}`
}

const document: ConvertBlock = (block, path, conversion) => {
  const source = conversion.objectIn(block, 'source', path)
  const at = `${path}.source`
  const type = conversion.byType(source, at, documentSources)
  conversion.leaveOutOthers(source, at, sourceMembers)
  const { title, context, citations } = conversion.members(block, path, documentMembers)
  if (context !== undefined) conversion.leaveOut(`${path}.context`)
  if (isRecord(citations) && citations['enabled'] === true) conversion.leaveOut(`${path}.citations`)
  switch (type) {
    case 'base64': {
      const file_data = dataUrl(source, at, conversion)
      return [{ type: 'file', file: { filename: title ?? 'document.pdf', file_data } }]
    }
    case 'text':
      return titled(title, [textPart(conversion.text(source, 'data', at))])
    case 'content': {
      if (!isSet(source['content'])) conversion.refuse(at, missing('.content'))
      const content = contentOf(source['content'], `${at}.content`, conversion, resultBlocks)
      return titled(title, typeof content === 'string' ? [textPart(content)] : content)
    }
    default:
      conversion.leaveOut(
        at,
        `chat completions has no documents by ${type}`,
        `messages.content.document.${type}`,
      )
      return []
  }
}

function titled(title: unknown, parts: readonly JsonMembers[]): readonly JsonMembers[] {
  return typeof title === 'string' && title !== '' ? [textPart(title), ...parts] : parts
}

const documentMembers = { title: types.text, context: types.text, citations: types.object }
const documentSources = new Map(['base64', 'text', 'content', 'url', 'file'].map((type) => [type, type]))

const resultBlocks: ReadonlyMap<string, ConvertBlock> = new Map<string, ConvertBlock>([
  ['text', textBlock],
  ['image', image],
  ['document', document],
  ['search_result', leaveOutBlock],
])

const inputBlocks: ReadonlyMap<string, ConvertBlock> = new Map<string, ConvertBlock>([
  ...resultBlocks,
  // Of `resultOf`, which a message of a user has apart from its other blocks.
  ['tool_result', leaveOutBlock],
  ...hostedBlockTypes.map((type) => [type, leaveOutBlock] as const),
])
