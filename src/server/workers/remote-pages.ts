import { readWebBody } from '../read-body.ts'
import type { Peer } from '../../shared/rpc/peer.ts'

/** No page of the simulator takes a larger body; the primary refuses one that is over the limit by a byte. */
const largestBodyBytes = 1024 * 1024

/** A request for a page that the primary serves, as a worker got it. */
export interface PageRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** In base64; null without a body. */
  readonly body: string | null
}

/** The head of its answer. */
export interface PageHead {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The number by which the body is read; null without one. */
  readonly body: number | null
}

/** What a worker asks for its clients. A body comes piece by piece as its client takes it, so that nobody keeps what nobody reads. */
export type PageMethods = {
  'pages.answer': (request: PageRequest) => Promise<PageHead>
  /** Gives the next piece of a body in base64, null at its end; rejects where it breaks. */
  'pages.read': (body: number) => Promise<string | null>
  /** The client of a body has left. */
  'pages.leave': (body: number) => void
}

/** Makes what asks the primary for its pages, in a worker. */
export function askPrimary(primary: Peer<PageMethods>): (request: Request) => Promise<Response> {
  return async (request) => {
    const read = await readWebBody(request, largestBodyBytes)
    if (read.kind === 'aborted') return new Response('', { status: 400 })
    const bytes = read.kind === 'read' ? read.bytes : Buffer.alloc(largestBodyBytes + 1)
    const { status, headers, body } = await primary.call('pages.answer', {
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: bytes.length === 0 ? null : bytes.toString('base64'),
    })
    return new Response(body === null ? null : remoteBody(primary, body), {
      status,
      headers: listed(headers),
    })
  }
}

function remoteBody(primary: Peer<PageMethods>, number: number): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await primary.call('pages.read', number)
        if (piece === null) controller.close()
        else controller.enqueue(Buffer.from(piece, 'base64'))
      },
      cancel: () => primary.tell('pages.leave', number),
    },
    { highWaterMark: 0 },
  )
}

/** Answers one worker's requests for pages, in the primary. */
export class PageDesk {
  readonly #answer: (request: Request) => Promise<Response>
  readonly #bodies = new Map<number, ReadableStreamDefaultReader<Uint8Array>>()
  #lastNumber = 0

  constructor(answer: (request: Request) => Promise<Response>) {
    this.#answer = answer
  }

  readonly methods: PageMethods = {
    'pages.answer': (request) => this.#open(request),
    'pages.read': async (number) => {
      const reader = this.#bodies.get(number)
      const piece = await reader?.read().catch((error: unknown) => {
        this.#bodies.delete(number)
        throw error
      })
      if (piece?.value) return Buffer.from(piece.value).toString('base64')
      this.#bodies.delete(number)
      return null
    },
    'pages.leave': (number) => this.#leave(number),
  }

  /** The worker is gone, and its clients with it. */
  release(): void {
    for (const number of this.#bodies.keys()) this.#leave(number)
  }

  async #open({ method, url, headers, body }: PageRequest): Promise<PageHead> {
    const request = new Request(url, {
      method,
      headers: listed(headers),
      body: body === null ? null : Buffer.from(body, 'base64'),
    })
    const response = await this.#answer(request)
    const head = { status: response.status, headers: [...response.headers] }
    if (!response.body) return { ...head, body: null }
    const number = ++this.#lastNumber
    this.#bodies.set(number, response.body.getReader())
    return { ...head, body: number }
  }

  #leave(number: number): void {
    const reader = this.#bodies.get(number)
    this.#bodies.delete(number)
    reader?.cancel().catch(() => {})
  }
}

function listed(headers: PageHead['headers']): [string, string][] {
  return headers.map(([name, value]) => [name, value])
}
