import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import {
  createExtendedSimulator,
  deploymentPath,
  eventsOf,
  testKey,
  type TestSettings,
  type TestSimulator,
} from '../support/test-simulator.ts'

const folder = 'examples/extensions'
const chatPath = deploymentPath('gpt-4o', 'chat/completions')
const ask = (content: unknown, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })

const started: TestSimulator[] = []
const start = async (example: string, settings: TestSettings = {}): Promise<TestSimulator> => {
  const simulator = await createExtendedSimulator([`${folder}/${example}`], settings)
  started.push(simulator)
  return simulator
}

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const { simulator } of started.splice(0)) await simulator.close()
})

interface Chat {
  readonly choices: {
    readonly message: { readonly content: string }
    readonly finish_reason: string
  }[]
  readonly usage: { readonly completion_tokens: number }
}

/** The text of a streamed chat completion. */
const streamedText = async (response: Response): Promise<string> =>
  eventsOf(await response.text())
    .slice(0, -1)
    .map((event) => (JSON.parse(event) as { choices: { delta?: { content?: string } }[] }).choices[0])
    .map((choice) => choice?.delta?.content ?? '')
    .join('')

describe('examples/extensions/README.md', () => {
  it('lists every example and nothing else', () => {
    const readme = readFileSync(`${folder}/README.md`, 'utf8')
    const linked = [...readme.matchAll(/^- \[[^\]]+\]\(([^)]+)\)/gm)].map(([, name = '']) => name)
    const there = readdirSync(folder).filter((name) => name !== 'README.md')
    expect(linked.toSorted()).toEqual(there.toSorted())
  })
})

describe('echo', () => {
  it('returns what it received, without credentials', async () => {
    const { app } = await start('echo.ts')
    const response = await app.request('/echo/deep?a=1&a=2', {
      method: 'PUT',
      headers: { 'api-key': testKey, authorization: 'Bearer secret', cookie: 'a=b', 'x-mine': '1' },
      body: 'Hellö',
    })
    const { headers, ...rest } = (await response.json()) as { headers: object }
    expect(rest).toEqual({ method: 'PUT', path: '/echo/deep', query: 'a=1&a=2', body: 'Hellö' })
    expect(headers).toMatchObject({ 'x-mine': '1' })
    for (const name of ['api-key', 'authorization', 'cookie']) expect(headers).not.toHaveProperty(name)
  })

  it('requires the key and leaves other paths alone', async () => {
    const { app, post } = await start('echo.ts')
    expect((await app.request('/echo')).status).toBe(401)
    expect((await post('/echoes', {})).status).toBe(404)
    expect((await post(chatPath, ask('Hi'))).status).toBe(200)
  })
})

describe('own-text', () => {
  const text = 'You asked: Grüß dich 🙂'

  it('is the whole chat answer, with correct token counts', async () => {
    const { post } = await start('own-text.ts')
    const chat = (await (await post(chatPath, ask('Grüß dich 🙂'))).json()) as Chat
    expect(chat.choices[0]).toMatchObject({ message: { content: text }, finish_reason: 'stop' })
    expect(chat.usage.completion_tokens).toBe(loadEncoding('o200k_base').count(text))
  })

  it('is streamed with the latency of its tokens', async () => {
    const { post, clock } = await start('own-text.ts', {
      deployments: { slow: { model: 'gpt-4o', latency: { firstToken: 500, perToken: 100 } } },
      env: { LATENCY_TIME_SCALE: '1' },
    })
    const asked = post(deploymentPath('slow', 'chat/completions'), ask('Grüß dich', { stream: true }))
    await clock.advance(500)
    const reading = streamedText(await asked)
    const tokens = loadEncoding('o200k_base').count('You asked: Grüß dich')
    for (let token = 1; token < tokens; token++) await clock.advance(100)
    expect(await reading).toBe('You asked: Grüß dich')
    expect(clock.nowMs()).toBe(500 + (tokens - 1) * 100)
  })

  it('is the answer of legacy completions and responses', async () => {
    const { post } = await start('own-text.ts')
    const path = deploymentPath('gpt-35-turbo-instruct', 'completions')
    const completion = await (await post(path, { prompt: 'Hi', max_tokens: 50 })).json()
    expect(completion).toMatchObject({ choices: [{ text: 'You asked: Hi', finish_reason: 'stop' }] })
    const response = await (await post('/openai/v1/responses', { model: 'gpt-4o', input: 'Hi' })).json()
    expect(response).toMatchObject({ output: [{ content: [{ text: 'You asked: Hi' }] }] })
  })

  it('does not change embeddings', async () => {
    const { post } = await start('own-text.ts')
    const path = deploymentPath('text-embedding-3-small', 'embeddings')
    expect((await post(path, { input: 'Hi' })).status).toBe(200)
  })
})

