import type { Port } from '../../lib/port.ts'
import { eventStreamType } from '../event-stream.ts'
import { readWebBody } from '../read-body.ts'

/** Maximum body of a page. The worker sends one byte more than that for any larger body, so that the primary rejects it. */
const MAX_BODY_BYTES = 1024 * 1024

/** A request that a worker forwards to the primary. */
export interface PageRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** In base64; undefined without a body. */
  readonly body: string | undefined
}

/** The head of the answer of the primary. */
export interface PageHead<Lease> {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Identifies the body for `read` and `cancel`; undefined without a body. */
  readonly lease: Lease | undefined
}

/**
 * The pages that the primary serves for all workers. Bodies are read in chunks. A worker forwards an event stream chunk by chunk, as
 * its client reads, so that unread events are not buffered. It buffers any other body, so that its length is known.
 */
export interface PrimaryPages<Lease = unknown> {
  answer(request: PageRequest): Promise<PageHead<Lease>>
  /** Returns the next chunk of a body in base64, or undefined at its end. Rejects if the body fails. */
  read(body: Lease): Promise<string | undefined>
  /** Called when no more chunks of a body are needed. */
  cancel(body: Lease): void
}

export const primaryPagesPort: Port<PrimaryPages> = {
  name: 'pages',
  methods: {
    answer: { kind: 'request', lease: 'opens' },
    read: { kind: 'request', lease: 'uses' },
    cancel: { kind: 'notification', lease: 'ends' },
  },
  // The clients of an exited worker are disconnected.
  releaseLease: (pages, body) => pages.cancel(body),
}

/** Creates a function that forwards a request from a worker to the primary. */
export function forwardToPrimary(pages: PrimaryPages): (request: Request) => Promise<Response> {
  return async (request) => {
    const read = await readWebBody(request, MAX_BODY_BYTES)
    if (read.kind === 'aborted') return new Response('', { status: 400 })
    const bytes = read.kind === 'read' ? read.bytes : Buffer.alloc(MAX_BODY_BYTES + 1)
    const { status, headers, lease } = await pages.answer({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: bytes.length === 0 ? undefined : bytes.toString('base64'),
    })
    const init = { status, headers: listed(headers) }
    if (lease === undefined) return new Response(null, init)
    const body = remoteBody(pages, lease)
    if (headers.some(([name, value]) => name === 'content-type' && value === eventStreamType)) {
      return new Response(body, init)
    }
    return new Response(new Uint8Array(await new Response(body).arrayBuffer()), init)
  }
}

function remoteBody(pages: PrimaryPages, lease: unknown): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await pages.read(lease).catch((error: unknown) => {
          pages.cancel(lease)
          throw error
        })
        if (chunk !== undefined) {
          controller.enqueue(Buffer.from(chunk, 'base64'))
          return
        }
        pages.cancel(lease)
        controller.close()
      },
      cancel: () => pages.cancel(lease),
    },
    { highWaterMark: 0 },
  )
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>

/** Implements `PrimaryPages` in the primary, with a function that answers a request. */
export function servePages(answer: (request: Request) => Promise<Response>): PrimaryPages<BodyReader> {
  return {
    async answer(request) {
      const response = await answer(requestOf(request))
      return {
        status: response.status,
        headers: [...response.headers],
        lease: response.body?.getReader(),
      }
    },
    async read(reader) {
      const { value } = await reader.read()
      return value && Buffer.from(value).toString('base64')
    },
    cancel: (reader) => void reader.cancel().catch(() => {}),
  }
}

function requestOf({ method, url, headers, body }: PageRequest): Request {
  const request = new Request(url, {
    method: method === 'TRACE' ? 'OPTIONS' : method,
    headers: listed(headers),
    body: body === undefined ? null : Buffer.from(body, 'base64'),
  })
  // Servers receive TRACE, but the constructor refuses it.
  return method === 'TRACE' ? Object.defineProperty(request, 'method', { value: method }) : request
}

function listed(headers: PageHead<unknown>['headers']): [string, string][] {
  return headers.map(([name, value]) => [name, value])
}
