import type { JournalCall } from './journal-call.ts'
import { isNewRequest } from './retry-findings.ts'

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
