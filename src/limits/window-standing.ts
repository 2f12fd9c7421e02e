import type { WindowStanding } from './limit-standing.ts'
import type { SlidingWindow } from './sliding-window.ts'

/** Tells how a window stands under a limit. */
export function windowStanding(window: SlidingWindow, limit: number, nowMs: number): WindowStanding {
  const used = window.used(nowMs)
  return {
    limit,
    used,
    remaining: Math.max(0, limit - used),
    windowMs: window.windowMs,
    freeInMs: Math.max(0, window.freeAtMs(nowMs, 1, limit) - nowMs),
    emptyInMs: Math.max(0, window.freeAtMs(nowMs, used, used) - nowMs),
  }
}
