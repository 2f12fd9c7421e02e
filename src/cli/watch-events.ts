import { connectionReason, tlsAdvice } from '../lib/error-text.ts'
import { printable } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { clearTimeout, setTimeout } from '../lib/real-timers.ts'
import { parseFields } from '../lib/record.ts'
import { EventSplitter, readEvent } from '../lib/server-sent-events.ts'
import { backoffMs } from '../lib/waiting.ts'

/** An event of the simulator, or a change of the connection. */
export type WatchEvent =
  | { readonly kind: 'event'; readonly name: string; readonly data: unknown }
  /** The connection is lost. It is opened again after a wait. */
  | { readonly kind: 'lost'; readonly reason: string }

/** Options of `followEvents`. */
export interface FollowOptions {
  readonly url: URL
  readonly apiKey: string
  /** Only this resource; undefined: all. */
  readonly resource: string | undefined
  /** Ends the iteration. */
  readonly signal: AbortSignal
}

/** The simulator sends at least a comment every 15 seconds. */
const SILENCE_MS = 45_000

const CONNECT_MS = 10_000

const retryDelays = { firstMs: 500, maxMs: 10_000 }

/**
 * Follows `GET /++/events`. A lost connection is reported once and opened again, until the simulator answers or refuses.
 *
 * @throws {OperatorError} SIMULATOR_UNAVAILABLE if the first connection fails, CONFIG_INVALID if the simulator rejects the key or does
 * not have the resource
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<WatchEvent, undefined> {
  const { signal } = options
  let hasConnected = false
  let retries = 0
  let isLost = false
  while (!signal.aborted) {
    try {
      for await (const event of readEvents(options)) {
        hasConnected = true
        isLost = false
        retries = 0
        yield event
      }
      if (signal.aborted) return
      throw new LostConnection('the simulator has ended the connection')
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof LostConnection) || !hasConnected) throw toOperatorError(error, options)
      if (!isLost) yield { kind: 'lost', reason: error.message }
      isLost = true
    }
    await wait(backoffMs(retries++, retryDelays), signal)
  }
}

class LostConnection extends Error {}

async function* readEvents({
  url,
  apiKey,
  resource,
  signal,
}: FollowOptions): AsyncGenerator<WatchEvent, undefined> {
  const address = new URL(`${url.pathname.replace(/\/+$/, '')}/++/events`, url)
  if (resource !== undefined) address.searchParams.set('resource', resource)
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(new Error('it does not answer')), CONNECT_MS)
  const restart = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(new Error('it has sent nothing for 45 s')), SILENCE_MS)
  }
  try {
    const response = await fetch(address, {
      headers: { 'api-key': apiKey },
      redirect: 'manual',
      signal: AbortSignal.any([signal, silence.signal]),
    })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (response.status !== 200 || !isStream || !response.body) {
      throw refusal(address, response.status, parseFields(await response.text()))
    }
    restart()
    const splitter = new EventSplitter()
    for await (const chunk of response.body) {
      restart()
      for (const bytes of splitter.push(Buffer.from(chunk))) {
        const { event, data } = readEvent(bytes.toString())
        if (event !== undefined && data !== undefined)
          yield { kind: 'event', name: event, data: JSON.parse(data) as unknown }
      }
    }
  } catch (error) {
    if (error instanceof OperatorError) throw error
    throw new LostConnection(connectionReason(silence.signal.aborted ? silence.signal.reason : error), {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** What to do about an answer that is not an event stream. A server that is starting or overloaded is tried again. */
function refusal(address: URL, status: number, body: object): Error {
  const { code, message } =
    (body as { readonly error?: { code?: unknown; message?: unknown } | null }).error ?? {}
  if (status === 401) {
    return new OperatorError(
      'CONFIG_INVALID',
      `Could not read ${address.href}: the simulator rejects the key (got 401). Set --api-key or SIMULATOR_API_KEY to the key of the simulator, or --admin-api-key or ADMIN_API_KEY if it has a separate admin key.`,
    )
  }
  if (status === 404 && code === 'ResourceNotFound' && typeof message === 'string') {
    return new OperatorError('CONFIG_INVALID', printable(message))
  }
  if (status >= 500) return new LostConnection(`it answered with ${status}`)
  return new OperatorError(
    'SIMULATOR_UNAVAILABLE',
    `Could not read ${address.href}: it has no live events (got ${status}). Set --url to a simulator of this version.`,
  )
}

function toOperatorError(error: unknown, { url }: FollowOptions): unknown {
  if (!(error instanceof LostConnection)) return error
  const reason = error.message
  const fix = tlsAdvice(url, reason) ?? 'Start it, or set --url to its address.'
  return new OperatorError(
    'SIMULATOR_UNAVAILABLE',
    `Could not reach a simulator at ${url.origin}: ${reason}. ${fix}`,
    { cause: error },
  )
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
