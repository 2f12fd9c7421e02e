import { type Random, createRandom } from '../lib/random.ts'
import { alphanumeric } from './ids.ts'

/** Formats JSON as a server-sent event of chat and completions: only `data`, with line feeds. */
export function dataEvent(json: string): string {
  return `data: ${json}\n\n`
}

/** The last event of a stream of chat and completions. */
export const doneEvent = dataEvent('[DONE]')

/** Content type of a stream since 2025. Earlier, it had no charset. */
export const eventStreamType = 'text/event-stream; charset=utf-8'

/** Returns whether the event ends a stream of chat completions, the Responses API or Anthropic's messages. */
export function isTerminalEvent(text: string): boolean {
  return (
    /^data: ?\[DONE\]/m.test(text) ||
    /^event: ?(?:response\.(?:completed|incomplete|failed)|message_stop)\s*$/m.test(text)
  )
}

const NOISE_LENGTH = 4096

/** Padding is sliced from this text, since new random text costs more. Clients ignore it. */
const noise = alphanumeric(createRandom('obfuscation'), NOISE_LENGTH + 16)

/**
 * Returns the padding that hides the length of a chunk's content from observers of the packet size. The length of a chunk,
 * without filter annotations, is a multiple of 16 code points plus 1 (derived from 849 captured chunks, which all match).
 *
 * @param codePoints length of the JSON without annotations and with an empty `obfuscation`
 */
export function obfuscation(random: Random, codePoints: number): string {
  const missing = (((1 - codePoints) % 16) + 16) % 16
  const start = random.below(NOISE_LENGTH)
  return noise.slice(start, start + missing)
}

/** Length in code points. A surrogate pair counts as one. */
export function codePointLength(text: string): number {
  let pairs = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit <= 0xdbff) pairs++
  }
  return text.length - pairs
}
