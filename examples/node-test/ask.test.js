import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from './ask.js'
import { simulate } from './simulator-fixture.js'

/** One request in ten seconds. */
const deployments = { chat: { model: 'gpt-4o-mini', tokensPerMinute: 10_000, requestsPerMinute: 6 } }

test('ask sends one request within the limit', async (t) => {
  const { sim, client } = await simulate(t, { deployments })
  assert.match(await ask(client, 'What is new?'), /\w/)
  assert.deepEqual(
    sim.requests().map(({ status }) => status),
    [200],
  )
})

test('ask waits exactly as long as the 429 says', async (t) => {
  const { sim, client } = await simulate(t, { deployments })
  const sleep = (ms) => sim.clock.advance(ms)
  await ask(client, 'What is new?', sleep)
  await ask(client, 'And now?', sleep)
  const [, refused, retry] = sim.requests({ operation: 'chatCompletions' })
  assert.equal(refused.status, 429)
  assert.equal(retry.retryOf, refused.id)
  assert.equal(retry.waitedMs, refused.retryAfterMs)
})

test('the client retries by itself, without waiting in real time', async (t) => {
  const { sim, client } = await simulate(t, { deployments })
  t.mock.timers.enable()
  client.maxRetries = 2
  /** Advances the clocks of the simulator and the client until the promise is settled. */
  const passTime = async (promise) => {
    const state = { isSettled: false }
    const settle = () => (state.isSettled = true)
    promise.then(settle, settle)
    while (!state.isSettled) {
      await sim.clock.advance(1_000)
      t.mock.timers.tick(1_000)
    }
    await promise
  }
  await passTime(ask(client, 'What is new?'))
  await passTime(ask(client, 'And now?'))
  const [, refused, retry] = sim.requests({ operation: 'chatCompletions' })
  assert.equal(refused.status, 429)
  assert.equal(retry.status, 200)
  assert.equal(retry.retryOf, refused.id)
  assert.equal(retry.early, false)
})
