import { describe, expect, it, onTestFinished } from 'vitest'
import { chatCompletion, type FakeUpstream, json, startFakeUpstream } from '../support/fake-upstream.ts'
import { readRecordings, recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const place = recordingPlace(json(chatCompletion('From the default upstream')))

const chat = { messages: [{ role: 'user', content: 'Hello' }] }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')
const textOf = async (response: Response): Promise<string> => {
  const body = (await response.json()) as { choices: { message: { content: string } }[] }
  return body.choices[0]?.message.content ?? ''
}

const startUpstream = async (text: string): Promise<FakeUpstream> => {
  const upstream = await startFakeUpstream(json(chatCompletion(text)))
  onTestFinished(() => upstream.close())
  return upstream
}

/** A gateway with the upstreams east and west, and with the default one unless `env` removes it. */
const startGateway = async (
  deployments: Readonly<Record<string, object>>,
  env: Record<string, string> = {},
  more: object = {},
) => {
  const east = await startUpstream('From east')
  const west = await startUpstream('From west')
  const simulator = createTestSimulator({
    config: {
      upstreams: {
        east: { endpoint: east.url, key: 'east-key' },
        west: { endpoint: west.url, key: 'west-key' },
      },
      deployments,
      ...more,
    },
    env: { RECORDING_DIR: place.dir, ...env },
  })
  const asked = () => [east, west, place.upstream].map(({ received }) => received.length)
  return { ...simulator, east, west, asked }
}

const defaultUpstream = () => ({
  AZURE_OPENAI_ENDPOINT: place.upstream.url,
  AZURE_OPENAI_KEY: upstreamKey,
})

describe('a deployment with an upstream', () => {
  it('is forwarded to it with its key, beside generated and replayed deployments', async () => {
    const { post, east, asked } = await startGateway({
      a: { model: 'gpt-4o' },
      b: { upstream: 'east' },
      c: { model: 'gpt-4o', upstream: 'west', mode: 'replay', onMiss: 'record' },
    })
    expect(await textOf(await post(chatOf('a'), chat))).not.toContain('From')
    expect(await textOf(await post(chatOf('b'), chat))).toBe('From east')
    for (let round = 0; round < 3; round++)
      expect(await textOf(await post(chatOf('c'), chat))).toBe('From west')
    expect(asked()).toEqual([1, 1, 0])
    expect(east.received[0]?.headers['api-key']).toBe('east-key')
    expect(readRecordings(place.dir)).toHaveLength(1)
  })

  it.each(['generate', 'forward', 'record', 'replay'])(
    'has a source that depends on the mode %s',
    async (mode) => {
      const { simulator } = await startGateway(
        { b: { upstream: 'east' }, own: { upstream: 'east', source: 'record' } },
        { SIMULATOR_MODE: mode },
      )
      const { sources } = simulator.config.defaultResource
      const ofUpstream = mode === 'generate' ? 'forward' : mode
      expect(sources).toEqual([...new Set([mode, ofUpstream, 'record'])])
    },
  )

  it('can belong to any resource, each with its own upstream', async () => {
    const keys = [{ key: 'acme-key' }]
    const { app, asked } = await startGateway(
      { chat: { upstream: 'east' } },
      {},
      { resources: { acme: { keys, deployments: { chat: { upstream: 'west' } } } } },
    )
    const ask = async (prefix: string, key: string) =>
      textOf(
        await app.request(`${prefix}${chatOf('chat')}`, {
          method: 'POST',
          headers: { 'api-key': key, 'content-type': 'application/json' },
          body: JSON.stringify(chat),
        }),
      )
    expect([await ask('', testKey), await ask('/acme', 'acme-key')]).toEqual(['From east', 'From west'])
    expect(asked()).toEqual([1, 1, 0])
  })

  it('is limited before the upstream is asked', async () => {
    const { post, asked } = await startGateway(
      { b: { upstream: 'east', tokensPerMinute: 60 } },
      { SIMULATOR_MODE: 'forward' },
    )
    const long = { messages: [{ role: 'user', content: 'word '.repeat(200) }] }
    expect((await post(chatOf('b'), long)).status).toBe(429)
    expect(asked()).toEqual([0, 0, 0])
  })

  it('is found by a name with another case or a date, and by MODEL_MAP', async () => {
    const { post, asked } = await startGateway(
      { 'gpt-4o': { upstream: 'east' }, 'gpt-35-turbo': { upstream: 'west' }, made: { model: 'gpt-4o' } },
      { MODEL_MAP: 'gpt-5=gpt-4o, claude=made', ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    )
    const names = ['gpt-4o', 'GPT-4o', 'gpt-4o-2024-11-20', 'GPT-4O-20241120', 'gpt-5', 'GPT-5-2025-08-07']
    for (const model of names)
      expect(await textOf(await post('/v1/chat/completions', { ...chat, model }))).toBe('From east')
    expect(await textOf(await post(chatOf('gpt-3.5-turbo'), chat))).toBe('From west')
    for (const model of ['Made', 'claude', 'gpt-4o-2024', 'gpt-4'])
      expect((await post('/v1/chat/completions', { ...chat, model })).status).toBe(404)
    expect(asked()).toEqual([names.length, 1, 0])
  })

  it('has faults and incidents that name it', async () => {
    const faults = [{ probability: 1, fault: 'serverError', deployment: 'b' }]
    const { post, asked } = await startGateway({ b: { upstream: 'east' } }, {}, { faults })
    expect((await post(chatOf('b'), chat)).status).toBe(500)
    expect(asked()).toEqual([0, 0, 0])
  })
})

describe('a request without a forwarded deployment', () => {
  it('gets 400 or 404 if some deployments are forwarded, and no upstream is asked', async () => {
    const { post, asked } = await startGateway(
      { b: { upstream: 'east' } },
      { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false', ...defaultUpstream() },
    )
    expect((await post('/v1/chat/completions', chat)).status).toBe(400)
    expect((await post('/v1/chat/completions', '{"model":')).status).toBe(400)
    expect((await post('/v1/chat/completions', { ...chat, model: 'none' })).status).toBe(404)
    expect((await post(chatOf('none'), chat)).status).toBe(404)
    expect((await post('/openai/files', {})).status).toBe(404)
    expect(asked()).toEqual([0, 0, 0])
  })

  it.each(['forward', 'record'])('is passed on to the default upstream in mode %s', async (mode) => {
    const { post, asked } = await startGateway(
      { b: { upstream: 'east' } },
      { SIMULATOR_MODE: mode, ...defaultUpstream() },
    )
    for (const path of ['/v1/chat/completions', chatOf('none'), '/openai/files'])
      expect((await post(path, chat)).status).toBe(200)
    expect(asked()).toEqual([0, 0, 3])
  })

  it.each(['forward', 'record'])('gets 400 or 404 in mode %s without a default upstream', async (mode) => {
    const { post, app, asked } = await startGateway({ b: { upstream: 'east' } }, { SIMULATOR_MODE: mode })
    expect((await post('/v1/chat/completions', chat)).status).toBe(400)
    expect((await post('/v1/chat/completions', { ...chat, model: 'none' })).status).toBe(404)
    expect((await post(chatOf('none'), chat)).status).toBe(404)
    const files = await app.request('/openai/files', { headers: { 'api-key': testKey } })
    expect([files.status, files.headers.get('content-type')]).toEqual([404, 'application/json'])
    expect((await post(chatOf('b'), chat)).status).toBe(200)
    expect(asked()).toEqual([1, 0, 0])
  })
})

describe('a replayed request without a recording', () => {
  it('is treated as its deployment says, else as REPLAY_ON_MISS says', async () => {
    const { post, asked } = await startGateway(
      {
        error: { upstream: 'east', onMiss: 'error' },
        generated: { upstream: 'east', onMiss: 'generate' },
        forwarded: { upstream: 'east', on_miss: 'forward' },
        other: { upstream: 'west' },
      },
      { SIMULATOR_MODE: 'replay', REPLAY_ON_MISS: 'forward' },
    )
    expect((await post(chatOf('error'), chat)).status).toBe(404)
    expect(await textOf(await post(chatOf('generated'), chat))).not.toContain('From')
    expect(asked()).toEqual([0, 0, 0])
    for (let round = 0; round < 2; round++) {
      expect(await textOf(await post(chatOf('forwarded'), chat))).toBe('From east')
      expect(await textOf(await post(chatOf('other'), chat))).toBe('From west')
    }
    expect(asked()).toEqual([2, 2, 0])
    expect((await post(chatOf('none'), chat)).status).toBe(404)
    expect(readRecordings(place.dir)).toEqual([])
  })
})

describe('api_version: by-model', () => {
  it('follows the model of the deployment, not only its name at the upstream', async () => {
    const upstream = await startUpstream('Hello')
    const { post } = createTestSimulator({
      config: {
        upstreams: { east: { endpoint: upstream.url, key: 'east-key', api_version: 'by-model' } },
        deployments: {
          five: { model: 'gpt-5', upstream: 'east/prod' },
          four: { model: 'gpt-4o', upstream: 'east/prod' },
        },
      },
    })
    for (const name of ['five', 'four']) await post('/v1/chat/completions', { model: name, ...chat })
    expect(upstream.received.map(({ url }) => url.split('?')[1])).toEqual([
      'api-version=2025-04-01-preview',
      'api-version=2024-10-21',
    ])
  })
})

describe('the list of models', () => {
  const ids = async (response: Response): Promise<string[]> => {
    const { data } = (await response.json()) as { data: { id: string; object: string }[] }
    return data.map(({ id }) => id)
  }

  it.each(['/v1/models', '/openai/models?api-version=2024-10-21', '/openai/v1/models'])(
    'of a gateway has its deployments, whatever its upstreams answer: %s',
    async (path) => {
      const { app, asked } = await startGateway(
        { b: { upstream: 'east' }, 'my chat': { model: 'gpt-4o', source: 'generate' } },
        { SIMULATOR_MODE: 'forward', ...defaultUpstream() },
      )
      place.upstream.answer = json({}, 401)
      const headers = { 'api-key': testKey }
      expect(await ids(await app.request(path, { headers }))).toEqual(['b', 'my chat'])
      const one = await app.request(path.replace('/models', '/models/my%20chat'), { headers })
      expect(await one.json()).toMatchObject({ id: 'my chat', object: 'model' })
      expect((await app.request(path.replace('/models', '/models/none'), { headers })).status).toBe(404)
      expect((await app.request(path)).status).toBe(401)
      expect(asked()).toEqual([0, 0, 0])
    },
  )

  it('of a gateway in generate mode has its deployments, and each base model can be read', async () => {
    const { app } = await startGateway({ b: { upstream: 'east/x' }, gen: { model: 'gpt-4o' } })
    const headers = { 'api-key': testKey }
    const get = (path: string) => app.request(path, { headers })
    for (const path of ['/v1/models', '/openai/models?api-version=2024-10-21'])
      expect(await ids(await get(path))).toEqual(['b', 'gen'])
    expect(await (await get('/v1/models/b')).json()).toMatchObject({ id: 'b', object: 'model' })
    expect(await (await get('/v1/models/gpt-4o')).json()).toMatchObject({ object: 'model' })
    expect((await get('/v1/models/none')).status).toBe(404)
  })

  it('without such deployments is that of the upstream, with its failures', async () => {
    const { app, asked } = await startGateway({}, { SIMULATOR_MODE: 'forward', ...defaultUpstream() })
    const ask = () => app.request('/v1/models', { headers: { 'api-key': testKey } })
    place.upstream.answer = json({ error: { code: '401', message: 'denied' } }, 401)
    expect((await ask()).status).toBe(401)
    expect(asked()).toEqual([0, 0, 1])
    await place.upstream.close()
    expect((await ask()).status).toBe(502)
  })
})
