import { AzureOpenAI } from 'openai'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import {
  type Clock,
  createSimulator,
  createVirtualClock,
  defineExtension,
  jsonReply,
  OperatorError,
  type SimulatorHandle,
  type SimulatorOptions,
  type VirtualClock,
} from '../../src/index.ts'

function clientOf(sim: SimulatorHandle, maxRetries = 0): AzureOpenAI {
  const { url: endpoint, apiKey, fetch } = sim
  return new AzureOpenAI({ endpoint, apiKey, apiVersion: '2024-10-21', fetch, maxRetries })
}

const chat = {
  model: 'gpt-4o',
  messages: [{ role: 'user' as const, content: 'Hello' }],
  max_tokens: 5,
}

/** Six requests a minute allow one request in ten seconds. */
const small = { chat: { model: 'gpt-4o', tokensPerMinute: 100_000, requestsPerMinute: 6 } }

describe('createSimulator', () => {
  it('answers the official client without a port: chat whole and streamed, embeddings', async () => {
    await using sim = await createSimulator({ seed: 'library' })
    const client = clientOf(sim)
    const whole = await client.chat.completions.create(chat)
    expect(whole.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 5 })

    const texts: string[] = []
    for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) {
      if (chunk.choices[0]?.delta.content) texts.push(chunk.choices[0].delta.content)
    }
    expect(texts).toHaveLength(5)

    const { data } = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hello' })
    expect(data[0]?.embedding).toHaveLength(1_536)
  })

  it('advances a virtual clock past the limit window: 200, 429, and 200 again', async () => {
    await using sim = await createSimulator({ clock: 'virtual', deployments: small })
    const client = clientOf(sim)
    const request = { ...chat, model: 'chat' }
    await client.chat.completions.create(request)
    await expect(client.chat.completions.create(request)).rejects.toMatchObject({ status: 429 })
    await sim.clock.advance(60_000)
    expect((await client.chat.completions.create(request)).object).toBe('chat.completion')
  })

  it('holds an answer until the virtual clock has passed its due time', async () => {
    await using sim = await createSimulator({
      clock: 'virtual',
      latency: { timeScale: 1, chatCompletions: { perToken: { meanMs: 100, stdDevMs: 0 } } },
    })
    const state = { answered: false }
    const answer = clientOf(sim)
      .chat.completions.create(chat)
      .then((completion) => {
        state.answered = true
        return completion
      })
    await sim.clock.advance(400)
    expect(state.answered).toBe(false)
    await sim.clock.advance(1_000)
    expect((await answer).choices).toHaveLength(1)
  })

  it('sends the chunks of a stream when they are due', async () => {
    await using sim = await createSimulator({
      clock: 'virtual',
      latency: { timeScale: 1, chatCompletions: { perToken: { meanMs: 100, stdDevMs: 0 } } },
    })
    const texts: string[] = []
    const reading = (async () => {
      for await (const chunk of await clientOf(sim).chat.completions.create({ ...chat, stream: true })) {
        if (chunk.choices[0]?.delta.content) texts.push(chunk.choices[0].delta.content)
      }
    })()
    await sim.clock.advance(250)
    const before = texts.length
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(5)
    await sim.clock.advance(1_000)
    await reading
    expect(texts).toHaveLength(5)
  })

  it('returns requests and the retry report when the journal is on', async () => {
    await using sim = await createSimulator({
      clock: 'virtual',
      journal: true,
      faults: [{ probability: 1, fault: 'capacity429' }],
    })
    const client = clientOf(sim)
    await expect(client.chat.completions.create(chat)).rejects.toMatchObject({ status: 429 })
    await sim.clock.advance(5_000)
    await expect(client.chat.completions.create(chat)).rejects.toMatchObject({ status: 429 })
    const [first, second] = sim.requests({ operation: 'chatCompletions' })
    expect(first).toMatchObject({ status: 429, retryAfterMs: 20_000, json: { messages: chat.messages } })
    expect(second).toMatchObject({ retryOf: first?.id, waitedMs: 5_000, early: true })
    expect(sim.retryReport().totals).toMatchObject({ requests: 2, retries: 1 })
  })

  it('says how to enable the journal', async () => {
    await using sim = await createSimulator()
    expect(() => sim.requests()).toThrow(/the journal is off. Create the simulator with \{ journal: true \}/)
    expect(() => sim.retryReport()).toThrow(/journal: true/)
  })

  it('runs several instances in parallel, each with its own key, limits and requests', async () => {
    await using first = await createSimulator({ journal: 10, deployments: small })
    await using second = await createSimulator({ journal: 10, deployments: small })
    const request = { ...chat, model: 'chat' }
    await clientOf(first).chat.completions.create(request)
    await clientOf(second).chat.completions.create(request)
    await expect(clientOf(first).chat.completions.create(request)).rejects.toMatchObject({ status: 429 })
    expect([first.requests().length, second.requests().length]).toEqual([2, 1])
    expect(first.apiKey).not.toBe(second.apiKey)
    const response = await first.fetch('/openai/models?api-version=2024-10-21', {
      headers: { 'api-key': second.apiKey },
    })
    expect(response.status).toBe(401)
  })

  it('changes its configuration at run time, and reset() reverts it', async () => {
    await using sim = await createSimulator({ deployments: small })
    await sim.patch({ region: 'West Europe', openai_deployments: { more: { model: 'gpt-4o-mini' } } })
    expect(sim.config()).toMatchObject({ region: 'West Europe', openai_deployments: { more: {} } })
    const wrong = sim.patch({ regio: 'x', latency: { time_scale: -1 } })
    await expect(wrong).rejects.toBeInstanceOf(OperatorError)
    await expect(wrong).rejects.toThrow(/^Could not change the configuration: 2 problems/)
    expect(sim.config()).toMatchObject({ region: 'West Europe' })
    await sim.reset()
    expect(sim.config()).toMatchObject({ region: 'East US 2' })
    expect(await sim.metrics()).toContain('aoai_requests_total')
  })

  it('reset() clears limit usage', async () => {
    await using sim = await createSimulator({ deployments: small })
    const request = { ...chat, model: 'chat' }
    await clientOf(sim).chat.completions.create(request)
    await sim.reset()
    expect((await clientOf(sim).chat.completions.create(request)).choices).toHaveLength(1)
  })

  it('accepts extensions as objects and as functions of the host', async () => {
    const seen: string[] = []
    await using sim = await createSimulator({
      extensions: [
        defineExtension({
          name: 'teapot',
          generators: [
            ({ path }) => (path === '/teapot' ? jsonReply({ tea: true }, { status: 418 }) : undefined),
          ],
          onClose: () => void seen.push('closed'),
        }),
        ({ config }) => ({ name: `knows-${config.region}`, onStart: () => void seen.push('started') }),
      ],
    })
    const response = await sim.fetch('/teapot', { headers: { 'api-key': sim.apiKey } })
    expect([response.status, await response.json()]).toEqual([418, { tea: true }])
    await sim.close()
    expect(seen).toEqual(['started', 'closed'])
  })

  it('logs problems in one readable line each, and more at level info', async () => {
    const lines: string[] = []
    const write = process.stderr.write.bind(process.stderr)
    process.stderr.write = (line: string | Uint8Array) => lines.push(String(line)) > 0
    onTestFinished(() => void (process.stderr.write = write))
    const nowhere = ({ fetch, apiKey }: SimulatorHandle) =>
      fetch('/nowhere', { headers: { 'api-key': apiKey } })
    await using quiet = await createSimulator()
    await nowhere(quiet)
    await using talkative = await createSimulator({ log: 'info' })
    await nowhere(talkative)
    await using own = await createSimulator({
      log: { debug() {}, info: (_, message) => void lines.push(`own ${message}`), warn() {}, error() {} },
    })
    await nowhere(own)
    expect(lines).toEqual([
      expect.stringMatching(
        /^aoai-sim info: Unknown method and path; .* \{"requestId":"[^"]+","method":"GET","path":"\/nowhere"\}\n$/,
      ),
      expect.stringMatching(/^own Unknown method and path/),
    ])
  })

  it('redacts the key in the log', async () => {
    const lines: string[] = []
    const write = process.stderr.write.bind(process.stderr)
    process.stderr.write = (line: string | Uint8Array) => lines.push(String(line)) > 0
    onTestFinished(() => void (process.stderr.write = write))
    await using sim = await createSimulator({ log: 'info' })
    await sim.fetch(`/${sim.apiKey}/x`, { headers: { 'api-key': sim.apiKey } })
    expect(lines).toEqual([expect.stringContaining('"path":"/[redacted]/x"')])
  })

  it('refuses wrong options and lists all of them', async () => {
    // @ts-expect-error: editors report it as well.
    const mistyped = createSimulator({ sed: 1 })
    await expect(mistyped).rejects.toThrow('1 problem')
    const options: object = {
      sed: 1,
      clock: 'virtul',
      log: 'loud',
      extensions: './mine.ts',
      latency: { timeScale: -1 },
    }
    const creating = createSimulator(options as SimulatorOptions)
    await expect(creating).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(creating).rejects.toThrow(/^Could not start: 5 problems/)
    await expect(creating).rejects.toThrow('sed is not an option. Did you mean seed?')
    await expect(creating).rejects.toThrow('clock must be system or virtual (got "virtul")')
    await expect(creating).rejects.toThrow('extensions must be a list')
  })

  it('closes the extensions that have started when a later one fails to start', async () => {
    const seen: string[] = []
    const creating = createSimulator({
      incidents: { phases: [{ name: 'for-ever' }] },
      extensions: [
        { name: 'first', onClose: () => void seen.push('first closed') },
        {
          name: 'second',
          onStart: () => {
            throw new Error('no luck')
          },
        },
      ],
    })
    await expect(creating).rejects.toThrow(/second.*no luck/)
    expect(seen).toEqual(['first closed'])
  })

  it('has a clock of the type that was chosen', async () => {
    await using virtual = await createSimulator({ clock: 'virtual' })
    await using system = await createSimulator()
    const shared = createVirtualClock()
    await using own = await createSimulator({ clock: shared })
    expect(own.clock).toBe(shared)
    expectTypeOf(virtual.clock).toEqualTypeOf<VirtualClock>()
    expectTypeOf(system.clock).toEqualTypeOf<Clock>()
    expectTypeOf(own.clock).toEqualTypeOf<VirtualClock>()
    expect('advance' in system.clock).toBe(false)
  })
})

