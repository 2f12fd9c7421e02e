import { connect, type Socket } from 'node:net'

/** A request as it goes over the wire. Host and Content-Length are added. */
export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An answer as it came over the wire. */
export interface RawResponse {
  readonly status: number
  /** The text after the status. */
  readonly reason: string
  /** Names and values in the order and case that they were sent in. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The body without its transfer coding, as UTF-8. */
  readonly body: string
  /** The text of each HTTP chunk; empty for a body of known length. */
  readonly chunks: readonly string[]
  /** All bytes of the answer as latin1: one character a byte. */
  readonly bytes: string
}

/** The bytes of a request, for a test that writes them itself. */
export function requestBytes({ method = 'POST', path, headers = {}, body = '' }: RawRequest): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1']
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (body !== '' || method !== 'GET') lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** A connection that one request after the other can be written to. */
export class RawConnection {
  readonly socket: Socket
  #bytes = Buffer.alloc(0)
  #closed = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data: Uint8Array) => {
      this.#bytes = Buffer.concat([this.#bytes, data])
      this.#wake()
    })
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
    socket.on('error', () => undefined)
  }

  /** @throws {Error} ECONNREFUSED if nothing listens on the port */
  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawConnection(socket)
  }

  /** Sends a request and reads its answer to the end. */
  async send(request: RawRequest): Promise<RawResponse> {
    this.socket.write(requestBytes(request))
    return this.readResponse()
  }

  /** Waits for bytes of the next answer that contain `text`, and leaves them to be read. */
  async waitForText(text: string): Promise<void> {
    while (!this.#bytes.includes(text)) await this.#more()
  }

  /** Reads one answer. @throws {Error} when the connection closes before its end */
  async readResponse(): Promise<RawResponse> {
    let headEnd = this.#bytes.indexOf('\r\n\r\n')
    while (headEnd < 0) {
      await this.#more()
      headEnd = this.#bytes.indexOf('\r\n\r\n')
    }
    const [statusLine = '', ...lines] = this.#bytes.toString('latin1', 0, headEnd).split('\r\n')
    const [, status, reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine) ?? []
    const headers = lines.map((line) => splitHeader(line))
    const find = (name: string): string | undefined =>
      headers.find(([key]) => key.toLowerCase() === name)?.[1]
    const bodyStart = headEnd + 4
    const chunks = find('transfer-encoding') === 'chunked' ? await this.#readChunks(bodyStart) : undefined
    const end = chunks?.end ?? bodyStart + Number(find('content-length') ?? 0)
    while (this.#bytes.length < end) await this.#more()
    const body = chunks ? chunks.texts.join('') : this.#bytes.toString('utf8', bodyStart, end)
    const bytes = this.#bytes.toString('latin1', 0, end)
    this.#bytes = this.#bytes.subarray(end)
    return { status: Number(status), reason, headers, body, chunks: chunks?.texts ?? [], bytes }
  }

  async #readChunks(start: number): Promise<{ texts: string[]; end: number }> {
    const texts: string[] = []
    for (let at = start; ;) {
      let lineEnd = this.#bytes.indexOf('\r\n', at)
      while (lineEnd < 0) {
        await this.#more()
        lineEnd = this.#bytes.indexOf('\r\n', at)
      }
      const size = Number.parseInt(this.#bytes.toString('latin1', at, lineEnd), 16)
      const textStart = lineEnd + 2
      while (this.#bytes.length < textStart + size + 2) await this.#more()
      if (size === 0) return { texts, end: textStart + 2 }
      texts.push(this.#bytes.toString('utf8', textStart, textStart + size))
      at = textStart + size + 2
    }
  }

  #more(): Promise<void> {
    if (this.#closed) throw new Error(`The connection closed after: ${this.#bytes.toString('latin1')}`)
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function splitHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(': ')
  return [line.slice(0, colon), line.slice(colon + 2)]
}

/** Sends one request over a separate connection. */
export async function sendRaw(port: number, request: RawRequest): Promise<RawResponse> {
  const connection = await RawConnection.open(port)
  try {
    return await connection.send(request)
  } finally {
    connection.socket.destroy()
  }
}
