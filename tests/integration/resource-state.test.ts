import { describe, expect, it } from 'vitest'
import { withResources, type TestResource } from '../support/resource-inputs.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, type TestSimulator } from '../support/test-simulator.ts'

const message = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const long = 'the quick brown fox jumps over '.repeat(300)
const acmeKey = { 'api-key': 'acme-key', 'x-sim-test': 'one' }
const chatPath = (deployment: string): string =>
  `/acme/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`

const down = { probability: 1, fault: 'overloaded503', name: 'outage' }
const acme: TestResource = {
  deployments: {
    once: { model: 'gpt-4o', requestsPerMinute: 1, requestsSliceSeconds: 60 },
    units: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
    slots: { model: 'gpt-4o', latency: { concurrency: { slots: 1, queueLength: 0, queueTimeoutMs: 1_000 } } },
    free: { model: 'gpt-4o' },
    thinks: { model: 'gpt-5-mini' },
    faulty: { model: 'gpt-4o', faults: [down] },
  },
  incidents: {
    phases: [
      { name: 'first', seconds: 10, deployment: 'free' },
      { name: 'second', seconds: 600, deployment: 'free' },
    ],
  },
}

/** The two ways in which a resource is created again. */
const ways: readonly (readonly [title: string, recreate: (simulator: TestSimulator) => Promise<void>])[] = [
  [
    'with another identity in one change',
    async ({ simulator: { live } }) => {
      await live.rebase(withResources(live.base, { acme: { ...acme, id: 'acme 2' } }))
    },
  ],
  [
    'with the same identity in two changes',
    async ({ simulator: { live } }) => {
      await live.rebase(withResources(live.base, {}))
      await live.rebase(withResources(live.base, { acme }))
    },
  ],
]

const start = (env: Record<string, string> = {}): TestSimulator =>
  createTestSimulator({ env: { JOURNAL_SIZE: '100', ...env }, resources: { acme } })

const metricsOf = async ({ simulator }: TestSimulator, name: string): Promise<string[]> =>
  (await simulator.metrics.render()).split('\n').filter((line) => line.startsWith(`${name}{resource="acme"`))

describe.each(ways)('a resource that is created again %s', (_, recreate) => {
  it('has all of its limits', async () => {
    const started = start()
    const ask = async (): Promise<number> => (await started.post(chatPath('once'), message, acmeKey)).status
    expect([await ask(), await ask()]).toEqual([200, 429])
    await recreate(started)
    expect(await ask()).toBe(200)
  })

  it('has no utilization of provisioned throughput', async () => {
    const started = start()
    await started.post(chatPath('units'), { ...message, max_tokens: 16_000 }, acmeKey)
    const gauge = 'aoai_deployment_utilization_ratio'
    expect(await metricsOf(started, gauge)).toEqual([expect.stringMatching(/ [01]\.\d*[1-9]$/)])
    await recreate(started)
    expect(await metricsOf(started, gauge)).toEqual([expect.stringMatching(/ 0$/)])
  })

  it('has free slots', async () => {
    const started = start({ LATENCY_TIME_SCALE: '1' })
    const ask = async (): Promise<Response> => started.post(chatPath('slots'), message, acmeKey)
    const running = ask()
    expect((await ask()).status).toBe(429)
    await recreate(started)
    const next = ask()
    await started.clock.advance(60_000)
    expect([(await running).status, (await next).status]).toEqual([200, 200])
    expect(await metricsOf(started, 'aoai_deployment_requests_in_work')).toEqual([
      'aoai_deployment_requests_in_work{resource="acme",deployment="slots"} 0',
    ])
  })

  it('has no stored responses and no cached prompts', async () => {
    const started = start()
    const body = { model: 'free', input: long, max_output_tokens: 16 }
    const create = async (more: object = {}): Promise<{ id: string; cached: number | undefined }> => {
      const answer = await started.post('/acme/openai/v1/responses', { ...body, ...more }, acmeKey)
      const json = (await answer.json()) as {
        id: string
        usage?: { input_tokens_details: { cached_tokens: number } }
      }
      return { id: json.id, cached: json.usage?.input_tokens_details.cached_tokens }
    }
    const { id } = await create()
    expect((await create()).cached).toBeGreaterThan(1_024)
    await recreate(started)
    const found = await started.app.request(`/acme/openai/v1/responses/${id}`, { headers: acmeKey })
    expect(found.status).toBe(404)
    expect((await create({ previous_response_id: id })).id).toBeUndefined()
    expect((await create()).cached).toBe(0)
  })

  it('has metrics and faults from 0, and its incidents start again', async () => {
    const started = start()
    await started.post(chatPath('faulty'), message, acmeKey)
    await started.clock.advance(20_000)
    expect(await metricsOf(started, 'aoai_faults_total')).toHaveLength(1)
    expect(started.simulator.incidents.phaseOf('acme')?.name).toBe('second')
    await recreate(started)
    expect(await metricsOf(started, 'aoai_requests_total')).toEqual([])
    expect(await metricsOf(started, 'aoai_faults_total')).toEqual([])
    expect(started.simulator.incidents.phaseOf('acme')?.name).toBe('first')
    await started.post(chatPath('free'), message, acmeKey)
    expect(await metricsOf(started, 'aoai_requests_total')).toEqual([
      'aoai_requests_total{resource="acme",deployment="free",operation="chatCompletions",status="200"} 1',
    ])
    await started.simulator.close()
  })

  it('replays repeated recordings from the first one, with and without the name of a test', async () => {
    const recorded = cassette(cassetteItem('{"q":1}', 'one'), cassetteItem('{"q":1}', 'two'))
    const dir = recordingFolder({ 'turns.yaml': recorded })
    const started = start({ SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, MATCH_ANY_PREFIX: 'on' })
    const ask = async (headers: Record<string, string>): Promise<string> =>
      (await started.post('/acme/v1/chat/completions', { q: 1 }, headers)).text()
    const asks = [{ 'api-key': 'acme-key' }, acmeKey]
    for (const headers of asks) expect([await ask(headers), await ask(headers)]).toEqual(['one', 'two'])
    await recreate(started)
    for (const headers of asks) expect(await ask(headers)).toBe('one')
    await started.simulator.close()
  })
})

