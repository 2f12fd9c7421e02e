import { deepFreeze } from '../config/deep-freeze.ts'
import { parseJson } from '../pipeline/parse-json.ts'
import { hashSamples, RepeatCache } from '../platform/repeat-cache.ts'

/** Half of what bodies may take with what was parsed from them: 32 MiB in all. */
const generationBytes = 16 * 1024 * 1024

/** A body, the texts in it once more, and the objects around them; from heap snapshots of chats, rounded up. */
const bytesPerByte = 3
const bytesPerBody = 1_000

const largestBody = 1024 * 1024

/**
 * Parses the bodies of requests; one that comes again and again is parsed once. Load tests repeat their prompts, and to
 * compare two bodies takes a tenth of the time that parsing takes, more so for long ones.
 *
 * @returns what gives the JSON of a body, undefined where it is none; what it has given before is frozen
 */
export function createRepeatedBodies(): (body: Buffer) => unknown {
  const parsed = new RepeatCache<Buffer, unknown>(
    {
      hash: (body) => hashSamples(body.length, (at) => body[at] ?? 0),
      equals: (kept, body) => kept.equals(body),
      copy: (body) => Buffer.from(body),
      weigh: ({ length }) => bytesPerByte * length + bytesPerBody,
      share: deepFreeze,
    },
    generationBytes,
    bytesPerByte * largestBody + bytesPerBody,
  )
  return (body) => parsed.get(body, parseJson)
}