describe('canned-answers', () => {
  it('chooses by the last message; other prompts get generated text', async () => {
    const { post } = await start('canned-answers.ts')
    const answerTo = async (body: object) => {
      const chat = (await (await post(chatPath, body)).json()) as Chat
      return chat.choices[0]?.message.content
    }
    expect(await answerTo(ask('What is the capital of France?'))).toBe('The capital of France is Paris.')
    expect(await answerTo(ask([{ type: 'text', text: 'Paris as JSON, please' }]))).toContain('"Paris"')
    expect(await streamedText(await post(chatPath, ask('hello', { stream: true })))).toBe(
      'Hello! How can I help you today?',
    )
    const messages = [...ask('hello').messages, ...ask('Tell me more').messages]
    expect(await answerTo({ messages })).toMatch(/^[A-Z][a-z]+/)
    expect(await answerTo({ messages })).not.toMatch(/Hello|Paris/)
  })
})

describe('slow-deployments', () => {
  it('delays each deployment of its table by a random time around the configured one', async () => {
    const { post, clock } = await start('slow-deployments.ts')
    let answered = 0
    const asking = Array.from({ length: 20 }, async () => {
      await post(chatPath, ask('Hi'))
      answered++
    })
    await clock.advance(399)
    expect(answered).toBe(0)
    await clock.advance(400)
    expect(answered).toBeGreaterThan(0)
    expect(answered).toBeLessThan(20)
    await clock.advance(401)
    await Promise.all(asking)
    expect((await post(deploymentPath('gpt-4o-mini', 'chat/completions'), ask('Hi'))).status).toBe(200)
  })
})

describe('tenant-keys', () => {
  it('identifies tenants by their keys, and refuses other keys like the service', async () => {
    vi.stubEnv('TENANT_KEYS', 'red:first-secret, blue:second-secret')
    const { app, post, simulator } = await start('tenant-keys.ts', { env: { JOURNAL_SIZE: '10' } })
    expect((await post(chatPath, ask('Hi'), { 'api-key': 'first-secret' })).status).toBe(200)
    const bearer = { authorization: 'Bearer second-secret', 'content-type': 'application/json' }
    const body = JSON.stringify(ask('Hi'))
    expect((await app.request(chatPath, { method: 'POST', headers: bearer, body })).status).toBe(200)
    expect((await post(chatPath, ask('Hi'))).status).toBe(401)
    const refused = await post(chatPath, ask('Hi'), { 'api-key': 'red' })
    expect(await refused.json()).toMatchObject({ error: { code: '401' } })
    const callers = simulator.ownJournal?.entries().map(({ caller }) => caller)
    expect(callers).toEqual(['red', 'blue', undefined, undefined])
  })

  it.each([undefined, '', 'red', 'red:', 'red:a,blue:a'])(
    'does not start with TENANT_KEYS=%s',
    async (keys) => {
      vi.stubEnv('TENANT_KEYS', keys)
      await expect(start('tenant-keys.ts')).rejects.toThrow('TENANT_KEYS must be a list of name:key')
    },
  )
})

describe('chaos', () => {
  /** The outcomes of 200 streams and 100 whole answers. */
  const outcomes = async (seed: string) => {
    vi.stubEnv('CHAOS_SHARE', '0.3')
    const { post } = await start('chaos.ts', { env: { SIMULATOR_SEED: seed } })
    const found: string[] = []
    for (let index = 0; index < 300; index++) {
      const stream = index < 200
      const response = await post(chatPath, ask('Hi', { stream, max_tokens: 20 }))
      if (response.status === 503) {
        expect(response.headers.get('retry-after')).toBe('2')
        found.push('503')
        continue
      }
      const text = await response.text().catch(() => 'cut')
      const broken =
        stream &&
        text !== 'cut' &&
        eventsOf(text)
          .slice(0, -1)
          .some((event) => !isJson(event))
      found.push(text === 'cut' ? 'cut' : broken ? 'broken' : 'fine')
    }
    return found
  }

  it('affects the configured share, streams in three ways and whole answers in one', async () => {
    const found = await outcomes('a')
    const counts = (list: readonly string[]) =>
      Object.fromEntries(
        ['503', 'cut', 'broken', 'fine'].map((kind) => [kind, list.filter((it) => it === kind).length]),
      )
    const streams = counts(found.slice(0, 200))
    for (const kind of ['503', 'cut', 'broken']) expect(streams[kind]).toBeGreaterThan(10)
    expect(streams['fine']).toBeGreaterThan(120)
    const wholes = counts(found.slice(200))
    expect(wholes).toMatchObject({ cut: 0, broken: 0 })
    expect(wholes['503']).toBeGreaterThan(15)
    expect(wholes['503']).toBeLessThan(45)
  })

  it('affects the same requests for the same seed', async () => {
    expect(await outcomes('a')).toEqual(await outcomes('a'))
    expect(await outcomes('a')).not.toEqual(await outcomes('b'))
  })

  it('does not start with an invalid share', async () => {
    vi.stubEnv('CHAOS_SHARE', '20%')
    await expect(start('chaos.ts')).rejects.toThrow('CHAOS_SHARE must be a number from 0 to 1')
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
