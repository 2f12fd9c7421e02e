import type { IncomingMessage } from 'node:http'

/** A body that was read, one that is over the limit, or nothing: the client left before the end. */
export type ReadBody =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  | { readonly kind: 'too-large'; readonly readBytes: number }
  | { readonly kind: 'aborted' }

const empty = Buffer.alloc(0)

/**
 * Reads a request's body from its socket. Past the limit the rest is read but not kept: a client that is cut off while
 * it still writes sees a broken connection and never the answer that explains it.
 */
export function readNodeBody(incoming: IncomingMessage, limitBytes: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= limitBytes) chunks.push(chunk)
      else chunks.length = 0
    })
    incoming.on('end', () => resolve(finish(chunks, length, limitBytes)))
    // An aborted request is closed, too; it is an error only for those who listen for one.
    incoming.on('close', () => resolve({ kind: 'aborted' }))
  })
}

function finish(chunks: readonly Uint8Array[], length: number, limitBytes: number): ReadBody {
  if (length > limitBytes) return { kind: 'too-large', readBytes: length }
  const [first] = chunks
  const bytes = chunks.length === 1 && first ? asBuffer(first) : Buffer.concat(chunks, length)
  return { kind: 'read', bytes }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Reads the body of a Web Request. Past the limit the rest is not kept. */
export async function readWebBody(request: Request, limitBytes: number): Promise<ReadBody> {
  if (!request.body) return { kind: 'read', bytes: empty }
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body) {
      length += chunk.byteLength
      if (length <= limitBytes) chunks.push(chunk)
      else chunks.length = 0
    }
  } catch {
    return { kind: 'aborted' }
  }
  return finish(chunks, length, limitBytes)
}
