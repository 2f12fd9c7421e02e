import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createSimulator, OperatorError } from '../../src/index.ts'
import { recordingFolder } from '../support/recording-folder.ts'
import { freePort } from '../support/free-port.ts'

/** Number of active resources of a kind. They keep the process from exiting. */
function handles(kind: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === kind).length
}

const chat = {
  method: 'POST',
  body: '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":5}',
}
const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'

describe('listen', () => {
  it('opens a port on loopback and sets url', async () => {
    await using sim = await createSimulator()
    expect(sim.url).toBe('http://simulator.localhost')
    const { url } = await sim.listen()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(sim.url).toBe(url)
    const headers = { 'api-key': sim.apiKey }
    expect((await fetch(url + path, { ...chat, headers })).status).toBe(200)
    expect((await sim.fetch(url + path, { ...chat, headers })).status).toBe(200)
  })

  it('refuses a second port and names the first', async () => {
    await using sim = await createSimulator()
    const { url } = await sim.listen()
    await expect(sim.listen()).rejects.toThrow(`Could not listen: the simulator listens already on ${url}.`)
  })

  it('can be called again after a port was in use', async () => {
    await using first = await createSimulator()
    const port = Number(new URL((await first.listen()).url).port)
    await using second = await createSimulator()
    await expect(second.listen({ port })).rejects.toBeInstanceOf(OperatorError)
    expect((await second.listen({ port: 0, host: 'localhost' })).url).toMatch(/^http:\/\/localhost:\d+$/)
  })
})

describe('a simulator', () => {
  it('opens no port, and leaves no timer or signal handler, unless it listens', async () => {
    const before = { servers: handles('TCPServerWrap'), signals: process.listenerCount('SIGTERM') }
    const sim = await createSimulator({ journal: true })
    await sim.fetch(path, { ...chat, headers: { 'api-key': sim.apiKey } })
    expect({ servers: handles('TCPServerWrap'), signals: process.listenerCount('SIGTERM') }).toEqual(before)
    await sim.close()
  })

  it('refuses connections once it is closed', async () => {
    const sim = await createSimulator()
    const { url } = await sim.listen({ port: await freePort() })
    await (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).text()
    await sim.close()
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
  })

  it('replays a folder that it recorded, and close() fails for unused recordings in strict mode', async () => {
    const dir = recordingFolder({})
    await using upstream = await createSimulator({ seed: 'upstream' })
    const { url: endpoint } = await upstream.listen()
    const recordings = { dir, autosave: false }
    const recorder = await createSimulator({
      mode: 'record',
      recordings,
      upstream: { endpoint, key: upstream.apiKey },
    })
    const ask = (sim: typeof recorder) => sim.fetch(path, { ...chat, headers: { 'api-key': sim.apiKey } })
    const recorded = await (await ask(recorder)).text()
    expect(existsSync(join(dir, 'openai_deployments_gpt-4o_chat_completions.yaml'))).toBe(false)
    await recorder.close()

    const replay = () => createSimulator({ mode: 'replay', recordings: { dir, replay: { strict: true } } })
    const used = await replay()
    expect(await (await ask(used)).text()).toBe(recorded)
    await used.close()
    const unused = await replay()
    await expect(unused.close()).rejects.toMatchObject({ code: 'RECORDINGS_UNUSED' })
  })
})
