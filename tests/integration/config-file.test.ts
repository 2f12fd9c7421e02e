import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const start = (settings: Parameters<typeof createTestSimulator>[0] = {}) => {
  const simulator = createTestSimulator(settings)
  const { ask } = createAdminApi(simulator.app)
  /** Makes a request that must succeed, and returns its body. */
  const done = async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body)
    expect([path, answer.status, answer.text]).toEqual([path, expect.any(Number), expect.anything()])
    expect(answer.status).toBeLessThan(300)
    return answer.body as Record<string, unknown>
  }
  const file = async (query = '') => {
    const response = await simulator.app.request(`/++/config/file${query}`, {
      headers: { 'api-key': testKey },
    })
    return { response, text: await response.text() }
  }
  return { ...simulator, ask, done, file }
}

/** What a client of the admin API sees of a configuration. */
async function everything({ done }: ReturnType<typeof start>) {
  const { resources } = (await done('GET', '/++/resources')) as { resources: object }
  const entries = await Promise.all(
    Object.keys(resources).map(async (name) => {
      const { created_at: _at, entry, ...rest } = await done('GET', `/++/resources/${name}`)
      // A timetable that runs becomes the one of the configuration.
      const { config: _config, incidents: _own, ...settings } = entry as Record<string, unknown>
      const { started_at: _started, ...incidents } = await done('GET', `/++/incidents?resource=${name}`)
      return [name, rest, settings, incidents] as const
    }),
  )
  const keysWithoutTimes = JSON.stringify(entries).replaceAll(
    /"created_at":("[^"]*"|null)/g,
    '"created_at":null',
  )
  return {
    config: await done('GET', '/++/config'),
    upstreams: await done('GET', '/++/upstreams'),
    entries: JSON.parse(keysWithoutTimes) as unknown,
  }
}

