import type { Subject } from '../lib/history.ts'

/** What the tape needs to know of a request. */
interface ListedRequest {
  readonly id: number
  readonly resource: string
  /** Null for requests without a deployment. Their row has an empty name. */
  readonly deployment: string | null
}

/**
 * Returns the last requests of a resource or deployment, newest first.
 *
 * @param lists a request that is in several lists is taken from the first one, which has its latest state
 */
export function lastRequests<Request extends ListedRequest>(
  lists: readonly (readonly Request[])[],
  { resource, deployment }: Subject,
  length: number,
): readonly Request[] {
  const byId = new Map<number, Request>()
  for (const request of lists.flat()) {
    if (resource !== undefined && request.resource !== resource) continue
    if (deployment !== undefined && (request.deployment ?? '') !== deployment) continue
    if (!byId.has(request.id)) byId.set(request.id, request)
  }
  return [...byId.values()].toSorted((one, other) => other.id - one.id).slice(0, length)
}
