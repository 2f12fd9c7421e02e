import { printableWithin } from '../lib/format-text.ts'
import { headerIn } from './reply.ts'

/**
 * The call to a real service that answers a request, for the journal and the log. It is filled in while the request is forwarded. Times
 * are in milliseconds.
 */
export interface UpstreamCall {
  /** Name of the upstream; undefined for a request that only a forwarder of an extension answers. */
  readonly upstream: string | undefined
  /** Number of attempts that have ended. */
  attempts: number
  /** Status of the last answer of the upstream. */
  status: number | undefined
  /** Why the last attempt failed, such as `UpstreamBroken`. */
  code: string | undefined
  /** Code of an error in a converted stream. The attempt itself can be complete. */
  answerCode: string | undefined
  /** Cause and advice of a failure, without credentials. */
  message: string | undefined
  /** Ids of the request at the upstream, by the header of its answer: `apim-request-id`, `x-request-id` or `request-id`. */
  requestIds: Readonly<Record<string, string>>
  /** Time until the connection was ready; undefined for a reused one. */
  connectMs: number | undefined
  /** From the start of the last attempt to the headers of its answer. */
  firstByteMs: number | undefined
  /** From the start of the last attempt to the end of its answer. */
  ms: number | undefined
  /** Whether the request was converted to another API. */
  converted: boolean
  /** Whether the last attempt has ended. */
  hasEnded: boolean
}

/** A call before its first attempt. */
export function openUpstreamCall(upstream: string | undefined): UpstreamCall {
  return {
    upstream,
    attempts: 0,
    status: undefined,
    code: undefined,
    answerCode: undefined,
    message: undefined,
    requestIds: {},
    connectMs: undefined,
    firstByteMs: undefined,
    ms: undefined,
    converted: false,
    hasEnded: false,
  }
}

/** Maximum number of characters of an id that an upstream sends. */
const MAX_ID_LENGTH = 200

/** Headers with the id of a request: Azure, OpenAI and Anthropic. */
export const requestIdHeaders = ['apim-request-id', 'x-request-id', 'request-id'] as const

/** Returns the ids of a request in the headers of an answer, in which names and values alternate. */
export function requestIdsOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const name of requestIdHeaders) {
    const id = headerIn(rawHeaders, name)
    if (id !== undefined) ids[name] = printableWithin(id, MAX_ID_LENGTH)
  }
  return ids
}

/** Returns the id of a request at the upstream; undefined before its answer, or without one. */
export function upstreamRequestIdOf({ requestIds }: UpstreamCall): string | undefined {
  return Object.values(requestIds)[0]
}
