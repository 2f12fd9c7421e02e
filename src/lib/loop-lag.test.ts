import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createLoopLag } from './loop-lag.ts'

/** Lets the event loop turn: so often that one long turn is not the usual one, however busy the machine is. */
async function turn(): Promise<void> {
  for (let times = 0; times < 8; times++) await sleep(12)
}

it('notices that the event loop was blocked, and begins anew each time that it is asked', async () => {
  const lag = createLoopLag()
  await turn()
  const untilMs = performance.now() + 80
  while (performance.now() < untilMs);
  await turn()
  const blocked = lag.take()
  expect(blocked.maxMs).toBeGreaterThan(50)
  expect(blocked.medianMs).toBeLessThan(blocked.maxMs)
  expect(lag.take()).toEqual({ medianMs: 0, p99Ms: 0, maxMs: 0 })
})
