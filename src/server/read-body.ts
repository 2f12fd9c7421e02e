import type { IncomingMessage } from 'node:http'
import { type MemoryBudget, UNCOUNTED_BYTES } from '../lib/memory-budget.ts'
import { deepFreeze } from '../lib/record.ts'
import { parseJson } from '../lib/parse-json.ts'
import { hashSamples, RepeatCache } from '../lib/caches.ts'

/** A body that was read, one that is over the limit or finds no room, or nothing: the client left before the end. */
export type ReadBody =
  | {
      readonly kind: 'read'
      readonly bytes: Buffer
      /** To be called when the bytes are not needed any more; undefined for a body that takes no shared room. */
      readonly release: (() => void) | undefined
      /** The shared room that it takes until then, in bytes. */
      readonly heldBytes: number
    }
  | { readonly kind: 'too-large'; readonly readBytes: number }
  | { readonly kind: 'no-room' }
  | { readonly kind: 'aborted' }

const aborted = { kind: 'aborted' } as const
const noRoom = { kind: 'no-room' } as const

/**
 * Reads a request's body from its socket. What is over the limit, or finds no room, is read but not kept: a client that is
 * cut off while it still writes sees a broken connection and never the answer that explains it.
 *
 * @param room what the large bodies of all requests share
 * @param onRead called once, in a later turn of the loop than this
 */
export function readNodeBody(
  incoming: IncomingMessage,
  limitBytes: number,
  room: MemoryBudget,
  onRead: (body: ReadBody) => void,
): void {
  const body = new BodyBytes(expectedBytes(incoming, limitBytes), room)
  let length = 0
  let isKept = true
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (!isKept || (length <= limitBytes && body.add(chunk))) return
    isKept = false
    body.drop()
  })
  incoming.on('end', () => {
    if (length > limitBytes) onRead({ kind: 'too-large', readBytes: length })
    else
      onRead(
        isKept
          ? { kind: 'read', bytes: body.bytes, release: body.release, heldBytes: body.takenBytes }
          : noRoom,
      )
  })
  // An aborted request is closed, too; it is an error only for those who listen for one.
  incoming.on('close', () => {
    if (incoming.readableEnded) return
    body.drop()
    onRead(aborted)
  })
}

function expectedBytes({ headers }: IncomingMessage, limitBytes: number): number {
  const announced = headers['content-length']
  // Node lets only digits pass.
  return announced === undefined ? limitBytes : Math.min(Number(announced), limitBytes)
}

/** The body of a Web Request is a stream of the caller's, and that failed; the cause says how. */
export class BodyFailure extends Error {
  override readonly name = 'BodyFailure'
}

/**
 * Reads the body of a Web Request. Past the limit the rest is not kept.
 *
 * @throws {BodyFailure} where it breaks off and the caller has not left
 */
export async function readWebBody(
  request: Request,
  limitBytes: number,
): Promise<Exclude<ReadBody, { readonly kind: 'no-room' }>> {
  const body = new BodyBytes(limitBytes, undefined)
  let length = 0
  try {
    for await (const given of (request.body ?? []) as AsyncIterable<unknown>) {
      // A caller's own stream may give anything; Node's fetch sends texts, too.
      const chunk = typeof given === 'string' ? Buffer.from(given) : given
      if (!(chunk instanceof Uint8Array)) throw new TypeError('A chunk is neither a Uint8Array nor a string.')
      length += chunk.byteLength
      if (length <= limitBytes) body.add(chunk)
      else body.drop()
    }
  } catch (cause) {
    if (request.signal.aborted) return aborted
    throw new BodyFailure('The body of the request broke off.', { cause })
  }
  if (length > limitBytes) return { kind: 'too-large', readBytes: length }
  return { kind: 'read', bytes: body.bytes, release: undefined, heldBytes: 0 }
}

const empty = Buffer.alloc(0)

/**
 * The bytes of a body while it arrives. A client may send it byte by byte, and each part has a few hundred bytes of its
 * own in Node: so parts are copied together, into memory that at least doubles when it is full.
 */
export class BodyBytes {
  readonly #mostBytes: number
  readonly #room: MemoryBudget | undefined
  #bytes: Buffer = empty
  #length = 0
  #takenBytes = 0

  /**
   * @param mostBytes the length that was announced, or else the limit
   * @param room what large bodies share; absent: nothing
   */
  constructor(mostBytes: number, room: MemoryBudget | undefined) {
    this.#mostBytes = mostBytes
    this.#room = room
  }

  /** Adds a part; false where there is no room for it. */
  add(part: Uint8Array): boolean {
    const length = this.#length + part.byteLength
    if (this.#length === 0) {
      // Most bodies come as one part, which needs no copy.
      if (length > UNCOUNTED_BYTES && !this.#take(length)) return false
      this.#bytes = Buffer.isBuffer(part) ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    } else {
      if (length > this.#bytes.length && !this.#grow(length)) return false
      this.#bytes.set(part, this.#length)
    }
    this.#length = length
    return true
  }

  /** What has arrived. */
  get bytes(): Buffer {
    return this.#bytes.length === this.#length ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }

  /** The shared room that is taken, in bytes. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** What gives the room back, once; undefined where none is taken. */
  get release(): (() => void) | undefined {
    return this.#takenBytes === 0 ? undefined : () => this.drop()
  }

  /** Gives the room back, and forgets the bytes. */
  drop(): void {
    this.#room?.release(this.#takenBytes)
    this.#takenBytes = 0
    this.#bytes = empty
    this.#length = 0
  }

  #grow(neededBytes: number): boolean {
    const roomy = Math.max(UNCOUNTED_BYTES, 2 * neededBytes)
    const capacity = Math.max(neededBytes, Math.min(roomy, this.#mostBytes))
    if (capacity > UNCOUNTED_BYTES && !this.#take(capacity)) return false
    const grown = Buffer.allocUnsafeSlow(capacity)
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    return true
  }

  #take(bytes: number): boolean {
    if (this.#room && !this.#room.tryReserve(bytes - this.#takenBytes)) return false
    this.#takenBytes = bytes
    return true
  }
}

/** Half of what bodies may take with what was parsed from them: 32 MiB in all. */
const GENERATION_BYTES = 16 * 1024 * 1024

/** A body, the texts in it once more, and the objects around them: chats of 600 to 38,000 bytes took 1.9 to 2.6 times their length. */
const BYTES_PER_BYTE = 3
const BYTES_PER_BODY = 1_000

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Parses the bodies of requests; one that comes again and again is parsed once. Load tests repeat their prompts, and to
 * compare two bodies of 600 bytes takes a sixth of the time that parsing one takes, of 40 KB a twenty-eighth.
 *
 * @returns what gives the JSON of a body, undefined where it is none; what it has given before is frozen
 */
export function createRepeatedBodies(): (body: Buffer) => unknown {
  const parsed = new RepeatCache<Buffer, unknown>(
    {
      hash: (body) => hashSamples(body.length, (at) => body[at] ?? 0),
      equals: (kept, body) => kept.equals(body),
      copy: ownBytes,
      weigh: ({ length }) => BYTES_PER_BYTE * length + BYTES_PER_BODY,
      share: deepFreeze,
    },
    GENERATION_BYTES,
    BYTES_PER_BYTE * MAX_BODY_BYTES + BYTES_PER_BODY,
  )
  return (body) => parsed.get(body, parseJson)
}

/** A small copy would else be part of a larger buffer, and keep all of that in memory. */
function ownBytes(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length)
  own.set(body)
  return own
}
