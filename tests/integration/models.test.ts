import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const { app } = createTestSimulator()
const get = async (path: string, from = app): Promise<Response> =>
  from.request(path, { headers: { 'api-key': testKey } })

const listPaths = ['/openai/models?api-version=2024-10-21', '/openai/v1/models', '/v1/models']

const gpt4o =
  '{"status":"succeeded","capabilities":{"fine_tune":false,"inference":true,"completion":false,"chat_completion":true,"embeddings":false},"lifecycle_status":"generally-available","deprecation":{"inference":1779235200},"id":"gpt-4o-2024-11-20","created_at":1731974400,"object":"model"}'

describe('GET models', () => {
  it.each(listPaths)(
    'lists every version of the base models under %s, in the bytes of the service',
    async (path) => {
      const response = await get(path)
      const body = await response.text()
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(response.headers.get('apim-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(body).toMatch(/^\{"data":\[\{"status":"succeeded",.*\}\],"object":"list"\}$/)
      expect(body).toContain(gpt4o)
      const { data } = JSON.parse(body) as { data: { id: string; created_at: number }[] }
      expect(data.length).toBeGreaterThan(80)
      expect(new Set(data.map(({ id }) => id)).size).toBe(data.length)
      expect(data.filter(({ created_at: at }) => !Number.isInteger(at))).toEqual([])
    },
  )

  it('needs the key', async () => {
    expect((await app.request('/v1/models')).status).toBe(401)
  })
})

describe('GET models/{id}', () => {
  it.each([
    '/openai/models/gpt-4o-2024-11-20?api-version=2024-10-21',
    '/openai/v1/models/gpt-4o',
    '/v1/models/GPT-4o',
  ])('returns a base model: %s', async (path) => {
    expect(await (await get(path)).text()).toBe(gpt4o)
  })

  it('answers an unknown model with 404 in the error envelope of the service', async () => {
    const response = await get('/openai/v1/models/gpt-%22none%22')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: { code: 'notFound', message: `The model 'gpt-"none"' does not exist.` },
    })
  })
})

describe('an unknown model', () => {
  it.each(['gpt-7', 'gpt-6-mini', 'gpt-9-codex', 'o9', 'llama-3', 'mistral-large'])(
    'does not prevent the start, also with units: %s',
    (model) => {
      const simulator = createTestSimulator({
        deployments: { chat: { model, provisionedThroughputUnits: 15 } },
      })
      const warnings = simulator.log.filter(({ message }) =>
        message.includes('is unknown: the simulator treats'),
      )
      expect(warnings).toHaveLength(1)
    },
  )

  it('has the capabilities of the nearest family', async () => {
    const simulator = createTestSimulator({ deployments: { chat: { model: 'gpt-7' } } })
    const response = await simulator.post(deploymentPath('chat', 'chat/completions'), {
      messages: [{ role: 'user', content: 'hello' }],
      stop: 'x',
    })
    expect(await response.json()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'stop' } })
  })
})

describe('a model file', () => {
  const models = { 'my-model': { contextTokens: 500, maxOutputTokens: 100, operations: ['chatCompletions'] } }

  it('adds models to deployments, to the list, and to the models that a deployment name can contain', async () => {
    const deployments = { mine: { model: 'my-model' } }
    const simulator = createTestSimulator({ models, deployments })
    expect(await (await get('/v1/models', simulator.app)).text()).toContain('"id":"my-model"')
    for (const name of ['mine', 'team-my-model-1']) {
      const messages = [{ role: 'user', content: 'hello' }]
      const response = await simulator.post(deploymentPath(name, 'chat/completions'), {
        messages,
        max_tokens: 3,
      })
      expect(await response.json()).toMatchObject({ model: 'my-model' })
    }
  })

  it('changes what a model accepts', async () => {
    const changes = { capabilities: { toolsWithReasoning: 'accepted', parameters: { seed: 'unsupported' } } }
    const simulator = createTestSimulator({ models: { 'gpt-5.6-sol': changes } })
    const tools = [
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
    ]
    const messages = [{ role: 'user', content: 'hello' }]
    const path = deploymentPath('gpt-5.6-sol', 'chat/completions')
    expect((await simulator.post(path, { messages, tools })).status).toBe(200)
    expect(await (await simulator.post(path, { messages, seed: 1 })).json()).toMatchObject({
      error: { message: "Unsupported parameter: 'seed' is not supported with this model." },
    })
  })

  it('prevents the start if it is invalid, and its problems are listed with those of the deployments', () => {
    const start = () =>
      createTestSimulator({
        models: { x: {} },
        deployments: { mine: { model: 'my-modle' } },
        env: { MODELS_STRICT: 'true' },
      })
    expect(start).toThrow(/2 problems[^]*"x" is a new model[^]*"mine"\.model must be a known model/)
  })
})
