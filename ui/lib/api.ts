import { session, signOut } from './session.ts'

/** A failed call of the admin API. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** All problems of an invalid body or query; empty if there is only the message. */
  readonly problems: readonly string[]

  constructor(status: number, code: string, message: string, problems: readonly string[] = []) {
    super(message)
    this.status = status
    this.code = code
    this.problems = problems
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface CallOptions {
  /** Undefined and empty values are left out. */
  readonly query?: Query
  readonly signal?: AbortSignal | undefined
  /** Used instead of the key of the session, to check a key at sign-in. */
  readonly key?: string
}

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * Calls the admin API. Paths are those of the documentation, such as `/++/stats`; encode names with encodeURIComponent. A call
 * throws ApiError. After a 401 the page shows the sign-in.
 */
export const api = {
  /** Returns the parsed JSON. */
  async get<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
    return readJson<Answer>(await call('GET', path, undefined, options))
  },
  /** Returns the body as text, for files. */
  async text(path: string, options: CallOptions = {}): Promise<string> {
    return (await call('GET', path, undefined, options)).text()
  },
  /** Sends a body as JSON (text is sent as it is) and returns the parsed JSON; undefined for an empty answer. */
  async send<Answer>(
    method: Method,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Answer> {
    return readJson<Answer>(await call(method, path, body, options))
  },
  /** Opens an event stream. */
  async stream(path: string, options: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { body } = await call('GET', path, undefined, options)
    if (!body) throw new ApiError(0, 'EmptyAnswer', 'Could not read the events: the answer has no body.')
    return body
  },
}

/** Address of `/++/`. The script is in `/++/ui/`, whatever prefix a proxy or PAGES_PREFIX puts in front. */
const base = new URL('..', import.meta.url)

async function call(method: string, path: string, body: unknown, options: CallOptions): Promise<Response> {
  const { query = {}, signal = null, key = session.get().key } = options
  const url = new URL(path.replace(/^\/\+\+\//, ''), base)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  const response = await fetch(url, {
    method,
    signal,
    headers: {
      'api-key': key ?? '',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    // No cookie, even if another application of this host has set one.
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error',
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'Unreachable', 'Could not reach the simulator. Check that it runs.')
  })
  if (response.ok) return response
  const failure = await errorOf(response)
  if (response.status === 401 && options.key === undefined && key === session.get().key) {
    signOut('The simulator does not accept this key any more. Sign in again.')
  }
  throw failure
}

async function readJson<Answer>(response: Response): Promise<Answer> {
  const text = await response.text()
  if (text === '') return undefined as Answer
  try {
    return JSON.parse(text) as Answer
  } catch {
    const message =
      'Could not read the answer of the simulator: it is not JSON. Check the proxy in front of it.'
    throw new ApiError(response.status, 'InvalidAnswer', message)
  }
}

interface ErrorBody {
  readonly error?: {
    readonly code?: unknown
    readonly message?: unknown
    readonly problems?: readonly string[]
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response
  const text = await response.text().catch(() => '')
  let body: ErrorBody | null = null
  try {
    body = JSON.parse(text) as ErrorBody | null
  } catch {
    // A proxy answers errors as HTML.
  }
  const {
    code = 'HttpError',
    message = `The simulator answered with status ${status}.`,
    problems = [],
  } = body?.error ?? {}
  return new ApiError(status, String(code), String(message), problems)
}
