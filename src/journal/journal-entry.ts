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
import type { Usage } from '../answer/completion.ts'
import { isNewRequest, type Retry } from './retry-findings.ts'
import type { Exchange } from '../pipeline/exchange.ts'

/** A request to the data plane and what became of it. Times are milliseconds. */
export interface JournalEntry {
  /** Counts up from 1, and never begins again. */
  readonly id: number
  /** When the request began, as ISO time. */
  readonly at: string
  /** The same on the clock's monotonic scale. */
  readonly startedMs: number
  /** The one of the answer's headers (`apim-request-id`), the log and the upstream. */
  readonly requestId: string
  readonly method: string
  readonly path: string
  /** Without its question mark; the values of credentials are `REDACTED`. */
  readonly query: string
  /** Names in lower case; the values of credentials are `[redacted]`. */
  readonly headers: Readonly<Record<string, string>>
  readonly bodyBytes: number
  /** False for a body above 64 KB, and for one that had to make room for younger ones. */
  readonly bodyKept: boolean
  /** A text, or bytes that are none, without credentials; undefined where it is not kept. */
  readonly body: string | Uint8Array | undefined
  /** The body as JSON, parsed when it is asked for; undefined where it is none, or not kept. */
  readonly json: unknown
  /** Such as `chatCompletions`; undefined for an unknown path. */
  readonly operation: string | undefined
  /** The resource of the path, `default` for one without a prefix. */
  readonly resource: string
  /** The deployment that answered, or else the one that the path names. */
  readonly deployment: string | undefined
  /** The provisioned deployment that passed the request on to `deployment`. */
  readonly spilledOverFrom: string | undefined
  /** The test that the request names, or the caller, or the mark of its key (`key:1a2b3c4d`), or `anonymous`. */
  readonly client: string
  /** Who sent it, where that has been found out. */
  readonly caller: string | undefined
  readonly status: number
  /** Which limit refused it. */
  readonly limitedBy: Reply['limitedBy']
  /** What the answer told the client to wait. */
  readonly retryAfterMs: number | undefined
  readonly usage: Usage | undefined
  /** From the start to the first byte of the answer's body; undefined until then. */
  readonly firstByteMs: number | undefined
  /** From the start to the end of the answer; undefined while it is on its way. */
  readonly durationMs: number | undefined
  /** Whether the client left before the end; undefined while the answer is on its way. */
  readonly aborted: boolean | undefined
  /** Whether the answer is a stream of events. */
  readonly streamed: boolean
  /** The entry that this request repeats; undefined for one that is no retry, as the next four are. */
  readonly retryOf: number | undefined
  /** 1 for the first retry. */
  readonly retryIndex: number | undefined
  /** From the end of the failed answer to the start of this request. */
  readonly waitedMs: number | undefined
  /** Whether it came before the wait that the failed answer told had passed. */
  readonly early: boolean | undefined
  /** Whether it repeats an error that no repetition mends. */
  readonly forbidden: boolean | undefined
}

/** Tells of a request as it stands now. */
export function journalEntry(call: JournalCall): JournalEntry {
  const { atEpochMs, headers: _, secrets: _secrets, body, retry: repeated, ...same } = call
  const retry = repeated && !isNewRequest(repeated) ? repeated : undefined
  let text: string | Uint8Array | undefined
  let json: { readonly value: unknown } | undefined
  return {
    ...same,
    ...cleanHead(call),
    at: new Date(atEpochMs).toISOString(),
    bodyKept: body !== undefined,
    get body() {
      return (text ??= cleanBody(call))
    },
    get json() {
      const clean = this.body
      return (json ??= { value: clean === undefined ? undefined : parseJson(Buffer.from(clean)) }).value
    },
    retryOf: retry?.of,
    retryIndex: retry?.index,
    waitedMs: retry?.waitedMs,
    early: retry?.early,
    forbidden: retry?.forbidden,
  }
}

/** What is told of the head of a request: without credentials. */
export function cleanHead({
  path,
  query,
  headers,
  deployment,
  secrets,
}: Pick<JournalCall, 'path' | 'query' | 'headers' | 'deployment' | 'secrets'>): Pick<
  JournalEntry,
  'path' | 'query' | 'headers' | 'deployment'
> {
  const withoutKeys = createKeyRedactor(() => secrets)
  return {
    path: withoutKeys(redactText(path)),
    query: withoutKeys(redactQuery(query)),
    headers: redactHeaders(headers, withoutKeys),
    // One that there is not has whatever name the caller gives.
    deployment: deployment && withoutKeys(deployment),
  }
}

/** What is told of its body, without credentials: a text, or bytes that are none. */
export function cleanBody({
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

/** A header may have any name: known keys are kept out wherever they stand. */
function redactHeaders(
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

/** A request as the journal keeps it: what is needed to tell of it, as it came. Entries are made of it when they are read. */
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
  /** The keys of all resources and of their upstreams at that time, to be kept out of what is told. */
  readonly secrets: readonly string[]
  /** Undefined where it is not kept. */
  body: Buffer | undefined
  readonly bodyBytes: number
  readonly operation: string | undefined
  readonly resource: string
  readonly deployment: string | undefined
  readonly spilledOverFrom: string | undefined
  readonly client: string
  readonly caller: string | undefined
  readonly status: number
  readonly limitedBy: Reply['limitedBy']
  readonly retryAfterMs: number | undefined
  readonly streamed: boolean
  /** What it repeats, by its looks. */
  readonly retry: Retry | undefined
  /** Known when the answer has been sent, for answers of a real service. */
  usage: Usage | undefined
  firstByteMs: number | undefined
  durationMs: number | undefined
  aborted: boolean | undefined
}

/** Which entries are asked for; what is absent does not count. */
export interface JournalFilter {
  /** Such as `chatCompletions`. */
  readonly operation?: string | undefined
  /** `default` for requests without a prefix. */
  readonly resource?: string | undefined
  readonly deployment?: string | undefined
  /** A status, or a class of them: `4xx`. */
  readonly status?: number | `${1 | 2 | 3 | 4 | 5}xx` | undefined
  readonly client?: string | undefined
  /** The whole path, without query. */
  readonly path?: string | undefined
  /** In any case. */
  readonly method?: string | undefined
  readonly limitedBy?: string | undefined
  /** Only requests that repeat a failed one. */
  readonly retriesOnly?: boolean | undefined
  /** Only entries after the one of this number. */
  readonly sinceId?: number | undefined
  /** How many at most: the last ones that fit. */
  readonly limit?: number | undefined
}

/** Makes a check of a filter; `sinceId` and `limit` are up to whoever walks through the calls. */
export function matcher(filter: JournalFilter): (call: JournalCall) => boolean {
  const { operation, resource, deployment, status, client, path, limitedBy, retriesOnly = false } = filter
  const method = filter.method?.toUpperCase()
  const hasStatus = (given: number): boolean =>
    typeof status === 'number' ? given === status : `${Math.floor(given / 100)}xx` === status
  return (call) =>
    (operation === undefined || call.operation === operation) &&
    (resource === undefined || call.resource === resource) &&
    (deployment === undefined || call.deployment === deployment) &&
    (status === undefined || hasStatus(call.status)) &&
    (client === undefined || call.client === client) &&
    (path === undefined || call.path === path) &&
    (method === undefined || call.method === method) &&
    (limitedBy === undefined || call.limitedBy === limitedBy) &&
    (!retriesOnly || (call.retry !== undefined && !isNewRequest(call.retry)))
}
