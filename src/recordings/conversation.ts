import { createHash } from 'node:crypto'
import { isRecord } from '../lib/record.ts'
import { type IgnoredFields, type NormalizedJsonWriter, tooDeep } from './normalize-json.ts'

/**
 * The messages of a request, for MATCH_CONVERSATION=prefix. A turn starts after the output of the model and the results of its tools,
 * which must match. In each turn, the recorded messages must be the first ones.
 */
export interface Conversation {
  /** Hash of all parts of the request that must be equal. */
  readonly key: string
  /** The messages of each turn, in order. */
  readonly turns: readonly Turn[]
}

interface Turn {
  /** Whether a context message can follow its messages. Not directly after the output of the model: it needs a question. */
  readonly isOpen: boolean
  readonly messages: readonly ConversationMessage[]
}

interface ConversationMessage {
  readonly hash: string
  /** Whether a client adds it on its own, not for a question of the user. */
  readonly isContext: boolean
}

/** Longer conversations must match exactly. The service accepts 2,048 messages. */
const MAX_MESSAGES = 4_096

/** Parses the conversation of a request; undefined if it has no list of messages or no message of the user. */
export function conversationOf(
  head: string,
  body: unknown,
  ignored: IgnoredFields,
  writer: NormalizedJsonWriter,
): Conversation | undefined {
  if (!isRecord(body)) return undefined
  const name = Array.isArray(body['messages']) ? 'messages' : 'input'
  const { [name]: messages, ...rest } = body
  const ignoredInMessages = ignored.get(name)
  if (!Array.isArray(messages) || messages.length > MAX_MESSAGES || ignoredInMessages === true)
    return undefined
  try {
    const common = createHash('sha256').update(`${head}\n${writer.write(rest, ignored)}\n`)
    const turns: { isOpen: boolean; messages: ConversationMessage[] }[] = [{ isOpen: true, messages: [] }]
    let hasQuestion = false
    for (const message of messages as readonly unknown[]) {
      const turn = turns.at(-1) ?? { isOpen: true, messages: [] }
      const kind = kindOf(message)
      const isFixed = kind === 'output' || kind === 'tool-result'
      // The position of a message that matches is the same, even if other turns have more context messages.
      writer.startScope(`${turns.length}.${isFixed ? 'end' : turn.messages.length}.`)
      const text = writer.write(message, ignoredInMessages)
      if (isFixed) {
        common.update(`${turns.length} ${text}\n`)
        turns.push({ isOpen: kind === 'tool-result', messages: [] })
        continue
      }
      // The first question selects the conversation.
      if (kind === 'question' && !hasQuestion) common.update(`${turns.length} ${text}\n`)
      hasQuestion ||= kind === 'question'
      turn.messages.push({ hash: shortHash(text), isContext: kind === 'context' })
    }
    return hasQuestion ? { key: common.digest('base64').slice(0, 22), turns } : undefined
  } catch (error) {
    if (error === tooDeep) return undefined
    throw error
  }
}

/**
 * Compares the turns of a request with those of a recording with the same key.
 *
 * @returns how many messages of the request are not in the recording; undefined if the recording does not answer the request
 */
export function addedMessages(requested: Conversation, recorded: Conversation): number | undefined {
  if (requested.turns.length !== recorded.turns.length) return undefined
  let added = 0
  for (const [index, { isOpen, messages }] of recorded.turns.entries()) {
    const all = requested.turns[index]?.messages ?? []
    const extra = all.slice(messages.length)
    const isPrefix = messages.every(({ hash }, at) => hash === all[at]?.hash)
    const canFollow = extra.length === 0 || isOpen || messages.length > 0
    if (!isPrefix || !canFollow || !extra.every(({ isContext }) => isContext)) return undefined
    added += extra.length
  }
  return added
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 22)
}

/** What a message or an item of `input` is. */
function kindOf(message: unknown): 'question' | 'context' | 'output' | 'tool-result' {
  if (!isRecord(message)) return 'question'
  const { role, type } = message
  if (role === 'system' || role === 'developer') return 'context'
  if (role === 'user') return isContextElement(message['content']) ? 'context' : 'question'
  if (role === 'tool' || role === 'function') return 'tool-result'
  return typeof type === 'string' && type.endsWith('_output') ? 'tool-result' : 'output'
}

/** Names of the elements in which agents write context, such as `system-reminder` and `environment_context`. */
const contextElement = /^<([A-Za-z_-]{0,40}(?:reminder|context|environment|system)[A-Za-z_-]{0,40})>/i

/** Whether the text of a message is one element with context: `<system-reminder>...</system-reminder>`. */
function isContextElement(content: unknown): boolean {
  if (Array.isArray(content)) {
    return content.length > 0 && content.every((part) => isRecord(part) && isContextElement(part['text']))
  }
  if (typeof content !== 'string') return false
  const text = content.trim()
  const name = contextElement.exec(text)?.[1]
  return name !== undefined && text.endsWith(`</${name}>`)
}
