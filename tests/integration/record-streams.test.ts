import { get, type IncomingMessage, request as httpRequest } from 'node:http'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { AzureOpenAI } from 'openai'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSimulator } from '../../src/server/create-simulator.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { chatEvents, eventStream } from '../support/fake-upstream.ts'
import {
  readRecordings,
  recordingFiles,
  recordingPlace,
  startRecording,
} from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }], stream: true }

const place = recordingPlace()
const start = (env: Record<string, string> = {}) => startRecording(place, createSystemClock(), env)

const streamFrom = (url: string, at = path) =>
  fetch(url + at, {
    method: 'POST',
    headers: { 'api-key': testKey, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })

describe('streams in record mode', () => {
  it('are forwarded as they arrive, and recorded with the time of each event', async () => {
    const expected = chatEvents(['a', 'b'])
    let text = ''
    // The upstream sends the next event 60 ms after the client has received all previous events.
    place.upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const [index, event] of expected.entries()) {
        await expect.poll(() => text).toBe(expected.slice(0, index).join(''))
        if (index > 0) await new Promise((resolve) => setTimeout(resolve, 60))
        response.write(event)
      }
      response.end()
    }
    const url = await start().listen()
    const response = await streamFrom(url)
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    expect(text).toBe(expected.join(''))

    const [stored] = readRecordings(place.dir)
    const events = stored?.response.body.events ?? []
    expect(events.map(({ data }) => `data: ${data}\n\n`)).toEqual(expected)
    const gaps = events.slice(1).map(({ at_ms: atMs }, index) => atMs - events[index]!.at_ms)
    expect(Math.min(...gaps)).toBeGreaterThan(50)
  })

  it('keep events across packets, comments, other line ends and bytes that are not events', async () => {
    const whole = Buffer.from(': hello\n\ndata: {"a":"🎉"}\r\n\r\nevent: x\ndata: 1\n\ndata: [DONE]\n\nrest')
    place.upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < whole.length; at += 7) {
        response.write(whole.subarray(at, at + 7))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      response.end()
    }
    const url = await start().listen()
    expect(Buffer.from(await (await streamFrom(url)).arrayBuffer()).equals(whole)).toBe(true)
    const events = readRecordings(place.dir)[0]?.response.body.events ?? []
    expect(events.map(({ raw, event, data }) => raw ?? [event, data])).toEqual([
      ': hello\n\n',
      'data: {"a":"🎉"}\r\n\r\n',
      ['x', '1'],
      [undefined, '[DONE]'],
      'rest',
    ])
  })

  it('cancel the upstream request when the client leaves, and are not stored', async () => {
    place.upstream.answer = eventStream(chatEvents(Array.from({ length: 500 }, () => 'x')), 10)
    const url = await start().listen()
    const client = new AzureOpenAI({ endpoint: url, apiKey: testKey, apiVersion: '2024-10-21' })
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    })
    for await (const _ of stream) break
    const { left } = place.upstream.received[0]!
    if (!left.aborted) await once(left, 'abort')
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it.each(['plain', 'gzip'])(
    'of JSON with unknown length (%s) are forwarded as they arrive above 8 MB',
    async (coding) => {
      let got = 0
      const piece = randomBytes(512 * 1024).toString('base64')
      place.upstream.answer = async (_, response) => {
        const headers = {
          'content-type': 'application/json',
          ...(coding === 'gzip' && { 'content-encoding': 'gzip' }),
        }
        response.writeHead(200, headers)
        const body = coding === 'gzip' ? createGzip() : new PassThrough()
        body.pipe(response)
        body.write('"')
        for (let sent = 0; sent < 9 * 1024 * 1024; sent += piece.length) body.write(piece)
        if (body instanceof PassThrough) body.write(piece)
        else body.flush()
        // The upstream sends the end only after the client has received the start.
        await expect.poll(() => got).toBeGreaterThan(8 * 1024 * 1024)
        body.end('"')
      }
      const url = await start().listen()
      const response = await streamFrom(url)
      for await (const chunk of response.body!) got += chunk.length
      expect(response.headers.get('content-length')).toBe(null)
      expect(got).toBeGreaterThan(9 * 1024 * 1024)
      const [stored] = readRecordings(place.dir)
      expect(String(stored?.response.body.string)).toHaveLength(got)
    },
  )

  it('of JSON with unknown length cancel the upstream request when the client leaves', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x')
    place.upstream.answer = async ({ left }, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const chunks = function* () {
        while (!left.aborted) yield piece
      }
      await pipeline(Readable.from(chunks()), response).catch(() => {})
    }
    const url = await start().listen()
    const response = await streamFrom(url)
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => place.upstream.received[0]?.left.aborted).toBe(true)
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('are stored if the client leaves after the last event', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a']).join(''))
    }
    const url = await start().listen()
    const response = await streamFrom(url)
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => recordingFiles(place.dir).length).toBe(1)
    await expect.poll(() => readRecordings(place.dir).length).toBe(1)
  })

  it('and whole answers cancel the upstream request when the client leaves', async () => {
    place.upstream.answer = () => {}
    const url = await start().listen()
    const leaving = httpRequest(url + path, { method: 'POST', headers: { 'api-key': testKey } })
    leaving.on('error', () => {})
    leaving.end('{}')
    await expect.poll(() => place.upstream.received.length).toBe(1)
    leaving.destroy()
    const { left } = place.upstream.received[0]!
    if (!left.aborted) await once(left, 'abort')
  })

  it('are read from the upstream only as fast as the client reads', async () => {
    let sent = 0
    const event = `data: ${'x'.repeat(64 * 1024)}\n\n`
    place.upstream.answer = async ({ left }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      while (sent < 1_000 && !left.aborted) {
        sent++
        if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve))
      }
      response.end()
    }
    const url = await start().listen()
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
        { interval: 150 },
      )
      .toBe(true)
    expect(sent).toBeLessThan(900)
    response.destroy()
  })

  it('that break are cut, end with an error event, and are not stored', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0], () => response.destroy())
    }
    const { log, listen } = start()
    const url = await listen()
    const response = await streamFrom(url)
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow('terminated')
    expect(text).toContain('data: {"error":{"code":"UpstreamBroken"')
    expect(recordingFiles(place.dir)).toEqual([])
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  it('of the Responses API that break end with an error event of that API and a failed response, with the next sequence numbers', async () => {
    const created =
      'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","status":"in_progress","error":null},"sequence_number":0}\n\n'
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`: hello\n\n${created}`, () => response.destroy())
    }
    const response = await streamFrom(await start().listen(), '/openai/v1/responses')
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow('terminated')
    const [error, failed] = text
      .split('\n\n')
      .slice(2, -1)
      .map((event) => JSON.parse(event.split('data: ')[1] ?? '') as object)
    expect(error).toMatchObject({ type: 'error', error: { code: 'UpstreamBroken' }, sequence_number: 1 })
    expect(failed).toMatchObject({
      type: 'response.failed',
      response: { id: 'resp_1', status: 'failed', error: { code: 'UpstreamBroken' } },
      sequence_number: 2,
    })
  })

  it('that break within an event end with an error event instead of the incomplete one', async () => {
    const half = 'data: {"choices":[{"del'
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0] + half, () => response.destroy())
    }
    const response = await streamFrom(await start().listen())
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow('terminated')
    expect(text).not.toContain(half)
    expect(text.slice(chatEvents(['a'])[0]?.length)).toMatch(
      /^data: \{"error":\{"code":"UpstreamBroken".*\}\n\n$/,
    )
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('with a connection that breaks after the last event are complete: stored, without an error event or a warning', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a']).join(''), () => response.socket?.resetAndDestroy())
    }
    const { log, listen } = start()
    expect(await (await streamFrom(await listen())).text()).toBe(chatEvents(['a']).join(''))
    expect(readRecordings(place.dir)).toHaveLength(1)
    expect(log.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it.each([
    ['POST', 200],
    ['POST', 204],
    ['POST', 500],
    ['HEAD', 200],
  ])('without any event are recorded and can be replayed: %s %d', async (method, status) => {
    place.upstream.answer = (_, response) => {
      response.writeHead(status, { 'content-type': 'text/event-stream' }).end()
    }
    const url = await start({ RECORDING_ERRORS: 'true' }).listen()
    const asked = { method, headers: { 'api-key': testKey } }
    const recorded = await fetch(url + path, asked)
    expect([recorded.status, await recorded.text()]).toEqual([status, ''])
    const replay = await createSimulator({
      mode: 'replay',
      apiKey: testKey,
      recordings: { dir: place.dir },
      log: 'silent',
    })
    onTestFinished(() => replay.close())
    const replayed = await replay.fetch(path, asked)
    expect([replayed.status, await replayed.text()]).toEqual([status, ''])
  })

  it('with an error event are stored only with RECORDING_ERRORS', async () => {
    place.upstream.answer = eventStream([
      'data: {"error":{"code":"429","message":"slow"}}\n\n',
      'data: [DONE]\n\n',
    ])
    const url = await start().listen()
    await (await streamFrom(url)).text()
    expect(recordingFiles(place.dir)).toEqual([])
    const other = await start({ RECORDING_ERRORS: 'true' }).listen()
    await (await streamFrom(other)).text()
    expect(readRecordings(place.dir)).toHaveLength(1)
  })

  it('work for in-process requests', async () => {
    place.upstream.answer = eventStream(chatEvents(['a', 'b']))
    const { post } = start()
    expect(await (await post(path, request)).text()).toBe(chatEvents(['a', 'b']).join(''))
    expect(readRecordings(place.dir)).toHaveLength(1)
  })
})
