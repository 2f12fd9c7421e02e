import { isUtf8 } from 'node:buffer'
import { parseJson } from '../lib/parse-json.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import {
  createKeyRedactor,
  redacted,
  redactHeaderValue,
  redactQuery,
  redactText,
} from '../lib/credential-texts.ts'
import { redactBody } from '../lib/redact-credentials.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { ServiceTiers } from '../wire/service-tier.ts'
import type { Usage } from '../answer/completion.ts'
import { isNewRequest, type Retry } from './retry-findings.ts'
import type { Exchange } from '../pipeline/exchange.ts'

/** A data plane request and its outcome. Times are in milliseconds. */
export interface JournalEntry {
  /** Counts up from 1. Never reused, also not after the journal is cleared. */
  readonly id: number
  /** Start of the request, as ISO time. */
  readonly at: string
  /** Start of the request on the monotonic clock. */
  readonly startedMs: number
  /** The one of the answer's headers (`apim-request-id`), the log and the upstream. */
  readonly requestId: string
  readonly method: string
  readonly path: string
  /** Without the question mark. Values of credentials are `REDACTED`. */
  readonly query: string
  /** Names in lower case. Values of credentials are `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>
  readonly bodyBytes: number
  /** False if the body is larger than 64 KB, or was evicted to make room for newer ones. */
  readonly bodyKept: boolean
  /** A string if the body is valid UTF-8, else bytes. Credentials are removed. Undefined if the body is not kept. */
  readonly body: string | Uint8Array | undefined
  /** The body parsed as JSON (on first access). Undefined if it is not JSON or not kept. */
  readonly json: unknown
  /** For example `chatCompletions`. Undefined for an unknown path. */
  readonly operation: string | undefined
  /** The resource in the path, or `default` for a path without a prefix. */
  readonly resource: string
  /** The deployment that answered, else the one in the path. */
  readonly deployment: string | undefined
  /** The provisioned deployment from which the request spilled over to `deployment`. */
  readonly spilledOverFrom: string | undefined
  /** The upstream to which the request was forwarded, also to be recorded. Undefined for other sources. */
  readonly upstream: string | undefined
  /** Id of the request at the upstream. Undefined without an answer that has one. */
  readonly upstreamRequestId: string | undefined
  /** The test named in the request, else the caller, else a hash prefix of its key (`key:1a2b3c4d`), else `anonymous`. */
  readonly client: string
  /** The authenticated caller, if known. */
  readonly caller: string | undefined
  /** Why the key or token was refused, such as `unknown-key`. Undefined if it was not. */
  readonly refusal: string | undefined
  readonly status: number
  /** The status of the error that a stream with status 200 reported instead of an answer. */
  readonly streamErrorStatus: number | undefined
  /** The tier that the request asked for, and the one that processed it. Undefined for other operations than chat and responses. */
  readonly serviceTier: ServiceTiers | undefined
  /** The limit that rejected the request. */
  readonly limitedBy: Reply['limitedBy']
  /** The wait in the `retry-after` headers of the answer. */
  readonly retryAfterMs: number | undefined
  readonly usage: Usage | undefined
  /** From the start to the first byte of the response body. Undefined until then. */
  readonly firstByteMs: number | undefined
  /** From the start to the end of the answer. Undefined until then. */
  readonly durationMs: number | undefined
  /** Whether the client disconnected before the end of the answer. Undefined until then. */
  readonly aborted: boolean | undefined
  /** Whether the answer is an event stream. */
  readonly streamed: boolean
  /** The entry that this request repeats. This and the next five fields are undefined if the request is not a retry. */
  readonly retryOf: number | undefined
  /** 1 for the first retry. */
  readonly retryIndex: number | undefined
  /** From the end of the failed answer to the start of this request. */
  readonly waitedMs: number | undefined
  /** The wait in the headers of the failed answer. Undefined without one. */
  readonly toldMs: number | undefined
  /** Whether the request came before the wait in the failed answer was over. */
  readonly early: boolean | undefined
  /** Whether it repeats a request that cannot succeed unchanged, such as a 400. */
  readonly forbidden: boolean | undefined
}

/** The entry of a request in its present state. */
export function journalEntry(call: JournalCall): JournalEntry {
  const { atEpochMs, headers: _, secrets: _secrets, resourceId: _id, body, retry: repeated, ...same } = call
  const retry = repeated && !isNewRequest(repeated) ? repeated : undefined
  let text: string | Uint8Array | undefined
  let json: { readonly value: unknown } | undefined
  return {
    ...same,
    ...redactedHead(call),
    at: new Date(atEpochMs).toISOString(),
    bodyKept: body !== undefined,
    streamErrorStatus: call.streamErrorStatus,
    refusal: call.refusal,
    upstream: call.upstream,
    upstreamRequestId:
      call.upstreamRequestId && createKeyRedactor(() => call.secrets)(call.upstreamRequestId),
    serviceTier: call.serviceTier,
    get body() {
      return (text ??= redactedBody(call))
    },
    get json() {
      const clean = this.body
      return (json ??= { value: clean === undefined ? undefined : parseJson(Buffer.from(clean)) }).value
    },
    retryOf: retry?.of,
    retryIndex: retry?.index,
    waitedMs: retry?.waitedMs,
    toldMs: retry?.toldMs,
    early: retry?.early,
    forbidden: retry?.forbidden,
  }
}

/** The head of a request without credentials. */
export function redactedHead({
  path,
  query,
  headers,
  deployment,
  client,
  secrets,
}: Pick<JournalCall, 'path' | 'query' | 'headers' | 'deployment' | 'client' | 'secrets'>): Pick<
  JournalEntry,
  'path' | 'query' | 'headers' | 'deployment' | 'client'
