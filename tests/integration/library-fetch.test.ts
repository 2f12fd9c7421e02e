import { describe, expect, it } from 'vitest'
import { createSimulator, type SimulatorHandle, type SimulatorOptions } from '../../src/index.ts'

const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
const slow: SimulatorOptions['latency'] = {
  timeScale: 1,
  chatCompletions: { perToken: { meanMs: 100, stdDevMs: 0 } },
}

function post(sim: SimulatorHandle, body: object = {}, init: RequestInit = {}): Promise<Response> {
  const { headers, ...rest } = init
  return sim.fetch(path, {
    method: 'POST',
    headers: { 'api-key': sim.apiKey, 'content-type': 'application/json', ...(headers as object) },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5, ...body }),
    ...rest,
  })
}

async function inFlight(sim: SimulatorHandle): Promise<number> {
  const line = (await sim.metrics()).split('\n').find((text) => /^aoai_requests_in_flight\b/.test(text))
  return Number(line?.split(' ').at(-1))
}

describe('fetch', () => {
  it('does not use this, and accepts URLs of any host, Request objects and paths', async () => {
    await using sim = await createSimulator()
    const { fetch } = sim
    const health = 'https://my-resource.openai.azure.com/healthz#top'
    const answers = await Promise.all([
      fetch('/healthz'),
      fetch(health),
      fetch(new URL(health)),
      fetch(new Request(health)),
      fetch(`${sim.url}/healthz`, { method: 'HEAD' }),
    ])
    expect(answers.map(({ ok, status, statusText }) => [ok, status, statusText])).toEqual(
      Array.from(answers, () => [true, 200, 'OK']),
    )
    expect(answers.map(({ url }) => url)).toEqual([
      'http://simulator.localhost/healthz',
      ...Array.from({ length: 3 }, () => 'https://my-resource.openai.azure.com/healthz'),
      'http://simulator.localhost/healthz',
    ])
  })

  it('rejects the same arguments as the standard fetch', async () => {
    await using sim = await createSimulator()
    await expect(sim.fetch('no url')).rejects.toBeInstanceOf(TypeError)
    await expect(sim.fetch('/x', { method: 'GET', body: 'x' })).rejects.toBeInstanceOf(TypeError)
  })

  it('sends the headers that a client on a socket sends', async () => {
    await using sim = await createSimulator({ journal: true })
    await sim.fetch('http://any.example:81/openai/models', { headers: { accept: 'text/plain' } })
    expect(sim.requests()[0]?.headers).toMatchObject({
      host: 'any.example:81',
      accept: 'text/plain',
      'user-agent': 'node',
    })
  })

  it('rejects with the abort reason of a signal, and the simulator records that the client left', async () => {
    await using sim = await createSimulator({ clock: 'virtual', latency: slow, journal: true })
    await expect(post(sim, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(sim.requests()).toHaveLength(0)

    const controller = new AbortController()
    const answer = post(sim, {}, { signal: controller.signal })
    await sim.clock.advance(50)
    expect(await inFlight(sim)).toBe(1)
    controller.abort()
    await expect(answer).rejects.toMatchObject({ name: 'AbortError', constructor: DOMException })
    expect(await inFlight(sim)).toBe(0)
    expect(sim.requests()[0]).toMatchObject({ aborted: true })
  })

  it('supports an abort before the request was read', async () => {
    await using sim = await createSimulator({ clock: 'virtual', latency: slow })
    const controller = new AbortController()
    const answer = post(sim, {}, { signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    await expect(answer).rejects.toThrow('changed my mind')
    await sim.clock.advance(0)
    expect(await inFlight(sim)).toBe(0)
  })

  it('aborts a stream when its signal fires', async () => {
    await using sim = await createSimulator({ clock: 'virtual', latency: slow, journal: true })
    const controller = new AbortController()
    const answer = post(sim, { stream: true }, { signal: controller.signal })
    await sim.clock.advance(150)
    const reader = (await answer).body!.getReader()
    expect((await reader.read()).done).toBe(false)
    const next = reader.read()
    controller.abort()
    await expect(next).rejects.toMatchObject({ name: 'AbortError' })
    expect(sim.requests()[0]).toMatchObject({ aborted: true })
    expect(await inFlight(sim)).toBe(0)
  })

  it('supports a reader that cancels a stream', async () => {
    await using sim = await createSimulator({ journal: true })
    const reader = (await post(sim, { stream: true })).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(sim.requests()[0]).toMatchObject({ status: 200, streamed: true })
    expect(await inFlight(sim)).toBe(0)
  })

  it('rejects with TypeError "fetch failed" when the connection is cut before the answer', async () => {
    await using sim = await createSimulator({ faults: [{ probability: 1, fault: 'cutBeforeHeaders' }] })
    await expect(post(sim)).rejects.toMatchObject({
      constructor: TypeError,
      message: 'fetch failed',
      cause: { code: 'ECONNRESET' },
    })
  })

  it('rejects with TypeError "fetch failed" when the body of the request fails, like the standard fetch', async () => {
    await using sim = await createSimulator()
    const sent = (give: (controller: ReadableStreamDefaultController<unknown>) => void): Promise<Response> =>
      post(
        sim,
        {},
        { body: new ReadableStream({ start: give }) as ReadableStream<Uint8Array>, duplex: 'half' },
      )
    const failure = new Error('The file is gone.')
    const failing = await sent((controller) => controller.error(failure)).catch((error: unknown) => error)
    expect(failing).toBeInstanceOf(TypeError)
    expect(failing).toMatchObject({ message: 'fetch failed', cause: failure })
    const cause = { message: 'A chunk must be a Uint8Array or a string.' }
    for (const chunk of [5, null, new ArrayBuffer(2)]) {
      const refused = sent((controller) => {
        controller.enqueue(chunk)
        controller.close()
      })
      await expect(refused).rejects.toMatchObject({ name: 'TypeError', message: 'fetch failed', cause })
    }
    const texts = await sent((controller) => {
      for (const text of ['{"messages":', '[{"role":"user","content":"é"}]}']) controller.enqueue(text)
      controller.close()
    })
    expect(texts.status).toBe(200)
    await texts.text()
    expect(await inFlight(sim)).toBe(0)
  })

  it('breaks the body with TypeError "terminated" when the connection is cut during the body', async () => {
    await using sim = await createSimulator()
    const cut = await post(sim, {}, { headers: { 'x-sim-fault': 'cut' } })
    expect(cut.status).toBe(200)
    await expect(cut.text()).rejects.toMatchObject({
      constructor: TypeError,
      message: 'terminated',
      cause: { code: 'ECONNRESET' },
    })
    const truncated = await post(sim, {}, { headers: { 'x-sim-fault': 'truncate' } })
    await expect(truncated.text()).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } })
  })
})

describe('close', () => {
  it('waits for answers that a client is waiting for or reading', async () => {
    const sim = await createSimulator({ clock: 'virtual', latency: slow })
    const [whole, streamed] = [post(sim), post(sim, { stream: true })]
    // The stream has its first token, and the whole answer is not due yet.
    await sim.clock.advance(150)
    const reader = (await streamed).body!.getReader()
    await reader.read()
    let isClosed = false
    const closing = sim.close().then(() => (isClosed = true))
    await sim.clock.advance(50)
    expect(isClosed).toBe(false)
    await sim.clock.advance(1_000)
    expect(await (await whole).json()).toMatchObject({ object: 'chat.completion' })
    let last = await reader.read()
    while (!last.done) last = await reader.read()
    await closing
  })

  it('aborts answers after the grace period, and immediately those that are not being read', async () => {
    const sim = await createSimulator({ clock: 'virtual', latency: slow, shutdownGraceSeconds: 0 })
    const answer = post(sim).catch((error: unknown) => error)
    await sim.clock.advance(1)
    await sim.close()
    expect(await answer).toMatchObject({
      message: 'fetch failed',
      cause: { message: 'The simulator is closed.' },
    })

    const patient = await createSimulator({ shutdownGraceSeconds: 60 })
    const unread = await post(patient, { stream: true })
    await patient.close()
    await expect(unread.text()).rejects.toThrow('terminated')
  })

  it('can be called twice, and refuses later requests', async () => {
    const sim = await createSimulator()
    await Promise.all([sim.close(), sim.close()])
    await expect(sim.fetch('/healthz')).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { message: 'The simulator is closed.' },
    })
    await expect(sim.listen()).rejects.toThrow('Could not listen: the simulator is closed.')
  })
})
