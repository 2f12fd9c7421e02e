import type { Random } from '../lib/random.ts'

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns `length` random characters of A-Z, a-z and 0-9. */
export function alphanumeric(random: Random, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += alphanumerics[random.below(62)]
  return text
}

/** Id of a chat completion: `chatcmpl-` and 29 alphanumeric characters. */
export function chatCompletionId(random: Random): string {
  return `chatcmpl-${alphanumeric(random, 29)}`
}

/** Id of a legacy completion: `cmpl-` and 29 alphanumeric characters. */
export function completionId(random: Random): string {
  return `cmpl-${alphanumeric(random, 29)}`
}

const RADIX = 58n
const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const ANTHROPIC_ID_LENGTH = 20

/** Id of a request to Anthropic's API in the form of its service, made of a GUID: `req_011C` and 20 characters. */
export function anthropicRequestId(id: string): string {
  let left = BigInt(`0x${id.replaceAll('-', '')}`)
  let text = ''
  for (; text.length < ANTHROPIC_ID_LENGTH; left /= RADIX) text += base58[Number(left % RADIX)]
  return `req_011C${text}`
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Id of a message of Anthropic: `msg_01` and 22 alphanumeric characters. */
export function messageId(random: Random): string {
  return `msg_01${alphanumeric(random, 22)}`
}

/** Random GUID (version 4) in lower case, as in `apim-request-id`. */
export function guid(random: Random): string {
  const a = random.bits()
  const b = random.bits()
  const c = random.bits()
  const d = random.bits()
  return `${hex(a)}-${hex16(b >>> 16)}-${hex16((b & 0x0fff) | 0x4000)}-${hex16(((c >>> 16) & 0x3fff) | 0x8000)}-${hex16(c & 0xffff)}${hex(d)}`
}

function hex(bits: number): string {
  return hex16(bits >>> 16) + hex16(bits & 0xffff)
}

function hex16(bits: number): string {
  return `${hexBytes[bits >>> 8]}${hexBytes[bits & 0xff]}`
}
