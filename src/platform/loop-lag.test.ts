import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createLoopLag } from './loop-lag.ts'

it('notices that the event loop was blocked, and begins anew each time that it is asked', async () => {
  const lag = createLoopLag()
  await sleep(30)
  const untilMs = performance.now() + 80
  while (performance.now() < untilMs);
  await sleep(30)
  const blocked = lag.take()
  expect(blocked.maxMs).toBeGreaterThan(50)
  expect(blocked.medianMs).toBeLessThan(blocked.maxMs)
  expect(lag.take()).toEqual({ medianMs: 0, p99Ms: 0, maxMs: 0 })
})
