import { createHash } from 'node:crypto'
import type { TextEvent } from '../../answer/answer-events.ts'
import { redactedThinking } from '../../answer/thinking-blocks.ts'
import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { listOf } from '../read-json.ts'

/** The value of `include` that asks for `encrypted_content` of reasoning items. */
export const ENCRYPTED_REASONING = 'reasoning.encrypted_content'

// Encrypted content is random text that ends with marks: which resource issued it, and a checksum. So every process recognizes the
// content of all others, also after a restart.

const RESOURCE_CHARACTERS = 6
const CHECKSUM_CHARACTERS = 16
const START = 'gAAAAA'
const END = '=='
const MARK_CHARACTERS = RESOURCE_CHARACTERS + CHECKSUM_CHARACTERS

/** Where encrypted content comes from: this resource, another resource of a simulator, or not from a simulator. */
export type ContentOrigin = 'here' | 'other-resource' | 'unknown'

/**
 * Returns encrypted content of a resource.
 *
 * @param text letters and digits, at least as many as the marks (22). The last ones are replaced, so that the length is known.
 */
export function sealContent(text: string, resource: string): string {
  const marked = `${START}${text.slice(0, -MARK_CHARACTERS)}${digest(resource, RESOURCE_CHARACTERS)}`
  return `${marked}${digest(marked, CHECKSUM_CHARACTERS)}${END}`
}

/** Returns the origin of encrypted content, from the view of a resource. */
export function contentOrigin(content: string, resource: string): ContentOrigin {
  if (!content.startsWith(START) || !content.endsWith(END)) return 'unknown'
  const end = content.length - END.length
  const marked = content.slice(0, end - CHECKSUM_CHARACTERS)
  if (content.slice(marked.length, end) !== digest(marked, CHECKSUM_CHARACTERS)) return 'unknown'
  return marked.endsWith(digest(resource, RESOURCE_CHARACTERS)) ? 'here' : 'other-resource'
}

function digest(text: string, characters: number): string {
  return createHash('sha256').update(`aoai-sim:${text}`).digest('base64url').slice(0, characters)
}

/** Marks the data of redacted thinking. Other content of a Claude model is a signature. */
const REDACTED = 'redacted_thinking:'

/** Returns `encrypted_content` for the end of a thinking block of a Claude model; undefined for other events. */
export function contentOfThinking(event: TextEvent): string | undefined {
  const redacted = redactedThinking(event)
  return redacted === undefined ? event.signature : `${REDACTED}${redacted}`
}

/** Returns the thinking block in a reasoning item of a Claude model; undefined for encrypted content of another model. */
export function thinkingOfItem({
  encrypted_content: content,
  summary,
}: JsonMembers): JsonMembers | undefined {
  if (typeof content !== 'string' || content === '' || content.startsWith(START)) return undefined
  if (content.startsWith(REDACTED)) return { type: 'redacted_thinking', data: content.slice(REDACTED.length) }
  const texts = listOf(summary).map((part) =>
    isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '',
  )
  return { type: 'thinking', thinking: texts.join(''), signature: content }
}
