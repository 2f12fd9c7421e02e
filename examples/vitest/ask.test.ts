import { onTestFinished, vi } from 'vitest'
import { ask } from './ask.ts'
import { simulatorTest } from './simulator-fixture.ts'

/** One request in ten seconds. */
const test = simulatorTest({
  deployments: { chat: { model: 'gpt-4o-mini', tokensPerMinute: 10_000, requestsPerMinute: 6 } },
})

test('ask sends one request within the limit', async ({ sim, client, expect }) => {
  expect(await ask(client, 'What is new?')).toMatch(/\w/)
  expect(sim.requests().map(({ status }) => status)).toEqual([200])
})

test('ask waits exactly as long as the 429 says', async ({ sim, client, expect }) => {
  const sleep = (ms: number) => sim.clock.advance(ms)
  await ask(client, 'What is new?', sleep)
  await ask(client, 'And now?', sleep)
  const [, refused, retry] = sim.requests({ operation: 'chatCompletions' })
  expect(refused?.status).toBe(429)
  expect(retry).toMatchObject({ status: 200, retryOf: refused?.id, early: false })
  expect(retry?.waitedMs).toBe(refused?.retryAfterMs)
})

test('the client retries by itself, without waiting in real time', async ({ sim, client, expect }) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  client.maxRetries = 2
  /** Advances the clocks of the simulator and the client until the promise is settled. */
  const passTime = async (promise: Promise<unknown>): Promise<void> => {
    const state = { isSettled: false }
    const settle = () => (state.isSettled = true)
    promise.then(settle, settle)
    while (!state.isSettled) {
      await sim.clock.advance(1_000)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await promise
  }
  await passTime(ask(client, 'What is new?'))
  await passTime(ask(client, 'And now?'))
  const [, refused, retry] = sim.requests({ operation: 'chatCompletions' })
  expect(refused?.status).toBe(429)
  expect(retry).toMatchObject({ status: 200, retryOf: refused?.id, early: false })
})
