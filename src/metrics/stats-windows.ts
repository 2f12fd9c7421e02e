import type { BucketCounts, RequestStats, Stats } from './stats.ts'
import { AnswerTimes } from './time-histogram.ts'

/** What has been counted between two readings. */
export interface StatsChange {
  readonly requests: number
  readonly errors: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly rateLimited: number
  readonly times: AnswerTimes
}

/** Changes since the reading before. Undefined: nothing was counted. */
export interface StatsChanges {
  readonly totals: StatsChange | undefined
  readonly resources: ReadonlyMap<
    string,
    {
      readonly totals: StatsChange | undefined
      readonly deployments: ReadonlyMap<string, StatsChange>
    }
  >
  /** Delays between planned and actual send times. */
  readonly lateness: Readonly<BucketCounts>
}

/** Returns what was counted between two readings of the same metrics. */
export function changesBetween(before: Stats, now: Stats): StatsChanges {
  const all = new ChangeSum()
  const resources = new Map(
    Array.from(now.resources, ([name, { deployments }]) => {
      const known = before.resources.get(name)?.deployments
      const own = new ChangeSum()
      const changes = new Map<string, StatsChange>()
      for (const [deployment, stats] of deployments) {
        const change = changeOf(known?.get(deployment), stats)
        if (!change) continue
        changes.set(deployment, change)
        own.add(change)
      }
      if (own.change) all.add(own.change)
      return [name, { totals: own.change, deployments: changes }] as const
    }),
  )
  return {
    totals: all.change,
    resources,
    lateness: bucketsBetween(before.processes.lateness, now.processes.lateness),
  }
}

/** Counts that are lower than before are those of another deployment with the same name, or a worker was killed. */
function changeOf(known: RequestStats | undefined, now: RequestStats): StatsChange | undefined {
  const before = known && known.requests <= now.requests ? known : undefined
  const isSame =
    now.requests === (before?.requests ?? 0) &&
    now.times.gapAchieved.count === (before?.times.gapAchieved.count ?? 0) &&
    now.times.firstAchieved.count === (before?.times.firstAchieved.count ?? 0)
  if (isSame) return undefined
  const times = new AnswerTimes()
  times.merge(now.times)
  if (before) times.merge(before.times, -1)
  const since = (pick: (stats: RequestStats) => number): number =>
    Math.max(0, pick(now) - (before ? pick(before) : 0))
  return {
    requests: since(({ requests }) => requests),
    errors: since(({ errors }) => errors),
    promptTokens: since(({ tokens }) => tokens.prompt),
    completionTokens: since(({ tokens }) => tokens.completion),
    rateLimited: since(({ rateLimited: { tokens, requests, capacity } }) => tokens + requests + capacity),
    times,
  }
}

class ChangeSum {
  change: StatsChange | undefined

  add(more: StatsChange): void {
    const times = new AnswerTimes()
    if (this.change) times.merge(this.change.times)
    times.merge(more.times)
    const { change } = this
    this.change = {
      requests: (change?.requests ?? 0) + more.requests,
      errors: (change?.errors ?? 0) + more.errors,
      promptTokens: (change?.promptTokens ?? 0) + more.promptTokens,
      completionTokens: (change?.completionTokens ?? 0) + more.completionTokens,
      rateLimited: (change?.rateLimited ?? 0) + more.rateLimited,
      times,
    }
  }
}

function bucketsBetween(before: Readonly<BucketCounts>, now: Readonly<BucketCounts>): BucketCounts {
  const isReset = now.count < before.count
  const since = (value: number, earlier: number): number => (isReset ? value : Math.max(0, value - earlier))
  return {
    below: new Map(
      Array.from(now.below, ([bound, count]) => [bound, since(count, before.below.get(bound) ?? 0)]),
    ),
    count: since(now.count, before.count),
    sumSeconds: since(now.sumSeconds, before.sumSeconds),
  }
}
