import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createLoopLag } from './loop-lag.ts'

/** Runs several event-loop iterations, so that one long iteration does not change the median on a busy machine. */
async function runIterations(): Promise<void> {
  for (let times = 0; times < 8; times++) await sleep(12)
}

it('createLoopLag measures a blocked event loop and resets with each reading', async () => {
  const lag = createLoopLag()
  await runIterations()
  const untilMs = performance.now() + 80
  while (performance.now() < untilMs);
  await runIterations()
  const blocked = lag.take()
  expect(blocked.maxMs).toBeGreaterThan(50)
  expect(blocked.medianMs).toBeLessThan(blocked.maxMs)
  expect(lag.take()).toEqual({ medianMs: 0, p99Ms: 0, maxMs: 0 })
})
