import { plainFault, type Fault } from '../validation/fault.ts'
import type { ChatMessage } from './chat-message.ts'

/**
 * The rule between messages: calls are answered at once and completely, and answers answer a call. `messages` are
 * valid each for itself. Linear in their number.
 */
export function brokenToolHistory(messages: readonly ChatMessage[]): Fault | undefined {
  let called: Set<string> | undefined
  let open: Set<string> | undefined
  for (const [i, message] of messages.entries()) {
    if (message.role === 'tool') {
      const fault = brokenAnswer(message, i, called)
      if (fault !== undefined) return fault
      open?.delete(message.tool_call_id ?? '')
      continue
    }
    if (open !== undefined && open.size > 0) return unanswered(open, `messages.[${i}].role`)
    called = idsOf(message)
    open = called && new Set(called)
    if (message.role === 'function' && !message.name) return nameless(i)
  }
  return open !== undefined && open.size > 0 ? unanswered(open, 'messages') : undefined
}

function idsOf(message: ChatMessage): Set<string> | undefined {
  if (message.role !== 'assistant' || !message.tool_calls) return undefined
  return new Set(message.tool_calls.map((call) => call.id))
}

function brokenAnswer(
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

function nameless(index: number): Fault {
  return plainFault(
    `messages.[${index}].name`,
    "Missing parameter 'name': messages with role 'function' must have a 'name'.",
  )
}
