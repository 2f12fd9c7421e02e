import { largeTextLength, type Encoding } from '../tokens/encoding.ts'
import { yieldToEventLoop } from '../platform/real-timers.ts'

/** Bodies up to this size hold no text that needs slices. */
const largeBodyBytes = largeTextLength

/** Whether a request's texts should be counted by `countLargeTexts` before it is answered. */
export function mayHoldLargeTexts(body: Buffer): boolean {
  return body.length > largeBodyBytes
}

/**
 * Counts the large texts of a request's JSON, wherever they stand in it, and lets other requests have their turn after
 * each slice. What answers the request then counts without delay.
 */
export async function countLargeTexts(json: unknown, encoding: Encoding): Promise<void> {
  for (const text of largeTexts(json)) {
    for (const _ of encoding.countInSlices(text)) await yieldToEventLoop()
  }
}

function* largeTexts(json: unknown): Generator<string> {
  if (typeof json === 'string') {
    // A picture or a file in base64 is not counted as text.
    if (json.length > largeTextLength && !json.startsWith('data:')) yield json
  } else if (typeof json === 'object' && json !== null) {
    for (const value of Object.values(json)) yield* largeTexts(value)
  }
}
