import { createHash } from 'node:crypto'

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
