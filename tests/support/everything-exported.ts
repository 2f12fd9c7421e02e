import { createMetrics } from '../../src/metrics/metrics.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { type Exposition, parseExposition } from './exposition.ts'
import { json, startFakeUpstream } from './fake-upstream.ts'
import { createTestSimulator, deploymentPath } from './test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 }

/** Everything that a simulator exports once it has had one request of each kind. */
export async function exportEverything(): Promise<Exposition> {
  const { text, shared } = await renderEverything()
  return parseExposition(`${text}\n${shared}`)
}

/** The same as text: that of the simulator, and that of one with a Redis and a store, which has the same families and more. */
export async function renderEverything(): Promise<{ readonly text: string; readonly shared: string }> {
  const upstream = await startFakeUpstream((request, response) =>
    json({}, /deployments\/failing-(\d+)/.exec(request.url)?.[1] === '429' ? 429 : 503)(request, response),
  )
  const { post, app, clock, simulator } = createTestSimulator({
    env: {
      LATENCY_TIME_SCALE: '1',
      AZURE_OPENAI_ENDPOINT: upstream.url,
      AZURE_OPENAI_KEY: 'upstream-key',
      UPSTREAM_RETRIES: '0',
    },
    deployments: {
      'failing-429': { model: 'gpt-4o', source: 'forward' },
      'failing-503': { model: 'gpt-4o', source: 'forward' },
      chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000 },
      tokens: { model: 'gpt-4o', tokensPerMinute: 100 },
      requests: { model: 'gpt-4o', tokensPerMinute: 1_000_000, requestsPerMinute: 1 },
      provisioned: { model: 'gpt-4o', provisionedThroughputUnits: 50 },
      slots: { model: 'gpt-4o', latency: { concurrency: { slots: 1, queueLength: 1 } } },
    },
    incidents: { phases: [{ name: 'normal', minutes: 60 }] },
    resources: {
      acme: {
        deployments: {
          chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000 },
          provisioned: { model: 'gpt-4o', provisionedThroughputUnits: 50 },
          slots: { model: 'gpt-4o', latency: { concurrency: { slots: 1 } } },
        },
        incidents: { phases: [{ name: 'normal', minutes: 60 }] },
      },
    },
  })
  const ask = (deployment: string, body: object = {}, headers = {}, prefix = ''): Promise<unknown> =>
    post(prefix + deploymentPath(deployment, 'chat/completions'), { ...hello, ...body }, headers).then(
      (answer) => answer.text(),
    )
  // Before the clock is advanced, because its time-outs are shorter than the time of a socket.
  await Promise.all([ask('failing-429'), ask('failing-503')])
  const asked = [
    ask('chat'),
    ask('chat', { stream: true }),
    ask('tokens', { max_tokens: 4_000 }),
    ask('requests'),
    ask('requests'),
    ask('provisioned'),
    ...[1, 2, 3].map(() => ask('slots')),
    ask('chat', {}, { 'x-sim-fault': 'serverError' }),
    ask('chat', {}, { 'api-key': 'wrong' }),
    ask('chat', {}, { 'api-key': 'wrong' }, '/acme'),
    ask('chat', { stream: true }, { 'api-key': 'acme-key' }, '/acme'),
    ...['chat', 'provisioned', 'slots', 'slots'].map((name) =>
      ask(name, {}, { 'api-key': 'acme-key' }, '/acme'),
    ),
  ]
  await clock.advance(10_000)
  await Promise.all(asked)
  const text = await (await app.request('/metrics')).text()
  await simulator.close()
  await upstream.close()

  // What a simulator with a Redis exports besides; the families are the same ones.
  const state = { up: true, fallbacks: 0, roundTripMs: 1 }
  const shared = createMetrics({ clock: createVirtualClock(), sharedState: state, pendingChanges: () => 0 })
  return { text, shared: await shared.render() }
}