describe('the option resources', () => {
  it('answers below the prefix of a resource, with its key, deployments and limits only', async () => {
    await using sim = await createSimulator({
      region: 'West Europe',
      clock: 'virtual',
      resources: {
        acme: { keys: ['k'], region: 'Sweden Central', deployments: small },
        beta: { keys: ['other'], deployments: { chat: { model: 'gpt-4o' } } },
      },
    })
    const ask = async (prefix: string, key: string, model = 'chat') => {
      const response = await sim.fetch(`${sim.url}${prefix}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'api-key': key, 'content-type': 'application/json' },
        body: JSON.stringify({ ...chat, model }),
      })
      return `${response.status} ${response.headers.get('x-ms-region') ?? ''}`
    }
    expect(await ask('/acme', 'k')).toBe('200 Sweden Central')
    expect(await ask('/acme', 'k')).toMatch(/^429/)
    expect(await ask('/beta', 'other')).toBe('200 West Europe')
    for (const key of ['other', sim.apiKey, 'wrong']) expect(await ask('/acme', key)).toMatch(/^401/)
    expect(await ask('', 'k', 'gpt-4o')).toMatch(/^401/)
    expect(await ask('', sim.apiKey, 'gpt-4o')).toBe('200 West Europe')
  })

  it('has types for settings, keys and deployments of a resource', () => {
    type Resource = NonNullable<SimulatorOptions['resources']>[string]
    expectTypeOf<{ keys: ['k']; latency: { timeScale: 2 }; tokens: 'own' }>().toExtend<Resource>()
    expectTypeOf<{ tokens: 'everyone' }>().not.toExtend<Resource>()
    expectTypeOf<{ deployments: { chat: { model: 5 } } }>().not.toExtend<Resource>()
  })
})
