import type { Port } from '../../lib/port.ts'
import { eventStreamType } from '../event-stream.ts'
import { readWebBody } from '../read-body.ts'

/** No page of the simulator takes a larger body; the primary refuses one that is over the limit by a byte. */
const MAX_BODY_BYTES = 1024 * 1024

/** A request for a page that the primary serves, as a worker got it. */
export interface PageRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** In base64; undefined without a body. */
  readonly body: string | undefined
}

/** The head of its answer. */
export interface PageHead<Lease> {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** By which the body is read; undefined without one. */
  readonly lease: Lease | undefined
}

/**
 * The pages that the primary serves for all. A body comes piece by piece: a stream of events as its client takes it, so that nobody
 * keeps what nobody reads; any other is put together, so that its length is told.
 */
export interface PrimaryPages<Lease = unknown> {
  answer(request: PageRequest): Promise<PageHead<Lease>>
  /** Gives the next piece of a body in base64, undefined at its end; rejects where it breaks. */
  read(body: Lease): Promise<string | undefined>
  /** Nothing more is read of a body. */
  leave(body: Lease): void
}

export const primaryPagesPort: Port<PrimaryPages> = {
  name: 'pages',
  methods: {
    answer: { kind: 'request', lease: 'opens' },
    read: { kind: 'request', lease: 'uses' },
    leave: { kind: 'notification', lease: 'ends' },
  },
  // Its clients are gone with it.
  releaseLease: (pages, body) => pages.leave(body),
}

/** Makes what asks the primary for its pages, in a worker. */
export function askPrimary(pages: PrimaryPages): (request: Request) => Promise<Response> {
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
        const piece = await pages.read(lease).catch((error: unknown) => {
          pages.leave(lease)
          throw error
        })
        if (piece !== undefined) {
          controller.enqueue(Buffer.from(piece, 'base64'))
          return
        }
        pages.leave(lease)
        controller.close()
      },
      cancel: () => pages.leave(lease),
    },
    { highWaterMark: 0 },
  )
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>

/** Serves pages to workers, in the primary. */
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
    leave: (reader) => void reader.cancel().catch(() => {}),
  }
}

function requestOf({ method, url, headers, body }: PageRequest): Request {
  return new Request(url, {
    method,
    headers: listed(headers),
    body: body === undefined ? null : Buffer.from(body, 'base64'),
  })
}

function listed(headers: PageHead<unknown>['headers']): [string, string][] {
  return headers.map(([name, value]) => [name, value])
}
