import { connect } from 'node:net'

/** A streamed answer as a client receives it. */
export interface ReceivedStream {
  /** Arrival time of each event, in milliseconds after the request. */
  readonly eventsMs: readonly number[]
  readonly status: number
  /** Time of the request on the scale of `performance.now()`. */
  readonly sentMs: number
}

/** A streamed chat request and its address. */
export interface StreamRequest {
  readonly port: number
  readonly path: string
  readonly key: string
  readonly body: object
}

const eventMark = Buffer.from('data: ')
const endOfHead = Buffer.from('\r\n\r\n')

/**
 * Sends a streamed request and records when its events arrive. It only searches for event prefixes, so that the
 * client is not the bottleneck.
 */
export function openStream({ port, path, key, body }: StreamRequest): Promise<ReceivedStream> {
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
