import { get, type IncomingMessage, request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { AzureOpenAI } from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chatEvents, eventStream, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts'
import {
  createRecordingSimulator,
  readRecordings,
  recordingFiles,
  temporaryFolder,
} from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }], stream: true }

let upstream: FakeUpstream
let folder: ReturnType<typeof temporaryFolder>
const closers: (() => unknown)[] = []

beforeEach(async () => {
  upstream = await startFakeUpstream()
  folder = temporaryFolder()
})

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
  await upstream.close()
  folder.remove()
})

const start = async (env: Record<string, string> = {}) => {
  const made = createRecordingSimulator(upstream.url, folder.dir, env)
  closers.push(() => made.simulator.mode.recorder?.close())
  const listener = await made.listen()
  closers.push(() => listener.close(0))
  return { ...made, url: listener.url }
}

const streamFrom = (url: string) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'api-key': testKey, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })

describe('streams in record mode', () => {
  it('are passed on as they arrive, and recorded event by event with the time of each', async () => {
    upstream.answer = eventStream(chatEvents(['a', 'b']), 80)
    const { url } = await start()
    const response = await streamFrom(url)
    const arrivals: number[] = []
    let text = ''
    for await (const chunk of response.body!) {
      arrivals.push(performance.now())
      text += Buffer.from(chunk).toString()
    }
    expect(text).toBe(chatEvents(['a', 'b']).join(''))
    expect(arrivals.at(-1)! - arrivals[0]!).toBeGreaterThan(180)

    const [stored] = readRecordings(folder.dir)
    const events = stored?.response.body.events ?? []
    expect(events.map(({ data }) => `data: ${data}\n\n`)).toEqual(chatEvents(['a', 'b']))
    const gaps = events.slice(1).map(({ at_ms: atMs }, index) => atMs - events[index]!.at_ms)
    expect(Math.min(...gaps)).toBeGreaterThan(50)
  })

  it('keep events that straddle packets, comments, other line ends and what is no event', async () => {
    const whole = Buffer.from(': hello\n\ndata: {"a":"🎉"}\r\n\r\nevent: x\ndata: 1\n\ndata: [DONE]\n\nrest')
    upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < whole.length; at += 7) {
        response.write(whole.subarray(at, at + 7))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      response.end()
    }
    const { url } = await start()
    expect(Buffer.from(await (await streamFrom(url)).arrayBuffer()).equals(whole)).toBe(true)
    const events = readRecordings(folder.dir)[0]?.response.body.events ?? []
    expect(events.map(({ raw, event, data }) => raw ?? [event, data])).toEqual([
      ': hello\n\n',
      'data: {"a":"🎉"}\r\n\r\n',
      ['x', '1'],
      [undefined, '[DONE]'],
      'rest',
    ])
  })

  it('abort the upstream call when the client leaves, and are then not stored', async () => {
    upstream.answer = eventStream(chatEvents(Array.from({ length: 500 }, () => 'x')), 10)
    const { url } = await start()
    const client = new AzureOpenAI({ endpoint: url, apiKey: testKey, apiVersion: '2024-10-21' })
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    })
    for await (const _ of stream) break
    const { left } = upstream.received[0]!
    if (!left.aborted) await once(left, 'abort')
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(recordingFiles(folder.dir)).toEqual([])
  })

  it('are stored when the client leaves after the last event', async () => {
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a']).join(''))
    }
    const { url } = await start()
    const response = await streamFrom(url)
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => recordingFiles(folder.dir).length).toBe(1)
    await expect.poll(() => readRecordings(folder.dir).length).toBe(1)
  })

  it('abort a whole answer, too, when its client leaves while the upstream thinks', async () => {
    upstream.answer = () => {}
    const { url } = await start()
    const leaving = httpRequest(url + path, { method: 'POST', headers: { 'api-key': testKey } })
    leaving.on('error', () => {})
    leaving.end('{}')
    await expect.poll(() => upstream.received.length).toBe(1)
    leaving.destroy()
    const { left } = upstream.received[0]!
    if (!left.aborted) await once(left, 'abort')
  })

  it('are read from the upstream no faster than the client reads', async () => {
    let sent = 0
    const event = `data: ${'x'.repeat(64 * 1024)}\n\n`
    upstream.answer = async ({ left }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      while (sent < 1_000 && !left.aborted) {
        sent++
        if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve))
      }
      response.end()
    }
    const { url } = await start()
    const response = await new Promise<IncomingMessage>((resolve) => {
      get(url + path, { headers: { 'api-key': testKey } }, resolve)
    })
    response.pause()
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = sent === before
          before = sent
          return isStill
        },
        { interval: 150, timeout: 5_000 },
      )
      .toBe(true)
    expect(sent).toBeLessThan(900)
    response.destroy()
  })

  it('that break are cut, say so in a last event, and are not stored', async () => {
    upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0], () => response.destroy())
    }
    const { url, log } = await start()
    const response = await streamFrom(url)
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow('terminated')
    expect(text).toContain('data: {"error":{"code":"UpstreamBroken"')
    expect(recordingFiles(folder.dir)).toEqual([])
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  it('with an error event are stored only when asked to', async () => {
    upstream.answer = eventStream(['data: {"error":{"code":"429","message":"slow"}}\n\n', 'data: [DONE]\n\n'])
    const { url } = await start()
    await (await streamFrom(url)).text()
    expect(recordingFiles(folder.dir)).toEqual([])
    const other = await start({ RECORDING_ERRORS: 'true' })
    await (await streamFrom(other.url)).text()
    expect(readRecordings(folder.dir)).toHaveLength(1)
  })

  it('come through a request in the same process likewise', async () => {
    upstream.answer = eventStream(chatEvents(['a', 'b']))
    const { post } = await start()
    expect(await (await post(path, request)).text()).toBe(chatEvents(['a', 'b']).join(''))
    expect(readRecordings(folder.dir)).toHaveLength(1)
  })
})
