import type { Live } from '../../src/server/admin/live-stats.ts'
import { formatCount, formatDuration, formatPercent } from '../lib/format.ts'

/** How much of a limit is used. */
export interface LimitMeter {
  readonly id: 'tokens' | 'output-tokens' | 'requests' | 'requests-in-minute' | 'utilization' | 'slots'
  readonly label: string
  readonly used: number
  /** Undefined if unlimited. */
  readonly limit: number | undefined
  /** Used share of the limit; above 1 if the last admitted request crossed it. Undefined if unlimited. */
  readonly share: number | undefined
  readonly unit: 'tokens' | 'requests' | 'percent' | 'slots'
  /** Time until the next request is admitted; 0 is now. */
  readonly freeInSeconds: number
  /** Requests that wait, for slots. */
  readonly waiting?: number
}

type Window = Extract<Live['limits'], { kind: 'pay-as-you-go' }>['requests']

/** Returns the meters of a deployment: limits first, then slots. */
export function metersOf({ limits, slots }: Pick<Live, 'limits' | 'slots'>): LimitMeter[] {
  const meters: (LimitMeter | undefined)[] = []
  if (limits?.kind === 'provisioned') {
    meters.push({
      id: 'utilization',
      label: 'Utilization of provisioned throughput',
      used: limits.utilization * 100,
      limit: 100,
      share: limits.utilization,
      unit: 'percent',
      freeInSeconds: limits.free_in_seconds,
    })
  }
  if (limits?.kind === 'pay-as-you-go') {
    meters.push(
      windowMeter('tokens', limits.tokens),
      windowMeter('output-tokens', limits.output_tokens ?? null),
      windowMeter('requests-in-minute', limits.requests_in_minute),
      windowMeter('requests', limits.requests),
    )
  }
  if (slots) {
    meters.push({
      id: 'slots',
      label: 'Slots in use',
      used: slots.working,
      limit: slots.slots ?? undefined,
      share: slots.slots === null ? undefined : slots.working / slots.slots,
      unit: 'slots',
      freeInSeconds: 0,
      waiting: slots.waiting,
    })
  }
  return meters.filter((meter) => meter !== undefined)
}

function windowMeter(
  id: 'tokens' | 'output-tokens' | 'requests' | 'requests-in-minute',
  window: Window,
): LimitMeter | undefined {
  if (!window) return undefined
  const { used, limit, window_seconds: seconds, free_in_seconds: freeInSeconds } = window
  const unit = id === 'tokens' || id === 'output-tokens' ? 'tokens' : 'requests'
  const what = id === 'output-tokens' ? 'Output tokens' : unit === 'tokens' ? 'Tokens' : 'Requests'
  return { id, label: `${what} ${perWindow(seconds)}`, used, limit, share: used / limit, unit, freeInSeconds }
}

function perWindow(seconds: number): string {
  if (seconds === 60) return 'a minute'
  return seconds === 1 ? 'a second' : `in ${seconds} s`
}

/** Color of a meter: full if requests are rejected. */
export function meterLevel({ share = 0, freeInSeconds, waiting = 0 }: LimitMeter): 'ok' | 'high' | 'full' {
  if (freeInSeconds > 0 || share >= 1 || waiting > 0) return 'full'
  return share >= 0.8 ? 'high' : 'ok'
}

/** Returns the meter that matters most in one line: the one with the highest share. */
export function mainMeter(meters: readonly LimitMeter[]): LimitMeter | undefined {
  return meters.reduce<LimitMeter | undefined>(
    (best, meter) => (best === undefined || (meter.share ?? 0) > (best.share ?? 0) ? meter : best),
    undefined,
  )
}

/** What is used of a limit, as text: `12 300 of 30 000`. */
export function describeMeter({ used, limit, share, unit }: LimitMeter): string {
  if (unit === 'percent') return formatPercent(share)
  return limit === undefined
    ? `${formatCount(used)}, unlimited`
    : `${formatCount(used)} of ${formatCount(limit)}`
}

/** What happens to the next request. */
export function describeNext({ unit, freeInSeconds, waiting = 0, limit, used }: LimitMeter): string {
  if (unit === 'slots') {
    if (waiting > 0) return `${formatCount(waiting)} waiting`
    return limit !== undefined && used >= limit ? 'the next request waits' : 'none waiting'
  }
  return freeInSeconds > 0 ? `429 for ${formatDuration(freeInSeconds * 1_000)}` : 'admits requests'
}