describe('a resource that is created again with another identity', () => {
  it('does not accept encrypted content of the previous one', async () => {
    const started = start()
    const body = { model: 'thinks', store: false, include: ['reasoning.encrypted_content'] }
    const create = async (input: unknown): Promise<{ status: number; output: { type: string }[] }> => {
      const answer = await started.post('/acme/openai/v1/responses', { ...body, input }, acmeKey)
      const { output } = (await answer.json()) as { output: { type: string }[] }
      return { status: answer.status, output }
    }
    const { output } = await create('Hello')
    const next = [...output, { role: 'user', content: 'More' }]
    expect(output.map(({ type }) => type)).toContain('reasoning')
    expect((await create(next)).status).toBe(200)
    await ways[0]?.[1](started)
    expect((await create(next)).status).toBe(400)
  })

  it('is not judged by the failures of the previous one in the retry report', async () => {
    const started = start()
    const ask = async (): Promise<number> => (await started.post(chatPath('once'), message, acmeKey)).status
    expect([await ask(), await ask()]).toEqual([200, 429])
    await ways[0]?.[1](started)
    expect(await ask()).toBe(200)
    const other = await started.post(chatPath('once'), { ...message, max_tokens: 6 }, acmeKey)
    expect(other.status).toBe(429)
    const [client] = (await started.simulator.journal?.retryReport())?.clients ?? []
    expect(client).toMatchObject({ requests: 4, retries: 0, callsWhileLimited: 0 })
    const entries = (await started.simulator.journal?.entries()) ?? []
    expect(entries.map(({ resource }) => resource)).toEqual(['acme', 'acme', 'acme', 'acme'])
    expect(entries[2]).not.toHaveProperty('resourceId')
  })
})

describe('an answer that ends after its resource was deleted', () => {
  it('leaves no series in the metrics', async () => {
    const { app, clock, post, simulator } = createTestSimulator({
      env: { LATENCY_TIME_SCALE: '1' },
      resources: { acme },
    })
    const exported = async (): Promise<string> => {
      const page = await (await app.request('/metrics')).text()
      return page
        .split('\n')
        .filter((line) => line.includes('resource="acme"'))
        .join('\n')
    }
    const ask = (deployment: string) =>
      post(chatPath(deployment), { ...message, stream: true }, acmeKey).then((answer) => answer.text())
    const asked = [ask('free'), ask('faulty')]
    await clock.advance(1)
    expect(await exported()).toContain('aoai_resource_info')
    await simulator.resources.remove('acme')
    await clock.advance(60_000)
    expect((await Promise.all(asked))[0]).toContain('[DONE]')
    expect(await exported()).toBe('')
  })
})
