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

/** Returns the state with the deployments of one name only, and their sums as totals. */
export function onlyDeployment(state: WatchedState, deployment: string): WatchedState {
  const resources = mapped(state.resources, ({ deployments }) => {
    const live = own(deployments, deployment)
    const lives = live ? [live] : []
    return { totals: sumOf(lives), deployments: Object.fromEntries(lives.map((one) => [deployment, one])) }
  })
  const all = Object.values(resources).flatMap(({ deployments }) => Object.values(deployments))
  return { ...state, totals: sumOf(all), resources }
}

const noTimes = { planned: null, achieved: null }

/** Adds figures. Times, limits and slots are null unless there is exactly one deployment. */
function sumOf(lives: readonly Live[]): Live {
  const [only] = lives
  if (only && lives.length === 1) return only
  const sum = (pick: (live: Live) => number): number => lives.reduce((total, live) => total + pick(live), 0)
  const rate = (name: keyof NumbersOf<Live['window']>): number =>
    Math.round(sum(({ window }) => window[name]) * 100) / 100
  const counts = (pick: (live: Live) => Readonly<Record<string, number>>): Record<string, number> => {
    const names = new Set(lives.flatMap((live) => Object.keys(pick(live))))
    return Object.fromEntries(Array.from(names, (name) => [name, sum((live) => own(pick(live), name) ?? 0)]))
  }
  return {
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    by_status: counts((live) => live.by_status),
    active: sum(({ active }) => active),
    streams: sum(({ streams }) => streams),
    queue: sum(({ queue }) => queue),
    tokens: { prompt: 0, completion: 0, reasoning: 0, cached: 0, ...counts(({ tokens }) => tokens) },
    rate_limited: { tokens: 0, requests: 0, capacity: 0, ...counts((live) => live.rate_limited) },
    client_disconnects: sum((live) => live.client_disconnects),
    faults: counts(({ faults }) => faults),
    limits: null,
    slots: null,
    window: {
      requests_per_second: rate('requests_per_second'),
      tokens_per_second: rate('tokens_per_second'),
      prompt_tokens_per_second: rate('prompt_tokens_per_second'),
      completion_tokens_per_second: rate('completion_tokens_per_second'),
      rate_limited_per_second: rate('rate_limited_per_second'),
      errors_per_second: rate('errors_per_second'),
      latency_ms: null,
      first_token_ms: noTimes,
      between_tokens_ms: noTimes,
    },
  }
}

/** The members of a type that are numbers. */
type NumbersOf<T> = { [K in keyof T as T[K] extends number ? K : never]: T[K] }

function own<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function mapped<V, R>(
  record: Readonly<Record<string, V>>,
  change: (value: V, name: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]))
}
