import type { IncomingMessage } from 'node:http'
import { type MemoryBudget, UNCOUNTED_BYTES } from '../lib/memory-budget.ts'
import { deepFreeze } from '../lib/record.ts'
import { parseJson } from '../lib/parse-json.ts'
import { hashSamples, RepeatCache } from '../lib/caches.ts'

/** The result of reading a body: bytes, over the limit, memory is short, or the client disconnected. */
export type ReadBody =
  | {
      readonly kind: 'read'
      readonly bytes: Buffer
      /** Call when the bytes are no longer needed. Undefined for a body that uses no shared memory. */
      readonly release: (() => void) | undefined
      /** Reserved shared memory in bytes. */
      readonly heldBytes: number
    }
  | { readonly kind: 'too-large'; readonly readBytes: number }
  | { readonly kind: 'no-room' }
  | { readonly kind: 'aborted' }

const aborted = { kind: 'aborted' } as const
const noMemory = { kind: 'no-room' } as const

/**
 * Reads the body of a request from its socket. A body that exceeds a limit is read to its end and discarded: a client that is cut off
 * while it writes does not see the answer.
 *
 * @param budget shared memory for large bodies
 * @param onRead called once, in a later event-loop iteration
 */
export function readNodeBody(
  incoming: IncomingMessage,
  limitBytes: number,
  budget: MemoryBudget,
  onRead: (body: ReadBody) => void,
): void {
  const body = new BodyBytes(expectedBytes(incoming, limitBytes), budget)
  let length = 0
  let isStored = true
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (!isStored || (length <= limitBytes && body.add(chunk))) return
    isStored = false
    body.drop()
  })
  incoming.on('end', () => {
    if (length > limitBytes) onRead({ kind: 'too-large', readBytes: length })
    else
      onRead(
        isStored
          ? { kind: 'read', bytes: body.bytes, release: body.release, heldBytes: body.reservedBytes }
          : noMemory,
      )
  })
  // An aborted request emits `close`, and `error` only if there is a listener.
  incoming.on('close', () => {
    if (incoming.readableEnded) return
    body.drop()
    onRead(aborted)
  })
}

function expectedBytes({ headers }: IncomingMessage, limitBytes: number): number {
  const announced = headers['content-length']
  // Node accepts only digits.
  return announced === undefined ? limitBytes : Math.min(Number(announced), limitBytes)
}

/** The body stream of a Web Request failed. See `cause`. */
export class BodyFailure extends Error {
  override readonly name = 'BodyFailure'
}

/**
 * Reads the body of a Web Request. A body over the limit is discarded.
 *
 * @throws {BodyFailure} if the stream fails and the request is not aborted
 */
export async function readWebBody(
  request: Request,
  limitBytes: number,
): Promise<Exclude<ReadBody, { readonly kind: 'no-room' }>> {
  const body = new BodyBytes(limitBytes, undefined)
  let length = 0
  try {
    for await (const value of (request.body ?? []) as AsyncIterable<unknown>) {
      // The stream of a caller can contain any value. `fetch` of Node also sends strings.
      const chunk = typeof value === 'string' ? Buffer.from(value) : value
      if (!(chunk instanceof Uint8Array)) throw new TypeError('A chunk must be a Uint8Array or a string.')
      length += chunk.byteLength
      if (length <= limitBytes) body.add(chunk)
      else body.drop()
    }
  } catch (cause) {
    if (request.signal.aborted) return aborted
    throw new BodyFailure('The body of the request failed.', { cause })
  }
  if (length > limitBytes) return { kind: 'too-large', readBytes: length }
  return { kind: 'read', bytes: body.bytes, release: undefined, heldBytes: 0 }
}

const empty = Buffer.alloc(0)

/**
 * Collects the bytes of a body. Parts are copied into one buffer that at least doubles when it is full, because a client can send single
 * bytes, and each part has an overhead of a few hundred bytes in Node.
 */
export class BodyBytes {
  readonly #maxBytes: number
  readonly #budget: MemoryBudget | undefined
  #bytes: Buffer = empty
  #length = 0
  #reservedBytes = 0

  /**
   * @param maxBytes the announced length, or else the limit
   * @param budget shared memory for large bodies; undefined: not limited
   */
  constructor(maxBytes: number, budget: MemoryBudget | undefined) {
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  /** Adds a part. Returns false if memory is short. */
  add(part: Uint8Array): boolean {
    const length = this.#length + part.byteLength
    if (this.#length === 0) {
      // Most bodies arrive as one part, which needs no copy.
      if (length > UNCOUNTED_BYTES && !this.#reserve(length)) return false
      this.#bytes = Buffer.isBuffer(part) ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    } else {
      if (length > this.#bytes.length && !this.#grow(length)) return false
      this.#bytes.set(part, this.#length)
    }
    this.#length = length
    return true
  }

  /** The received bytes. */
  get bytes(): Buffer {
    return this.#bytes.length === this.#length ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }

  /** Reserved shared memory in bytes. */
  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /** Releases the shared memory; further calls do nothing. Undefined if none is reserved. */
  get release(): (() => void) | undefined {
    return this.#reservedBytes === 0 ? undefined : () => this.drop()
  }

  /** Releases the shared memory, and discards the bytes. */
  drop(): void {
    this.#budget?.release(this.#reservedBytes)
    this.#reservedBytes = 0
    this.#bytes = empty
    this.#length = 0
  }

  #grow(neededBytes: number): boolean {
    const doubled = Math.max(UNCOUNTED_BYTES, 2 * neededBytes)
    const capacity = Math.max(neededBytes, Math.min(doubled, this.#maxBytes))
    if (capacity > UNCOUNTED_BYTES && !this.#reserve(capacity)) return false
    const grown = Buffer.allocUnsafeSlow(capacity)
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    return true
  }

  #reserve(bytes: number): boolean {
    if (this.#budget && !this.#budget.tryReserve(bytes - this.#reservedBytes)) return false
    this.#reservedBytes = bytes
    return true
  }
}

/** Size of one of two cache generations of bodies with their parsed JSON: 32 MiB in total. */
const CACHE_GENERATION_BYTES = 16 * 1024 * 1024

/** Memory of a body, its parsed strings and objects. Measured: 1.9 to 2.6 times the length, for chats of 600 to 38,000 bytes. */
const MEMORY_PER_BODY_BYTE = 3
const MEMORY_PER_BODY = 1_000

const MAX_CACHED_BODY_BYTES = 1024 * 1024

/**
 * Creates a parser that caches repeated bodies, because load tests repeat their prompts. Comparing two bodies takes a sixth of the time
 * of parsing with 600 bytes, and a twenty-eighth with 40 KB.
 *
 * @returns a function that returns the JSON of a body, or undefined if it is invalid; the JSON of a repeated body is frozen
 */
export function createRepeatedBodies(): (body: Buffer) => unknown {
  const parsed = new RepeatCache<Buffer, unknown>(
    {
      hash: (body) => hashSamples(body.length, (at) => body[at] ?? 0),
      equals: (cached, body) => cached.equals(body),
      copy: copyBytes,
      weigh: ({ length }) => MEMORY_PER_BODY_BYTE * length + MEMORY_PER_BODY,
      share: deepFreeze,
    },
    CACHE_GENERATION_BYTES,
    MEMORY_PER_BODY_BYTE * MAX_CACHED_BODY_BYTES + MEMORY_PER_BODY,
  )
  return (body) => parsed.get(body, parseJson)
}

/** Copies to a separate buffer: a slice of the pool of Node would keep the whole pool in memory. */
function copyBytes(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length)
  own.set(body)
  return own
}
