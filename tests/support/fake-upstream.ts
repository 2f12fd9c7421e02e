import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'

/** A request as the upstream got it. */
export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Fires when the caller broke the connection before the answer was complete. */
  readonly left: AbortSignal
}

/** Answers one request. */
export type FakeAnswer = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>

/** A service on a free port of this machine, in this process. */
export interface FakeUpstream {
  /** `http://127.0.0.1:12345`. */
  readonly url: string
  readonly received: ReceivedRequest[]
  /** How many connections have been made. */
  readonly connections: number
  /** How the next requests are answered. */
  answer: FakeAnswer
  close(): Promise<void>
}

/** Starts a service with configurable answers. */
export async function startFakeUpstream(
  answer: FakeAnswer = json({ ok: true }),
  port = 0,
): Promise<FakeUpstream> {
  const received: ReceivedRequest[] = []
  let connections = 0
  const upstream = {
    url: '',
    received,
    answer,
    get connections() {
      return connections
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const leaving = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) leaving.abort()
    })
    const { method = '', url = '', headers } = incoming
    const request = { method, url, headers, body: Buffer.concat(chunks), left: leaving.signal }
    received.push(request)
    await upstream.answer(request, response)
  }
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy())
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return upstream
}

/** A server on a free port that talks to its sockets by itself: for what no HTTP server of Node.js would send. */
export async function startRawUpstream(
  onRequest: (socket: Socket, count: number) => void,
): Promise<{ readonly url: string; readonly sockets: readonly Socket[]; close(): void }> {
  const sockets: Socket[] = []
  let count = 0
  const server = createTcpServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    // A request of a test is small enough for one packet.
    socket.on('data', () => onRequest(socket, ++count))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** An answer of JSON with its length. */
export function json(
  value: unknown,
  status = 200,
  headers: Record<string, string | string[]> = {},
): FakeAnswer {
  return (_, response) => {
    const body = JSON.stringify(value)
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    response.end(body)
  }
}

/** A stream of server-sent events, with a pause in front of each but the first; it ends in order. */
export function eventStream(events: readonly string[], pauseMs = 0): FakeAnswer {
  return async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    for (const [index, event] of events.entries()) {
      if (index > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      response.write(event)
    }
    response.end()
  }
}

/** A chat completion as the service gives it, as far as clients look at it. */
export function chatCompletion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  }
}

/** The events of a streamed chat completion, one for each piece of text, with `[DONE]` at the end. */
export function chatEvents(pieces: readonly string[]): string[] {
  const chunk = (delta: object, finish: string | null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    const whole = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices }
    return `data: ${JSON.stringify(whole)}\n\n`
  }
  return [...pieces.map((content) => chunk({ content }, null)), chunk({}, 'stop'), 'data: [DONE]\n\n']
}
