import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { LiveConfig } from '../../src/config/live-config.ts'
import { unusedRecordings } from '../../src/server/unused-recordings.ts'
import { startWatching } from '../../src/server/start-watching.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import { viewDeployment, viewDeployments } from '../../src/server/admin/deployment-view.ts'
import { startCollector } from '../support/fake-collector.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { recordingFiles, recordingPlace } from '../support/recording-simulator.ts'
import { silentLogger } from '../support/test-logger.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const message = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const chatPath = (resource: string, deployment = 'chat'): string =>
  `${resource}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`
const place = recordingPlace()
const acmeKey = { 'api-key': 'acme-key' }

describe('a second resource', () => {
  it('has a separate key, region and deployments, and the other settings of the default resource', async () => {
    const { post } = createTestSimulator({
      env: { SIMULATOR_REGION: 'East US', ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
      deployments: { chat: { model: 'gpt-4o' }, mine: { model: 'gpt-4o' } },
      resources: {
        acme: {
          env: { SIMULATOR_REGION: 'Sweden Central' },
          deployments: { chat: { model: 'gpt-4o-mini' } },
        },
      },
    })
    const own = await post(chatPath(''), message)
    const other = await post(chatPath('/acme'), message, acmeKey)
    expect([own.status, own.headers.get('x-ms-region')]).toEqual([200, 'East US'])
    expect([other.status, other.headers.get('x-ms-region')]).toEqual([200, 'Sweden Central'])
    expect(await other.json()).toMatchObject({ model: 'gpt-4o-mini-2024-07-18' })
    expect((await post(chatPath('/acme', 'mine'), message, acmeKey)).status).toBe(404)
    expect((await post(chatPath('/acme'), message, { 'api-key': testKey })).status).toBe(401)
    expect((await post(chatPath(''), message, acmeKey)).status).toBe(401)
  })

  it('has a separate prompt cache for a deployment of the same name, in chat and Responses', async () => {
    const { post } = createTestSimulator({
      deployments: { chat: { model: 'gpt-4o' } },
      resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    })
    const long = 'the quick brown fox jumps over '.repeat(300)
    const chat = { ...message, messages: [{ role: 'user', content: long }] }
    const cachedOf = async (answer: Promise<Response>): Promise<unknown> => {
      const { usage } = (await (await answer).json()) as { usage: Record<string, Record<string, unknown>> }
      return (usage['prompt_tokens_details'] ?? usage['input_tokens_details'])?.['cached_tokens']
    }
    await post(chatPath(''), chat)
    expect(await cachedOf(post(chatPath(''), chat))).toBeGreaterThan(1_024)
    expect(await cachedOf(post(chatPath('/acme'), chat, acmeKey))).toBe(0)
    const response = { model: 'chat', input: long.toUpperCase(), max_output_tokens: 16 }
    await post('/openai/v1/responses', response)
    expect(await cachedOf(post('/openai/v1/responses', response))).toBeGreaterThan(1_024)
    expect(await cachedOf(post('/acme/openai/v1/responses', response, acmeKey))).toBe(0)
  })

  it('has separate limits, slots and faults, and its name in all metrics', async () => {
    const deployments = {
      chat: { model: 'gpt-4o', tokensPerMinute: 10_000, requestsPerMinute: 6 },
      units: { model: 'gpt-4o', provisionedThroughputUnits: 15 },
      slots: { model: 'gpt-4o', latency: { concurrency: { slots: 2 } } },
    }
    const { post, simulator, clock } = createTestSimulator({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments,
      faults: [{ probability: 1, fault: 'serverError', deployment: 'slots' }],
      resources: { acme: { deployments } },
    })
    const ask = async (deployment: string): Promise<number[]> => {
      const asked = [
        post(chatPath('', deployment), message),
        post(chatPath('/acme', deployment), message, acmeKey),
      ]
      await clock.advance(60_000)
      return (await Promise.all(asked)).map(({ status }) => status)
    }
    expect(await ask('chat')).toEqual([200, 200])
    expect(await ask('units')).toEqual([200, 200])
    expect(await ask('slots')).toEqual([500, 200])
    const lines = (await simulator.metrics.render()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'aoai_requests_total{deployment="chat",operation="chatCompletions",status="200"} 1',
        'aoai_requests_total{resource="acme",deployment="chat",operation="chatCompletions",status="200"} 1',
        'aoai_tokens_total{resource="acme",deployment="chat",operation="chatCompletions",type="completion"} 5',
        'aoai_faults_total{deployment="slots",fault="serverError"} 1',
        'aoai_deployment_limit_per_minute{deployment="chat",type="tokens"} 10000',
        'aoai_deployment_limit_per_minute{resource="acme",deployment="chat",type="tokens"} 10000',
        expect.stringMatching(/^aoai_deployment_utilization_ratio\{deployment="units"\} 0/),
        expect.stringMatching(/^aoai_deployment_utilization_ratio\{resource="acme",deployment="units"\} 0/),
        'aoai_deployment_requests_in_work{resource="acme",deployment="slots"} 0',
      ]),
    )
    expect(lines.filter((line) => /^aoai_faults_total.*acme/.test(line))).toEqual([])
  })

  it('spills over to its own deployment when it is at its limit, and a sibling does not', async () => {
    const deployments = {
      reserved: { model: 'gpt-4o', provisionedThroughputUnits: 1, spilloverTo: 'spare' },
      spare: { model: 'gpt-4o', tokensPerMinute: 10_000 },
    }
    const { post } = createTestSimulator({ resources: { acme: { deployments }, beta: { deployments } } })
    const ask = async (resource: string): Promise<[status: number, deployment: string | null]> => {
      const large = { ...message, max_tokens: 2_000 }
      const answer = await post(chatPath(`/${resource}`, 'reserved'), large, { 'api-key': `${resource}-key` })
      return [answer.status, answer.headers.get('x-ms-deployment-name')]
    }
    expect([await ask('acme'), await ask('acme')]).toEqual([
      [200, 'reserved'],
      [200, 'spare'],
    ])
    expect(await ask('beta')).toEqual([200, 'reserved'])
  })

  it('shows its deployments and their state', async () => {
    const { post, simulator } = createTestSimulator({
      deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 10_000 } },
      resources: { acme: { deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 5_000 } } } },
    })
    await post(chatPath(''), message)
    const limits = { tokens: { limit: 5_000, used: 0 }, requests_in_minute: { used: 0 } }
    const acme = { chat: { tokens_per_minute: 5_000, live: { limits } } }
    expect(await viewDeployments(simulator, 'acme')).toMatchObject(acme)
    expect(await viewDeployment(simulator, 'acme', 'chat')).toMatchObject(acme.chat)
    const own = { tokens_per_minute: 10_000, live: { limits: { requests_in_minute: { used: 1 } } } }
    expect(await viewDeployment(simulator, 'default', 'chat')).toMatchObject(own)
  })

  it('stores responses that the default resource cannot read', async () => {
    const { post, app } = createTestSimulator({
      deployments: { chat: { model: 'gpt-4o' } },
      resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    })
    const made = await post('/acme/openai/v1/responses', { model: 'chat', input: 'Hello' }, acmeKey)
    const { id } = (await made.json()) as { id: string }
    const get = (path: string, key: string) => app.request(path, { headers: { 'api-key': key } })
    expect((await get(`/acme/openai/v1/responses/${id}`, 'acme-key')).status).toBe(200)
    expect((await get(`/openai/v1/responses/${id}`, testKey)).status).toBe(404)
  })

  it('is named in exported telemetry', async () => {
    await using collector = await startCollector()
    const { post, simulator } = createTestSimulator({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
      deployments: { chat: { model: 'gpt-4o' } },
      resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    })
    await simulator.start()
    for (const answer of [post(chatPath(''), message), post(chatPath('/acme'), message, acmeKey)]) {
      await (await answer).text()
    }
    await simulator.close()
    const points = collector.points().filter(({ metric }) => metric === 'gen_ai.server.request.duration')
    expect(points.map(({ attributes, count }) => [attributes['aoai.resource'], count])).toEqual([
      [undefined, 1],
      ['acme', 1],
    ])
  })

  it('has separate incidents, which do not affect deployments of the same name elsewhere', async () => {
    const deployments = { chat: { model: 'gpt-4o', tokensPerMinute: 10_000 } }
    const down = { probability: 1, fault: 'overloaded503' }
    const { post, app, simulator, clock } = createTestSimulator({
      deployments,
      incidents: { phases: [{ name: 'calm', minutes: 1, deployment: 'chat', limits: { factor: 0.5 } }] },
      resources: {
        acme: {
          deployments,
          incidents: { phases: [{ name: 'down', seconds: 30, deployment: 'chat', faults: [down] }] },
        },
      },
    })
    const own = await post(chatPath(''), message)
    const other = await post(chatPath('/acme'), message, acmeKey)
    expect([own.status, own.headers.get('x-ratelimit-limit-tokens')]).toEqual([200, '5000'])
    expect(other.status).toBe(503)
    const phases = (await simulator.metrics.render())
      .split('\n')
      .filter((line) => line.startsWith('aoai_incident_phase'))
    expect(phases).toEqual([
      'aoai_incident_phase{phase="calm"} 1',
      'aoai_incident_phase{resource="acme",phase="down"} 1',
    ])
    // Without a resource, the admin API changes the default one.
    await app.request('/++/incidents/stop', { method: 'POST', headers: { 'api-key': testKey } })
    expect((await post(chatPath('/acme'), message, acmeKey)).status).toBe(503)
    await clock.advance(30_000)
    const later = await post(chatPath('/acme'), message, acmeKey)
    expect([later.status, later.headers.get('x-ratelimit-limit-tokens')]).toEqual([200, '10000'])
    await simulator.close()
  })

  it('is named in the journal, and the retry report separates its deployments', async () => {
    const { post, app, clock } = createTestSimulator({
      env: { JOURNAL_SIZE: '10' },
      deployments: { chat: { model: 'gpt-4o' } },
      resources: {
        acme: {
          deployments: { chat: { model: 'gpt-4o' } },
          faults: [{ probability: 1, fault: 'capacity429' }],
        },
      },
    })
    const test = { 'x-sim-test': 'one' }
    const refused = (): Promise<Response> => post(chatPath('/acme'), message, { ...acmeKey, ...test })
    expect((await refused()).status).toBe(429)
    expect((await post(chatPath(''), message, test)).status).toBe(200)
    await clock.advance(1_000)
    await refused()
    const ask = async (path: string): Promise<Record<string, never[]>> =>
      (await (await app.request(path, { headers: { 'api-key': testKey } })).json()) as Record<string, never[]>
    const { requests } = await ask('/++/requests?deployment=chat&resource=acme')
    expect(requests).toMatchObject([
      { resource: 'acme', deployment: 'chat', status: 429 },
      { retry: { of: 1 } },
    ])
    const own = (await ask('/++/requests?resource=default'))['requests']
    expect(own).toMatchObject([{ deployment: 'chat', status: 200 }])
    expect(own?.[0]).not.toHaveProperty('resource')
    const acme = {
      client: 'one',
      resource: 'acme',
      requests: 2,
      calls_while_limited: 0,
      early: { count: 1, examples: [{ resource: 'acme', deployment: 'chat' }] },
    }
    const all = await ask('/++/retry-report')
    expect(all).toMatchObject({
      totals: { clients: 2, requests: 3, early: 1 },
      clients: [acme, { client: 'one' }],
    })
    expect(all['clients']?.[1]).not.toHaveProperty('resource')
    const counts = { clients: 1, requests: 2, early: 1 }
    expect(await ask('/++/retry-report?resource=acme')).toMatchObject({ totals: counts, clients: [acme] })
    const none = { clients: 1, requests: 1, early: 0 }
    expect(await ask('/++/retry-report?resource=default')).toMatchObject({ totals: none, clients: [{}] })
    expect(await ask('/++/retry-report?resource=beta')).toMatchObject({
      totals: { requests: 0 },
      clients: [],
    })
    expect(
      (await app.request('/++/retry-report?resorce=acme', { headers: { 'api-key': testKey } })).status,
    ).toBe(400)
  })

  it('has a key that is never logged, whichever resource it was sent to', async () => {
    const keys = { acme: 'acme-key-0123456789abcdef', default: 'own-key-0123456789abcdef' }
    const { simulator, clock } = createTestSimulator({
      env: { JOURNAL_SIZE: '10', SIMULATOR_API_KEY: keys.default },
      resources: { acme: { env: { SIMULATOR_API_KEY: keys.acme } } },
    })
    const lines: string[] = []
    const requestLog = { format: 'json', hasColor: false, write: (line: string) => lines.push(line) } as const
    const live = new LiveConfig(simulator.live.inputs)
    const app = createApp(assembleSimulator(live, { clock, logger: silentLogger, requestLog }))
    const headers = { 'api-key': keys.default, 'content-type': 'application/json' }
    for (const [resource, key] of [
      ['', keys.acme],
      ['/acme', keys.default],
    ] as const) {
      const path = `${chatPath(resource, key)}&note=${key}`
      const body = JSON.stringify({ ...message, user: key })
      await (await app.request(path, { method: 'POST', headers: { ...headers, 'x-note': key }, body })).text()
    }
    const journalText = await (await app.request('/++/requests', { headers })).text()
    expect([lines.length, journalText.split('[redacted]').length > 4]).toEqual([2, true])
    for (const key of Object.values(keys)) {
      expect(lines.join('')).not.toContain(key)
      expect(journalText).not.toContain(key)
    }
  })

  it('creates images with URLs that can be fetched', async () => {
    const { post, app } = createTestSimulator({
      resources: { acme: { deployments: { pictures: { model: 'dall-e-3' } } } },
    })
    const path = '/acme/openai/deployments/pictures/images/generations?api-version=2024-10-21'
    const made = await post(path, { prompt: 'a fox' }, acmeKey)
    const { data } = (await made.json()) as { data: { url: string }[] }
    const { pathname, search } = new URL(data[0]?.url ?? '')
    expect((await app.request(pathname + search)).status).toBe(200)
    expect((await app.request(pathname + search.replace('r=acme', 'r=default'))).status).toBe(404)
    expect((await app.request(pathname + search.replace('&r=acme', ''))).status).toBe(404)
  })

  it('is named in the log when a request names an unknown deployment', async () => {
    const { post, log } = createTestSimulator({
      deployments: { chat: { model: 'gpt-4o' } },
      resources: { acme: { deployments: { mine: { model: 'gpt-4o' } } } },
    })
    await post(chatPath('', 'mina'), message)
    await post(chatPath('/acme', 'mina'), message, acmeKey)
    const logged = log.flatMap(({ message: text }) => /^Unknown deployment.*?is answered/.exec(text) ?? [])
    expect(logged).toEqual([
      'Unknown deployment "mina" is answered',
      'Unknown deployment "mina" of acme is answered',
    ])
    expect(log.at(-1)?.message).toContain('Did you mean "mine"?')
  })

  it('has separate replay cursors', async () => {
    const recorded = cassette(cassetteItem('{"q":1}', 'one'), cassetteItem('{"q":1}', 'two'))
    const dir = recordingFolder({ 'turns.yaml': recorded })
    const { post } = createTestSimulator({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, MATCH_ANY_PREFIX: 'on' },
      resources: { acme: {} },
    })
    const ask = async (prefix: string, headers: Record<string, string>): Promise<string> =>
      (await post(`${prefix}/v1/chat/completions`, { q: 1 }, headers)).text()
    for (const test of [{}, { 'x-sim-test': 'a' }]) {
      const texts = [await ask('', test), await ask('/acme', { ...acmeKey, ...test }), await ask('', test)]
      expect(texts).toEqual(['one', 'one', 'two'])
    }
  })

  it('replays recordings of other resources and of the service, which do not have its prefix', async () => {
    const dir = recordingFolder({ 'one.yaml': cassette(cassetteItem('{"q":1}', 'one')) })
    const { post } = createTestSimulator({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir },
      resources: { acme: {} },
    })
    for (const [prefix, headers] of [
      ['', {}],
      ['/acme', acmeKey],
    ] as const)
      expect(await (await post(`${prefix}/v1/chat/completions`, { q: 1 }, headers)).text()).toBe('one')
  })

  it('has separate recordings, which are watched, and reported if unused', async () => {
    const folderOf = (name: string): string =>
      recordingFolder({ [`${name}.yaml`]: cassette(cassetteItem(`{"q":"${name}"}`, name)) })
    const [own, other] = [folderOf('own'), folderOf('other')]
    const replaying = { SIMULATOR_MODE: 'replay', MATCH_ANY_PREFIX: 'on', REPLAY_STRICT: 'true' }
    const { post, simulator } = createTestSimulator({
      env: { ...replaying, RECORDING_DIR: own, WATCH: 'true' },
      resources: { acme: { env: { RECORDING_DIR: other } }, same: {} },
    })
    expect(unusedRecordings(simulator)).toEqual([`${own}/own.yaml:2`, `${other}/other.yaml:2`])
    const sources = { flags: {}, env: {}, workingDirectory: '/', readFile: () => '' }
    const watching = startWatching({
      live: simulator.live,
      simulator,
      sources,
      logger: silentLogger,
      quietMs: 20,
    })
    onTestFinished(() => watching.close())
    await watching.ready
    const ask = async (q: string): Promise<string> =>
      (await post('/acme/v1/chat/completions', { q }, acmeKey)).text()
    expect(await ask('other')).toBe('other')
    expect(unusedRecordings(simulator)).toEqual([`${own}/own.yaml:2`])
    writeFileSync(join(other, 'new.yaml'), cassette(cassetteItem('{"q":"new"}', 'new')))
    await vi.waitFor(async () => expect(await ask('new')).toBe('new'), { timeout: 20_000, interval: 20 })
  })

  it('records into a separate folder, which is saved with the other, and failures are reported', async () => {
    place.upstream.answer = (_, response) => void response.end('{}')
    const other = recordingFolder({})
    const env = {
      SIMULATOR_MODE: 'record',
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: 'upstream-key',
      RECORDING_DIR: place.dir,
    }
    const resources = { acme: { env: { RECORDING_DIR: other } } }
    const { app, post, simulator } = createTestSimulator({
      env: { ...env, RECORDING_AUTOSAVE: 'false' },
      resources,
    })
    await simulator.start()
    for (const [prefix, key] of [
      ['', {}],
      ['/acme', acmeKey],
    ] as const) {
      await (await post(chatPath(prefix), message, key)).text()
    }
    const save = async (): Promise<unknown> =>
      (await app.request('/++/save-recordings', { method: 'POST', headers: { 'api-key': testKey } })).json()
    expect(await save()).toEqual({ saved: 2 })
    expect([recordingFiles(place.dir).length, recordingFiles(other).length]).toEqual([1, 1])
    rmSync(other, { recursive: true })
    writeFileSync(other, '')
    await (await post(chatPath('/acme'), message, acmeKey)).text()
    expect(await save()).toMatchObject({ saved: 0, error: { code: 'RecordingsNotSaved' } })
    const autosaving = createTestSimulator({ env, resources })
    await (await autosaving.post(chatPath('/acme'), message, acmeKey)).text()
    const health = { status: 'degraded', recordings: { lost: 1 } }
    expect(await (await autosaving.app.request('/healthz')).json()).toMatchObject(health)
    rmSync(other)
    await simulator.close()
  })

  it.each(['forward', 'record'])(
    'forwards paths without an operation in mode %s, without its prefix',
    async (mode) => {
      const paths: string[] = []
      place.upstream.answer = ({ url }, response) => {
        paths.push(url)
        response.end('{}')
      }
      const upstream = { AZURE_OPENAI_ENDPOINT: place.upstream.url, AZURE_OPENAI_KEY: 'upstream-key' }
      const acme = { env: { SIMULATOR_MODE: mode, RECORDING_DIR: place.dir, ...upstream } }
      const { app, simulator } = createTestSimulator({ resources: { acme, beta: {} } })
      await simulator.start()
      const ask = async (path: string, key: string) => {
        const { status } = await app.request(path, { headers: { 'api-key': key } })
        return status
      }
      expect(await ask('/acme/openai/files?api-version=2024-10-21', acmeKey['api-key'])).toBe(200)
      expect(await ask('/acme/v1/vector_stores/a/b', acmeKey['api-key'])).toBe(200)
      expect(paths).toEqual(['/openai/files?api-version=2024-10-21', '/openai/v1/vector_stores/a/b'])
      const refused = ['acme', 'beta', 'unknown'].map((name) => ask(`/${name}/openai/files`, 'wrong'))
      expect(await Promise.all(refused)).toEqual([404, 404, 404])
      await simulator.close()
    },
  )

  it.each(['forward', 'record'])(
    'is refused like one that does not exist for paths without an operation, if the default resource has mode %s',
    async (mode) => {
      const { app } = createTestSimulator({
        env: {
          SIMULATOR_MODE: mode,
          AZURE_OPENAI_ENDPOINT: place.upstream.url,
          AZURE_OPENAI_KEY: 'upstream-key',
          RECORDING_DIR: place.dir,
        },
        resources: { acme: { env: { SIMULATOR_MODE: 'generate' } } },
      })
      const ask = async (name: string, key: string) =>
        app.request(`/${name}/openai/files`, { headers: { 'api-key': key } })
      const refused = await Promise.all(['acme', 'unknown'].map((name) => ask(name, 'wrong')))
      expect(refused.map(({ status }) => status)).toEqual([401, 401])
      const [text, other] = await Promise.all(refused.map((response) => response.text()))
      expect(text).toBe(other)
      expect((await ask('acme', acmeKey['api-key'])).status).toBe(404)
    },
  )

  it('is not found under another name', async () => {
    const { post } = createTestSimulator({ resources: { acme: {} } })
    expect((await post(chatPath('/beta'), message)).status).toBe(404)
  })
})
