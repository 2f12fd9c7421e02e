import { connect } from 'node:net'

/** What a client saw of one streamed answer. */
export interface SeenStream {
  /** When each event came, in milliseconds from the sending of the request. */
  readonly eventsMs: readonly number[]
  readonly status: number
  /** When the request was sent, on the scale of `performance.now()`. */
  readonly sentMs: number
}

/** A streamed chat request, and where to send it. */
export interface StreamRequest {
  readonly port: number
  readonly path: string
  readonly key: string
  readonly body: object
}

const eventMark = Buffer.from('data: ')
const endOfHead = Buffer.from('\r\n\r\n')

/**
 * Asks for one stream and notes when its events come. It looks at nothing but their beginnings, so that the client is not
 * what is measured.
 */
export function openStream({ port, path, key, body }: StreamRequest): Promise<SeenStream> {
  const content = JSON.stringify(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `api-key: ${key}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(content)}`,
    'connection: close',
  ]
  return new Promise((resolve, reject) => {
    const eventsMs: number[] = []
    let status = 0
    let sentMs = 0
    let inBody = false
    const socket = connect(port, '127.0.0.1', () => {
      sentMs = performance.now()
      socket.write(`${head.join('\r\n')}\r\n\r\n${content}`)
    })
    socket.on('data', (chunk) => {
      const atMs = performance.now() - sentMs
      let from = 0
      if (!inBody) {
        status = Number(chunk.toString('latin1', 9, 12))
        from = chunk.indexOf(endOfHead)
        inBody = from >= 0
      }
      for (let at = chunk.indexOf(eventMark, from); at >= 0; at = chunk.indexOf(eventMark, at + 6)) {
        eventsMs.push(atMs)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => resolve({ eventsMs, status, sentMs }))
  })
}
