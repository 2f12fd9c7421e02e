import type { IncomingMessage } from 'node:http'
import { BodyBytes } from './body-bytes.ts'
import type { MemoryBudget } from '../lib/memory-budget.ts'

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