> {
  const withoutKeys = createKeyRedactor(() => secrets)
  return {
    path: withoutKeys(redactText(path)),
    query: withoutKeys(redactQuery(query)),
    headers: redactHeaders(headers, withoutKeys),
    // The name of an unknown deployment comes from the caller.
    deployment: deployment && withoutKeys(deployment),
    // So does the name of a test.
    client: withoutKeys(redactText(client)),
  }
}

/** The body of a request without credentials: a string if it is valid UTF-8, else bytes. */
export function redactedBody({
  body,
  headers,
  secrets,
}: Pick<JournalCall, 'body' | 'headers' | 'secrets'>): string | Uint8Array | undefined {
  if (body === undefined) return undefined
  const isText = isUtf8(body)
  const whole = body.toString(isText ? 'utf8' : 'latin1')
  const plain = createKeyRedactor(() => secrets)(redactBody(whole, headers['content-type']))
  if (isText) return plain
  return plain === whole ? body : Buffer.from(plain, 'latin1')
}

/** Removes known keys from all headers, because a header may have any name. */
export function redactHeaders(
  headers: JournalCall['headers'],
  withoutKeys: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
      return [name, isCredentialName(name, 'header') ? redacted : withoutKeys(redactHeaderValue(text))]
    }),
  )
}

/** A request as the journal stores it, unredacted. Entries are made from it when they are read. */
export interface JournalCall {
  readonly id: number
  readonly atEpochMs: number
  readonly startedMs: number
  /** The one of the answer's headers (`apim-request-id`), the log and the upstream. */
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly query: string
  /** As they were sent, with credentials. */
  readonly headers: Exchange['headers']
  /** The keys of all resources and of their upstreams at that time. Entries must not contain them. */
  readonly secrets: readonly string[]
  /** Undefined if not kept. */
  body: Buffer | undefined
  readonly bodyBytes: number
  readonly operation: string | undefined
  readonly resource: string
  /** Identity of the resource, if it differs from its name. Entries do not contain it. */
  readonly resourceId?: string | undefined
  readonly deployment: string | undefined
  readonly spilledOverFrom: string | undefined
  readonly client: string
  readonly caller: string | undefined
  /** Absent if the key or token was not refused. */
  readonly refusal?: string | undefined
  readonly status: number
  /** Absent unless the request was forwarded. */
  readonly upstream?: string | undefined
  /** Absent without an answer of an upstream with an id. */
  readonly upstreamRequestId?: string | undefined
  /** Absent if no stream reported an error. For streams of a real service: known only after the answer was sent. */
  streamErrorStatus?: number | undefined
  readonly serviceTier?: ServiceTiers | undefined
  readonly limitedBy: Reply['limitedBy']
  readonly retryAfterMs: number | undefined
  readonly streamed: boolean
  /** Set if the request equals one that failed. It may still be a new request: see `isNewRequest`. */
  readonly retry: Retry | undefined
  /** For answers of a real service: known only after the answer was sent. */
  usage: Usage | undefined
  firstByteMs: number | undefined
  durationMs: number | undefined
  aborted: boolean | undefined
}

/** Selects entries. Absent fields match all. */
export interface JournalFilter {
  /** For example `chatCompletions`. */
  readonly operation?: string | undefined
  /** `default` for requests without a prefix. */
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
  /** Only requests that were forwarded to this upstream. */
  readonly upstream?: string | undefined
  /** A status, or a class of statuses: `4xx`. The status of an error in a stream matches as well. */
  readonly status?: number | `${1 | 2 | 3 | 4 | 5}xx` | undefined
  readonly client?: string | undefined
  /** Id of the request (`apim-request-id`), case-insensitive. */
  readonly requestId?: string | undefined
  /** The full path without query. */
  readonly path?: string | undefined
  /** Case-insensitive. */
  readonly method?: string | undefined
  readonly limitedBy?: string | undefined
  /** Only requests with a key or token that was refused for this reason. */
  readonly refusal?: string | undefined
  /** Only retries of failed requests. */
  readonly retriesOnly?: boolean | undefined
  /** Only entries with a larger id. */
  readonly sinceId?: number | undefined
  /** Maximum number of entries. The newest matching ones are returned. */
  readonly limit?: number | undefined
}

/** Returns the predicate for a filter. The caller applies `sinceId` and `limit`. */
export function matcher(filter: JournalFilter): (call: JournalCall) => boolean {
  const { operation, resource, deployment, upstream, status, client, path, limitedBy, refusal } = filter
  const { retriesOnly = false } = filter
  const method = filter.method?.toUpperCase()
  const requestId = filter.requestId?.toLowerCase()
  const hasStatus = (actual: number): boolean =>
    typeof status === 'number' ? actual === status : `${Math.floor(actual / 100)}xx` === status
  return (call) =>
    (operation === undefined || call.operation === operation) &&
    (resource === undefined || call.resource === resource) &&
    (deployment === undefined || call.deployment === deployment) &&
    (upstream === undefined || call.upstream === upstream) &&
    (status === undefined ||
      hasStatus(call.status) ||
      (call.streamErrorStatus !== undefined && hasStatus(call.streamErrorStatus))) &&
    (client === undefined || call.client === client) &&
    (requestId === undefined || call.requestId.toLowerCase() === requestId) &&
    (path === undefined || call.path === path) &&
    (method === undefined || call.method === method) &&
    (limitedBy === undefined || call.limitedBy === limitedBy) &&
    (refusal === undefined || call.refusal === refusal) &&
    (!retriesOnly || (call.retry !== undefined && !isNewRequest(call.retry)))
}
