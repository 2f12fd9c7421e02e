import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { createSimulator } from '../../src/index.ts'

type Create = typeof createSimulator

afterEach(() => {
  vi.useRealTimers()
})

/** Requests an answer of 100 + 9 x 10 ms, and advances the virtual clock past its end. */
async function answerOfVirtualClock(create: Create, install: () => void = () => {}): Promise<string> {
  const sim = await create({
    clock: 'virtual',
    latency: { timeScale: 1 },
    deployments: { chat: { model: 'gpt-4o', latency: { firstToken: 100, perToken: 10 } } },
  })
  install()
  const asked = sim.fetch('/openai/v1/chat/completions', {
    method: 'POST',
    headers: { 'api-key': sim.apiKey },
    body: JSON.stringify({
      model: 'chat',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 10,
      stream: true,
    }),
  })
  await sim.clock.advance(60_000)
  const text = await (await asked).text()
  await sim.close()
  return text
}

const fakes: readonly [name: string, install: () => void][] = [
  ['the default list', () => void vi.useFakeTimers()],
  [
    'timeouts and Date alone',
    () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }),
  ],
  ['immediates alone', () => void vi.useFakeTimers({ toFake: ['setImmediate', 'clearImmediate'] })],
  ['shouldAdvanceTime', () => void vi.useFakeTimers({ shouldAdvanceTime: true })],
]

describe.each(fakes)('clock.advance under vi.useFakeTimers with %s', (_name, install) => {
  it('advances a simulator that was created before', async () => {
    const { createSimulator: create } = await import('../../src/index.ts')
    expect(await answerOfVirtualClock(create, install)).toContain('data: [DONE]')
  })

  it('advances a simulator that is created afterwards', async () => {
    const { createSimulator: create } = await import('../../src/index.ts')
    install()
    expect(await answerOfVirtualClock(create)).toContain('data: [DONE]')
  })

  it('advances a simulator from a library that is imported afterwards', async () => {
    vi.resetModules()
    onTestFinished(() => void vi.resetModules())
    install()
    const { createSimulator: create } = await import('../../src/index.ts')
    expect(await answerOfVirtualClock(create)).toContain('data: [DONE]')
  })
})

describe('a simulator with the system clock under fake timers', () => {
  it('answers in real time, in process and on a port', async () => {
    const { createSimulator: create } = await import('../../src/index.ts')
    vi.useFakeTimers()
    const sim = await create({
      latency: { timeScale: 1 },
      deployments: { chat: { model: 'gpt-4o', latency: { firstToken: 20, perToken: 1 } } },
    })
    const ask = async (fetch: typeof globalThis.fetch): Promise<number> => {
      const response = await fetch(`${sim.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'api-key': sim.apiKey, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'chat',
          messages: [{ role: 'user', content: 'Hi' }],
          max_tokens: 5,
        }),
      })
      await response.text()
      return response.status
    }
    expect(await ask(sim.fetch)).toBe(200)
    await sim.listen()
    expect(await ask(fetch)).toBe(200)
    await sim.close()
  })

  it('runs work that takes several event-loop iterations: tokens of long prompts, speech and images', async () => {
    const { createSimulator: create } = await import('../../src/index.ts')
    vi.useFakeTimers()
    const sim = await create()
    const ask = (operation: string, body: object): Promise<Response> =>
      sim.fetch(`/openai/v1/${operation}`, {
        method: 'POST',
        headers: { 'api-key': sim.apiKey },
        body: JSON.stringify(body),
      })
    const content = 'word '.repeat(100_000)
    const long = await ask('chat/completions', { model: 'gpt-4.1', messages: [{ role: 'user', content }] })
    const speech = await ask('audio/speech', { model: 'tts', voice: 'alloy', input: 'Hello' })
    const image = await ask('images/generations', { model: 'gpt-image-1', prompt: 'A dot', n: 2 })
    expect([long.status, speech.status, image.status]).toEqual([200, 200, 200])
    for (const answer of [long, speech, image]) await answer.arrayBuffer()
    await sim.close()
  })
})
