import type {
  Live,
  LiveIncidents,
  LiveResource,
  LiveSimulator,
  LiveStats,
  LiveUpstream,
} from '../server/admin/live-stats.ts'

/** All figures of a simulator. */
export interface WatchedState {
  /** Time of the reading, in milliseconds since 1970. */
  readonly at_ms: number
  /** Time that rates refer to, in milliseconds; 0 before there are rates. */
  readonly window_ms: number
  readonly simulator: LiveSimulator
  readonly incidents: Readonly<Record<string, LiveIncidents>>
  /** Of all resources, or of the one that is watched. */
  readonly totals: Live
  readonly resources: Readonly<Record<string, WatchedResource>>
  readonly upstreams: Readonly<Record<string, LiveUpstream>>
}

/** Figures of a resource. */
export interface WatchedResource {
  readonly totals: Live
  readonly deployments: Readonly<Record<string, Live>>
}

/** Applies an event `stats`. The first one must be complete. */
export function applyStats(before: WatchedState | undefined, event: LiveStats): WatchedState {
  const known = event.full ? undefined : before
  const { at_ms, window_ms, simulator } = event
  const totals = event.totals ?? known?.totals
  if (!totals) throw new Error('The first event is not complete.')
  return {
    at_ms,
    window_ms,
    simulator,
    incidents: event.incidents ?? known?.incidents ?? {},
    totals,
    resources: merged(known?.resources ?? {}, event.resources, applyResource),
    upstreams: event.upstreams ?? known?.upstreams ?? {},
  }
}

function applyResource(known: WatchedResource | undefined, change: LiveResource): WatchedResource {
  const totals = change.totals ?? known?.totals
  if (!totals) throw new Error('A new resource has no sums.')
  return { totals, deployments: merged(known?.deployments ?? {}, change.deployments, (_, live) => live) }
}

/** Names can be `__proto__`, so members are never assigned. */
function merged<V, C>(
  known: Readonly<Record<string, V>>,
  changes: Readonly<Record<string, C | null>>,
  apply: (known: V | undefined, change: C) => V,
): Record<string, V> {
  const all = new Map(Object.entries(known))
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) all.delete(name)
    else all.set(name, apply(all.get(name), change))
  }
  return Object.fromEntries(all)
}

/**
 * Returns the state with rates since an earlier one, for an interval that is longer than that of the events. Times stay those of the last
 * event.
 */
export function withRatesSince(before: WatchedState, now: WatchedState): WatchedState {
  const seconds = (now.at_ms - before.at_ms) / 1_000
  if (seconds <= 0) return now
  return {
    ...now,
    window_ms: now.at_ms - before.at_ms,
    totals: withRates(before.totals, now.totals, seconds),
    resources: mapped(now.resources, (resource, name) => {
      const known = own(before.resources, name)
      return {
        totals: withRates(known?.totals, resource.totals, seconds),
        deployments: mapped(resource.deployments, (live, deployment) =>
          withRates(known && own(known.deployments, deployment), live, seconds),
        ),
      }
    }),
  }
}

function withRates(before: Live | undefined, now: Live, seconds: number): Live {
  // Counts that decrease are those of another deployment with the same name.
  const known = before && before.requests <= now.requests ? before : undefined
  const rate = (pick: (live: Live) => number): number =>
    Math.max(0, Math.round(((pick(now) - (known ? pick(known) : 0)) / seconds) * 100) / 100)
  const prompt = rate(({ tokens }) => tokens.prompt)
  const completion = rate(({ tokens }) => tokens.completion)
  return {
    ...now,
    window: {
      ...now.window,
      requests_per_second: rate(({ requests }) => requests),
      tokens_per_second: Math.round((prompt + completion) * 100) / 100,
      prompt_tokens_per_second: prompt,
      completion_tokens_per_second: completion,
      rate_limited_per_second: rate(
        ({ rate_limited: { tokens, requests, capacity } }) => tokens + requests + capacity,
      ),
      errors_per_second: rate(({ errors }) => errors),
    },
  }
}

/** Returns the state with one deployment only. */
export function onlyDeployment(state: WatchedState, deployment: string): WatchedState {
  return {
    ...state,
    resources: mapped(state.resources, ({ totals, deployments }) => {
      const live = own(deployments, deployment)
      return { totals, deployments: live ? Object.fromEntries([[deployment, live]]) : {} }
    }),
  }
}

function own<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function mapped<V, R>(
  record: Readonly<Record<string, V>>,
  change: (value: V, name: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]))
}
