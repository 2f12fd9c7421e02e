import type { Live, LiveStats } from '../../src/server/admin/live-stats.ts'

/** A deployment in the table of the overview. */
export interface DeploymentRow {
  /** Unique over all resources, also for names with a slash. */
  readonly key: string
  readonly resource: string
  /** Empty for requests without a deployment. */
  readonly name: string
  readonly live: Live
}

/** Name of the resource of paths without a prefix. */
export const DEFAULT_RESOURCE = 'default'

/** Returns the key of a deployment. */
export function rowKey(resource: string, name: string): string {
  return JSON.stringify([resource, name])
}

const names = new Intl.Collator('en', { numeric: true })

/** Returns all deployments of the stats by resource and name, `default` first. Removed ones are left out. */
export function rowsOf(resources: LiveStats['resources'], only?: string): DeploymentRow[] {
  const rows: DeploymentRow[] = []
  for (const [resource, figures] of Object.entries(resources)) {
    if (only !== undefined && resource !== only) continue
    for (const [name, live] of Object.entries(figures?.deployments ?? {})) {
      if (live) rows.push({ key: rowKey(resource, name), resource, name, live })
    }
  }
  return rows.toSorted(
    (one, other) =>
      Number(other.resource === DEFAULT_RESOURCE) - Number(one.resource === DEFAULT_RESOURCE) ||
      names.compare(one.resource, other.resource) ||
      names.compare(one.name, other.name),
  )
}

/** Returns the highest share of a limit that a deployment has used; 1 is 100 %. Undefined without limits. */
export function usedShare({ limits, slots }: Pick<Live, 'limits' | 'slots'>): number | undefined {
  const shares: number[] = []
  if (limits?.kind === 'provisioned') shares.push(limits.utilization)
  if (limits?.kind === 'pay-as-you-go') {
    for (const window of [limits.tokens, limits.output_tokens, limits.requests]) {
      if (window) shares.push(window.used / window.limit)
    }
  }
  if (slots?.slots) shares.push(slots.working / slots.slots)
  return shares.length === 0 ? undefined : Math.max(...shares)
}

/** Minimum time between two changes of the order of live rows, so that a row can be read and clicked. */
export const REORDER_INTERVAL_MS = 5_000

/**
 * The figures that rows are sorted by. They are older than those that the rows show, so that the order does not change each second.
 *
 * While `hold` is true the order stays, for example while a pointer is on a row.
 */
export class SortFigures {
  #figures: ReadonlyMap<string, Live> = new Map()
  #takenAtMs = -Infinity

  /** Takes the figures of the rows if it is time. */
  update(
    rows: readonly DeploymentRow[],
    { nowMs, hold }: { readonly nowMs: number; readonly hold: boolean },
  ): void {
    if (hold || nowMs - this.#takenAtMs < REORDER_INTERVAL_MS) return
    this.#figures = new Map(rows.map(({ key, live }) => [key, live]))
    this.#takenAtMs = nowMs
  }

  /** Figures of a row; the present ones for a new row. */
  of({ key, live }: DeploymentRow): Live {
    return this.#figures.get(key) ?? live
  }
}

/** A resource with the number of its deployments and its sums. */
export interface ResourceSummary {
  readonly resource: string
  readonly deployments: number
  readonly requestsPerSecond: number
  readonly tokensPerSecond: number
  readonly limitedPerSecond: number
  readonly streams: number
}

/** Summarises the rows of each resource, in the order of the rows. */
export function summariesOf(rows: readonly DeploymentRow[]): ResourceSummary[] {
  const byResource = new Map<string, DeploymentRow[]>()
  for (const row of rows) {
    const group = byResource.get(row.resource)
    if (group) group.push(row)
    else byResource.set(row.resource, [row])
  }
  return Array.from(byResource, ([resource, group]) => {
    const sum = (read: (live: Live) => number): number =>
      group.reduce((total, { live }) => total + read(live), 0)
    return {
      resource,
      // Requests without a deployment have a row with an empty name.
      deployments: group.filter(({ name }) => name !== '').length,
      requestsPerSecond: sum(({ window }) => window.requests_per_second),
      tokensPerSecond: sum(({ window }) => window.tokens_per_second),
      limitedPerSecond: sum(({ window }) => window.rate_limited_per_second),
      streams: sum(({ streams }) => streams),
    }
  })
}

/** Whether a deployment answered, or answers, a request in the last window, or has used a part of a limit. */
export function isBusy({ active, queue, window, limits, slots }: Live): boolean {
  return active > 0 || queue > 0 || window.requests_per_second > 0 || (usedShare({ limits, slots }) ?? 0) > 0
}
