import { STATUS_CODES } from 'node:http'
import type { App } from './app.ts'
import { BodyFailure } from './read-body.ts'
import { webResponse } from './carriers/web-response.ts'
import { RunningAnswers } from './running-answers.ts'

/** The standard `fetch`, answered in this process. */
export interface InProcessFetch {
  /** Accepts URLs with any host, and paths. */
  readonly fetch: typeof globalThis.fetch
  /**
   * Rejects new requests, waits for running answers, and aborts the remaining ones after the grace period.
   *
   * @param graceMs maximum wait in milliseconds
   */
  close(graceMs: number): Promise<void>
}

/**
 * Creates a `fetch` without a socket that behaves like `fetch` of Node. It rejects with the reason of an aborted signal, and with TypeError
 * "fetch failed" if the connection would break or the request body fails. A cut body fails with TypeError "terminated".
 *
 * @param origin base URL of paths
 */
export function createInProcessFetch(app: App, origin: string): InProcessFetch {
  const running = new RunningAnswers()

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(isPath(input) ? origin + input : input, init)
    request.signal.throwIfAborted()
    const answer = running.begin(request)
    const sent = new Request(request, { headers: sentHeaders(request), signal: answer.signal })
    try {
      const response = await answer.orAborted(Promise.resolve(app.fetch(sent)), (late) => {
        late.body?.cancel().catch(() => {})
      })
      const body = response.body && answer.wrapBody(response.body)
      if (!body) answer.end()
      return withUrl(
        webResponse(body, {
          status: response.status,
          statusText: response.statusText || (STATUS_CODES[response.status] ?? ''),
          headers: response.headers,
        }),
        request.url,
      )
    } catch (cause) {
      answer.end()
      throw answer.errorFor('fetch failed', cause instanceof BodyFailure ? cause.cause : cause)
    }
  }
  const close: InProcessFetch['close'] = (graceMs) => {
    app.endStreams()
    return running.close(graceMs)
  }
  return { fetch, close }
}

function isPath(input: string | URL | Request): input is string {
  return typeof input === 'string' && input.startsWith('/')
}

/** Adds the headers that `fetch` of Node sends and the simulator reads. */
function sentHeaders({ url, headers }: Request): Headers {
  const sent = new Headers(headers)
  if (!sent.has('host')) sent.set('host', new URL(url).host)
  if (!sent.has('accept')) sent.set('accept', '*/*')
  if (!sent.has('user-agent')) sent.set('user-agent', 'node')
  return sent
}

/** Sets the URL of a response, which the constructor cannot: the URL of the request without its fragment. */
function withUrl(response: Response, url: string): Response {
  return Object.defineProperty(response, 'url', { value: url.replace(/#.*$/, '') })
}
