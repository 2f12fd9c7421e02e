import { STATUS_CODES } from 'node:http'
import type { App } from './app.ts'
import { BodyFailure } from './read-body.ts'
import { webResponse } from './carriers/web-response.ts'
import { RunningAnswers } from './running-answers.ts'

/** The standard function, answered in this process. */
export interface InProcessFetch {
  /** Whatever the host of the URL; a path alone is one of this simulator. */
  readonly fetch: typeof globalThis.fetch
  /**
   * Answers nothing more, waits for what is being answered, and breaks off what is left then.
   *
   * @param graceMs longest wait in milliseconds
   */
  close(graceMs: number): Promise<void>
}

/**
 * Makes a `fetch` that needs no socket and otherwise behaves as Node's: it rejects with the reason of an aborted signal, with
 * TypeError "fetch failed" where the connection would break or a body fails, and breaks a body off with TypeError "terminated".
 *
 * @param origin what a path alone is added to
 */
export function createInProcessFetch(app: App, origin: string): InProcessFetch {
  const running = new RunningAnswers()

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const asked = new Request(isPath(input) ? origin + input : input, init)
    asked.signal.throwIfAborted()
    const answer = running.begin(asked)
    const handed = new Request(asked, { headers: sentHeaders(asked), signal: answer.signal })
    try {
      const response = await answer.orAborted(Promise.resolve(app.fetch(handed)), (late) => {
        late.body?.cancel().catch(() => {})
      })
      const body = response.body && answer.watch(response.body)
      if (!body) answer.end()
      return withUrl(
        webResponse(body, {
          status: response.status,
          statusText: response.statusText || (STATUS_CODES[response.status] ?? ''),
          headers: response.headers,
        }),
        asked.url,
      )
    } catch (cause) {
      answer.end()
      throw answer.explain('fetch failed', cause instanceof BodyFailure ? cause.cause : cause)
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

/** What Node's own `fetch` adds on its way out, as far as anybody reads it. */
function sentHeaders({ url, headers }: Request): Headers {
  const sent = new Headers(headers)
  if (!sent.has('host')) sent.set('host', new URL(url).host)
  if (!sent.has('accept')) sent.set('accept', '*/*')
  if (!sent.has('user-agent')) sent.set('user-agent', 'node')
  return sent
}

/** A response that somebody makes has no URL of its own; that of a fetch has the request's without the fragment. */
function withUrl(response: Response, url: string): Response {
  return Object.defineProperty(response, 'url', { value: url.replace(/#.*$/, '') })
}
