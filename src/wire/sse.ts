import { type Random, createRandom } from '../lib/random.ts'
import { alphanumeric } from './ids.ts'

/** Frames JSON as one server-sent event, as chat and completions do: data only, line feeds only. */
export function dataEvent(json: string): string {
  return `data: ${json}\n\n`
}

/** Ends the stream of chat and completions. */
export const doneEvent = dataEvent('[DONE]')

/** The content type of a stream since 2025; before, it had no charset. */
export const eventStreamType = 'text/event-stream; charset=utf-8'

/** Whether an event is the end of a stream of chat completions, of the Responses API, and of Anthropic's messages. */
export function isTerminalEvent(text: string): boolean {
  return (
    /^data: ?\[DONE\]/m.test(text) ||
    /^event: ?(?:response\.(?:completed|incomplete|failed)|message_stop)\s*$/m.test(text)
  )
}

const NOISE_LENGTH = 4096

/** Slices of one random text do as well as new ones, at a fraction of the cost: nobody decodes them. */
const noise = alphanumeric(createRandom('obfuscation'), NOISE_LENGTH + 16)

/**
 * The padding that hides the length of a chunk's content from who sees only the size of packets. The service pads so
 * that the chunk, without its filter annotations, has one code point more than a multiple of 16 (derived from 849
 * captured chunks, all of which match).
 *
 * @param codePoints length of the chunk's JSON without annotations and with an empty `obfuscation`
 */
export function obfuscation(random: Random, codePoints: number): string {
  const missing = (((1 - codePoints) % 16) + 16) % 16
  const start = random.below(NOISE_LENGTH)
  return noise.slice(start, start + missing)
}

/** Length of a text in code points; a pair of surrogates is one. */
export function codePointLength(text: string): number {
  let pairs = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit <= 0xdbff) pairs++
  }
  return text.length - pairs
}