describe('GET /++/config/file', () => {
  it('returns a file from which a start has the same configuration, after changes of every kind at run time', async () => {
    const first = start({
      env: { AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:1', AZURE_OPENAI_KEY: 'planted-azure' },
    })
    const { done } = first
    await done('PATCH', '/++/config', {
      region: 'West US',
      latency: { time_scale: 0.5, profile: 'auto' },
      content_filter: { prompt: 'hate: bad words' },
      openai_deployments: { 'gpt-4o': { tokens_per_minute: 1, requests_per_minute: null }, whisper: null },
      faults: [
        { probability: 0.5, fault: { kind: 'stall', ms: 'forever' }, stream: true, deployment: 'gpt-4o' },
      ],
    })
    await done('PUT', '/++/upstreams/east', {
      endpoint: 'https://east.openai.azure.com',
      key: 'planted-east',
      connect_timeout_ms: 5,
    })
    await done('PUT', '/++/upstreams/id', {
      endpoint: 'https://id.openai.azure.com',
      credential: 'entra',
      tenant_id: 't',
      client_id: 'c',
      client_secret: 'planted-client-secret',
    })
    await done('PUT', '/++/deployments/ptu', {
      model: 'gpt-5',
      provisioned_throughput_units: 50,
      spillover_to: 'gpt-4o',
    })
    await done('PUT', `/++/deployments/${encodeURIComponent('<b>x</b> "y"')}`, {
      model: 'gpt-4o',
      latency: { first_token: { distribution: 'lognormal', median_ms: 500, sigma: 0.5 }, per_token: 12 },
    })
    await done('PUT', '/++/deployments/far', { upstream: 'east/gpt-4o-prod' })
    await done('PUT', '/++/resources/acme', {
      region: 'Sweden Central',
      azure_openai_endpoint: 'https://own.openai.azure.com',
      azure_openai_key: 'planted-resource-upstream',
      recording_dir: 'acme-recordings',
      keys: ['planted-resource-key'],
      deployments: { chat: { model: 'gpt-4o-mini', tokens_per_minute: 60_000 } },
      incidents: { phases: [{ name: 'own', minutes: 5, latency: { first_token_factor: 2 } }] },
    })
    await done('POST', '/++/resources/acme/keys', { label: 'load test' })
    await done('PATCH', '/++/resources/acme', {
      deployments: { more: { model: 'gpt-4o' } },
      tool_call_rounds: 2,
    })
    await done('PUT', '/++/resources/west', { upstream: 'east' })
    await done('POST', '/++/incidents/start', {
      phases: [
        {
          name: 'down',
          duration: '1h',
          limits: { factor: 0.1 },
          faults: [{ probability: 1, fault: 'overloaded503' }],
        },
      ],
    })
    const variables = {
      AZURE_OPENAI_KEY: 'planted-azure',
      UPSTREAM_EAST_KEY: 'planted-east',
      UPSTREAM_ID_CLIENT_SECRET: 'planted-client-secret',
      RESOURCE_ACME_AZURE_OPENAI_KEY: 'planted-resource-upstream',
    }
    for (const format of ['yaml', 'json']) {
      const { response, text } = await first.file(`?format=${format}`)
      expect(response.headers.get('content-type')).toBe(`application/${format}`)
      expect(response.headers.get('content-disposition')).toBe(`attachment; filename="aoai-sim.${format}"`)
      expect(text).not.toContain('planted')
      const again = start({ config: parse(text) as object, env: { ...variables, LATENCY_TIME_SCALE: '' } })
      expect(await everything(again)).toEqual(await everything(first))
    }
  })

  it('returns the timetable that runs, and else that of the configuration, as INCIDENTS_PATH accepts it', async () => {
    const configured = { phases: [{ name: 'configured', seconds: 5 }] }
    const simulator = start({
      incidents: configured,
      resources: { acme: { deployments: { chat: { model: 'gpt-4o' } } } },
    })
    const saved = async (resource: string) =>
      parse((await simulator.file(`?part=incidents&format=yaml&resource=${resource}`)).text) as object
    expect(await saved('default')).toEqual(configured)
    const posted = {
      start_after: '1s',
      phases: [{ name: 'down', seconds: 60, faults: [{ probability: 1, fault: 'overloaded503' }] }],
    }
    await simulator.done('POST', '/++/incidents/start?resource=acme', posted)
    await simulator.done('POST', '/++/incidents/start', posted)
    const file = await saved('acme')
    expect(file).toEqual({ startAfter: '1s', phases: posted.phases })
    const again = start({ incidents: file })
    await again.clock.advance(1_000)
    const hello = { messages: [{ role: 'user', content: 'Hello' }] }
    expect((await again.post(deploymentPath('gpt-4o', 'chat/completions'), hello)).status).toBe(503)
    await simulator.clock.advance(61_000)
    expect(await saved('default')).toEqual(configured)
  })

  it('refuses an unknown resource, a resource without a timetable, and a parameter without effect', async () => {
    const { ask } = start()
    const codes = await Promise.all(
      ['?part=incidents', '?part=incidents&resource=none', '?resource=default', '?format=xml'].map(
        async (query) => {
          const { status, body } = await ask('GET', `/++/config/file${query}`)
          return [status, (body as { error: { code: string } }).error.code]
        },
      ),
    )
    expect(codes).toEqual([
      [404, 'NoTimetable'],
      [404, 'ResourceNotFound'],
      [400, 'InvalidQuery'],
      [400, 'InvalidQuery'],
    ])
  })
})

describe('GET /++/clock', () => {
  it('returns the kind and the time, which advances', async () => {
    const { done } = start()
    expect(await done('GET', '/++/clock')).toEqual({
      kind: 'virtual',
      now: '2026-01-01T00:00:00.000Z',
      now_ms: 0,
    })
    await done('POST', '/++/clock/advance', { seconds: 60 })
    expect(await done('GET', '/++/clock')).toMatchObject({ now: '2026-01-01T00:01:00.000Z', now_ms: 60_000 })
  })
})
