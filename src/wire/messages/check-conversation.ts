import type { ClaudeTraits } from '../models/claude-traits.ts'
import type { ContentBlockParam, CountedRequest, MessageParam } from './messages-request.ts'

/**
 * Returns what is wrong with the order or the content of messages. The texts are from public reports, except those for messages with the
 * role `system`.
 */
export function conversationProblem(
  request: CountedRequest,
  traits: ClaudeTraits,
  isSecondVersion: boolean,
): string | undefined {
  const { messages } = request
  const [start] = messages
  if (start === undefined) return 'messages: at least one message is required'
  const { system } = request
  const systemProblem =
    system === undefined || system === '' ? undefined : textProblem(blocksOf({ content: system }), 'system')
  if (systemProblem !== undefined) return systemProblem
  if (start.role === 'assistant') return 'messages: first message must use the "user" role'
  for (const [index, message] of messages.entries()) {
    const problem =
      messageProblem(message, index, messages, traits) ?? versionProblem(message, index, isSecondVersion)
    if (problem !== undefined) return problem
  }
  return (
    toolOrderProblem(messages) ??
    endProblem(messages, traits) ??
    (request.thinking?.type === 'enabled' ? missingThoughtProblem(messages) : undefined)
  )
}

/** The blocks of a message. A text is the same as one block. */
export function blocksOf({
  content,
}: {
  readonly content: MessageParam['content']
}): readonly ContentBlockParam[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

function messageProblem(
  message: MessageParam,
  index: number,
  messages: readonly MessageParam[],
  { systemMessages }: ClaudeTraits,
): string | undefined {
  const blocks = blocksOf(message)
  const isLast = index === messages.length - 1
  const isEmpty = message.content === '' || blocks.length === 0
  if (isEmpty && !(isLast && message.role === 'assistant')) {
    return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
  }
  if (message.role === 'system') {
    if (!systemMessages) {
      return 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
    }
    if (messages[index - 1]?.role !== 'user')
      return `messages.${index}: a system message must follow a user message`
    if (messages[index + 1]?.role === 'user') {
      return `messages.${index}: a system message must be the last message or be followed by an assistant message`
    }
  }
  return (isEmpty ? undefined : textProblem(blocks, 'messages')) ?? blockProblem(blocks, message, index)
}

function textProblem(blocks: readonly { readonly type: string }[], where: string): string | undefined {
  for (const block of blocks) {
    const { text } = block as { readonly text?: unknown }
    if (block.type !== 'text' || typeof text !== 'string') continue
    if (text === '') return `${where}: text content blocks must be non-empty`
    if (text.trim() === '') return `${where}: text content blocks must contain non-whitespace text`
  }
  return undefined
}

/** Signatures and encrypted reasoning are in base64. */
const signaturePattern = /^[A-Za-z0-9+/_-]+={0,2}$/

/** Blocks that only messages of the user have. */
const userBlocks = new Set(['tool_result', 'image', 'search_result'])
/** Blocks that only messages of the assistant have. */
const assistantBlocks = new Set(['tool_use', 'thinking', 'redacted_thinking'])

function blockProblem(
  blocks: readonly ContentBlockParam[],
  { role }: MessageParam,
  index: number,
): string | undefined {
  const wrong = role === 'assistant' ? userBlocks : assistantBlocks
  for (const [at, block] of blocks.entries()) {
    const path = `messages.${index}.content.${at}`
    if (role === 'system' && block.type !== 'text') {
      return `${path}: messages with role 'system' must have text content only`
    }
    if (wrong.has(block.type)) {
      return `messages.${index}: \`${block.type}\` blocks can only be in \`${role === 'assistant' ? 'user' : 'assistant'}\` messages`
    }
    if (block.type === 'thinking' && !signaturePattern.test(block.signature)) {
      return `${path}: Invalid \`signature\` in \`thinking\` block`
    }
    if (block.type === 'redacted_thinking' && !signaturePattern.test(block.data)) {
      return `${path}: Invalid \`data\` in \`redacted_thinking\` block`
    }
  }
  return undefined
}

/** What version 2026-10-21 refuses (Anthropic, "Migrating to API version 2026-10-21"). The texts are assumed. */
function versionProblem(message: MessageParam, index: number, isSecondVersion: boolean): string | undefined {
  if (!isSecondVersion) return undefined
  for (const [at, block] of blocksOf(message).entries()) {
    const path = `messages.${index}.content.${at}`
    if (message.role === 'assistant' && block.type === 'document') {
      return `${path}: \`document\` blocks are not permitted in \`assistant\` messages`
    }
    if (message.role === 'user' && block.type === 'text' && (block.citations?.length ?? 0) > 0) {
      return `${path}.text.citations: \`citations\` are not permitted in \`user\` messages`
    }
  }
  return undefined
}

interface Turn {
  readonly index: number
  readonly role: string
  readonly blocks: ContentBlockParam[]
}

/** The service reads consecutive messages of a role as one. */
function turnsOf(messages: readonly MessageParam[]): readonly Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    const { role } = message
    if (role === 'system') continue
    const last = turns.at(-1)
    if (last?.role === role) last.blocks.push(...blocksOf(message))
    else turns.push({ index, role, blocks: [...blocksOf(message)] })
  }
  return turns
}

/** Each call has its result in the next message, and each result its call in the message before. */
function toolOrderProblem(messages: readonly MessageParam[]): string | undefined {
  let open = new Set<string>()
  let openIndex = 0
  const seen = new Set<string>()
  for (const { index, role, blocks } of turnsOf(messages)) {
    if (role === 'assistant') {
      open = new Set()
      openIndex = index
      for (const block of blocks) {
        if (block.type !== 'tool_use') continue
        if (seen.has(block.id)) return `messages.${index}: \`tool_use\` ids must be unique`
        seen.add(block.id)
        open.add(block.id)
      }
      continue
    }
    const given = new Set<string>()
    for (const [at, block] of blocks.entries()) {
      if (block.type !== 'tool_result') continue
      const id = block.tool_use_id
      if (!open.has(id)) {
        return `messages.${index}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
      }
      if (given.has(id)) {
        return `messages.${index}.content.${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`
      }
      given.add(id)
    }
    const missing = [...open].filter((id) => !given.has(id))
    if (missing.length > 0) return withoutResults(openIndex, missing)
    open = new Set()
  }
  return open.size > 0 ? withoutResults(openIndex, [...open]) : undefined
}

function withoutResults(index: number, ids: readonly string[]): string {
  return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
}

/** A conversation can end with the start of the answer, for older models. */
function endProblem(messages: readonly MessageParam[], { prefill }: ClaudeTraits): string | undefined {
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return undefined
  if (!prefill) {
    return 'This model does not support assistant message prefill. The conversation must end with a user message.'
  }
  const block = blocksOf(last).at(-1)
  return block?.type === 'text' && block.text !== block.text.trimEnd()
    ? 'messages: final assistant content cannot end with trailing whitespace'
    : undefined
}

/** With a budget, an answer with calls begins with a thought, which clients send back. */
function missingThoughtProblem(messages: readonly MessageParam[]): string | undefined {
  const last = messages.at(-1)
  if (last?.role !== 'user' || !blocksOf(last).some(({ type }) => type === 'tool_result')) return undefined
  const index = messages.findLastIndex(({ role }) => role === 'assistant')
  const message = messages[index]
  const type = message && blocksOf(message)[0]?.type
  if (type === undefined || type === 'thinking' || type === 'redacted_thinking') return undefined
  return `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable \`thinking\`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking`
}
