import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, eventsOf, testKey } from '../support/test-simulator.ts'

type Members = Readonly<Record<string, unknown>>

const chatPath = deploymentPath('one', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }]

const simulatorOf = (model: string, wireProfile?: string, more: object = {}) =>
  createTestSimulator({
    deployments: { one: { model, ...(wireProfile !== undefined && { wireProfile }), ...more } },
  })

const respond = async (model: string, wireProfile?: string, body: object = {}): Promise<Members> => {
  const { post } = simulatorOf(model, wireProfile)
  const response = await post('/openai/v1/responses', { model: 'one', input: 'Hello', tools, ...body })
  expect(response.status).toBe(200)
  return (await response.json()) as Members
}

describe('a wire profile', () => {
  it('of a deployment replaces WIRE_PROFILE, which can change at run time', async () => {
    const { post, simulator } = createTestSimulator({
      env: { WIRE_PROFILE: '2026-04' },
      deployments: { one: { model: 'gpt-4o' }, two: { model: 'gpt-4o', wireProfile: '2026-09' } },
    })
    const hasRouting = async (name: string): Promise<boolean> => {
      const response = await post(deploymentPath(name, 'chat/completions'), hello)
      return 'routing' in ((await response.json()) as Members)
    }
    expect([await hasRouting('one'), await hasRouting('two')]).toEqual([false, true])
    await simulator.live.patch({ wire_profile: '2026-09' })
    expect(await hasRouting('one')).toBe(true)
  })
})

describe('members of a response by wire profile', () => {
  const added = ['moderation', 'tool_usage']

  it.each([
    ['2026-04', []],
    ['2026-06', ['moderation']],
    ['2026-07', ['moderation']],
    ['2026-08', added],
    ['2026-09', added],
  ])('%s: adds %j', async (profile, names) => {
    const response = await respond('gpt-5-nano', profile)
    expect(added.filter((name) => name in response)).toEqual(names)
    const keys = Object.keys(response).join(' ')
    const order = [' model moderation output ', ' tool_choice tool_usage tools ']
    expect(order.filter((part) => keys.includes(part))).toHaveLength(names.length)
  })

  it('adds output_schema to functions, cache_write_tokens to the usage and content to reasoning in 2026-08', async () => {
    const { tools: echoed, usage, output } = await respond('gpt-5-nano', '2026-08')
    expect(Object.keys((echoed as Members[])[0] ?? {})).toEqual([
      'type',
      'description',
      'name',
      'output_schema',
      'parameters',
      'strict',
    ])
    expect((usage as Members)['input_tokens_details']).toEqual({ cache_write_tokens: 0, cached_tokens: 0 })
    expect((output as Members[])[0]).toMatchObject({ type: 'reasoning', content: [] })
  })

  it('has none of them in 2026-06', async () => {
    const { tools: echoed, usage, output } = await respond('gpt-5-nano', '2026-06')
    expect((echoed as Members[])[0]).not.toHaveProperty('output_schema')
    expect((usage as Members)['input_tokens_details']).toEqual({ cached_tokens: 0 })
    expect((output as Members[])[0]).not.toHaveProperty('content')
  })

  it.each([
    ['gpt-5-nano', {}, { context: 'current_turn', effort: 'medium', mode: 'standard', summary: null }],
    ['gpt-5.6-luna', {}, { context: 'all_turns', effort: 'medium', mode: 'standard', summary: null }],
    ['gpt-4.1-mini', {}, { context: null, effort: null, summary: null }],
    [
      'gpt-5-nano',
      { reasoning: { context: 'all_turns', effort: 'low', summary: 'auto' } },
      { context: 'all_turns', effort: 'low', mode: 'standard', summary: 'detailed' },
    ],
  ])('returns the reasoning of %s for %j', async (model, body, reasoning) => {
    const response = await respond(model, undefined, body)
    expect(JSON.stringify(response['reasoning'])).toBe(JSON.stringify(reasoning))
  })

  it('keeps the form of a stored response', async () => {
    const { post, app, simulator } = createTestSimulator({ env: { WIRE_PROFILE: '2026-04' } })
    const created = (await (
      await post('/openai/v1/responses', { model: 'gpt-4o', input: 'Hello' })
    ).json()) as Members
    await simulator.live.patch({ wire_profile: '2026-09' })
    const stored = await app.request(`/openai/v1/responses/${String(created['id'])}`, {
      headers: { 'api-key': testKey },
    })
    expect(await stored.json()).toEqual(created)
  })
})

describe('headers by wire profile', () => {
  const names = [
    'azureai-fe-is-streaming',
    'azureai-fe-offer-type',
    'x-ms-aoai-configured-data-retention-days',
    'x-ms-served-model',
  ]
  const headersOf = (response: Response): (string | null)[] => names.map((name) => response.headers.get(name))

  it.each([
    ['2026-04', [null, null, null, null]],
    ['2026-06', ['False', null, null, 'gpt-5-nano-2025-08-07']],
    ['2026-08', ['False', 'paygo', null, 'gpt-5-nano-2025-08-07']],
    ['2026-09', ['False', 'paygo', null, 'gpt-5-nano-2025-08-07']],
  ])('%s: chat has %j', async (profile, expected) => {
    const { post } = simulatorOf('gpt-5-nano', profile)
    expect(headersOf(await post(chatPath, hello))).toEqual(expected)
  })

  it('a response has the days of retention from 2026-08, and no name of the deployment', async () => {
    const { post } = simulatorOf('gpt-5-nano', '2026-08')
    const response = await post('/openai/v1/responses', { model: 'one', input: 'Hello' })
    expect(headersOf(response)).toEqual(['False', 'paygo', '30', 'gpt-5-nano-2025-08-07'])
    expect(response.headers.get('x-ms-deployment-name')).toBeNull()
  })

  it('a stream is marked as one', async () => {
    const { post } = simulatorOf('gpt-5-nano')
    const response = await post(chatPath, { ...hello, stream: true })
    expect(headersOf(response)).toEqual(['True', 'paygo', null, 'gpt-5-nano-2025-08-07'])
    expect(eventsOf(await response.text()).at(-1)).toBe('[DONE]')
  })

  it('an error names no served model', async () => {
    const { post } = simulatorOf('gpt-5-nano')
    const response = await post(chatPath, { messages: [] })
    expect(response.status).toBe(400)
    expect(headersOf(response)).toEqual(['False', 'paygo', null, null])
  })

  it('a provisioned deployment has no offer', async () => {
    const { post } = simulatorOf('gpt-5-mini', undefined, { provisionedThroughputUnits: 50 })
    expect(headersOf(await post(chatPath, hello))[1]).toBeNull()
  })
})
