import { gzipSync } from 'node:zlib'
import { createConnection, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/server/listen.ts'
import { chatCompletion, eventStream, json } from '../support/fake-upstream.ts'
import { readRecordings, recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import {
  createTestSimulator,
  deploymentPath,
  eventsOf,
  testKey,
  type TestSettings,
} from '../support/test-simulator.ts'

const place = recordingPlace()

/** A gateway with a deployment that asks its upstream with the Responses API, and one with chat completions. */
function start({ env, deployments, ...settings }: TestSettings = {}, entry: object = {}) {
  return createTestSimulator({
    ...settings,
    deployments: {
      viaResponses: { upstream: 'default/gpt-east', form: 'responses', ...entry },
      viaChat: { upstream: 'default/gpt-east', form: 'chat', ...entry },
      ...deployments,
    },
    env: {
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: upstreamKey,
      RECORDING_DIR: place.dir,
      ...env,
    },
  })
}

async function listening(gateway: ReturnType<typeof start>): Promise<string> {
  const listener = await listen(gateway.app, '127.0.0.1', 0)
  onTestFinished(() => listener.close(0))
  return listener.url
}

const chatPath = (deployment: string): string => deploymentPath(deployment, 'chat/completions')
const chat = { messages: [{ role: 'user', content: 'Hello' }] }
const streamed = { ...chat, stream: true }

const started = {
  id: 'resp_1',
  object: 'response',
  created_at: 7,
  model: 'gpt-x',
  status: 'in_progress',
  output: [],
}
const usage = { input_tokens: 10, output_tokens: 6, total_tokens: 16 }
const responseEvents = (texts: readonly string[]): string[] =>
  [
    { type: 'response.created', response: started },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { id: 'msg_1', type: 'message', role: 'assistant', content: [] },
    },
    ...texts.map((delta) => ({
      type: 'response.output_text.delta',
      output_index: 0,
      content_index: 0,
      item_id: 'msg_1',
      delta,
    })),
    { type: 'response.completed', response: { ...started, status: 'completed', usage } },
  ].map(
    (event, index) =>
      `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`,
  )

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[]
}

const textOf = (stream: string): string =>
  eventsOf(stream)
    .filter((data) => data !== '[DONE]')
    .map((data) => (JSON.parse(data) as Chunk).choices?.[0]?.delta?.content ?? '')
    .join('')

describe('a deployment that asks its upstream with another API', () => {
  it('sends the converted request to the path of that API, with the name and the credential of the upstream', async () => {
    place.upstream.answer = eventStream(responseEvents(['Hi']))
    const { post } = start()
    expect(textOf(await (await post(chatPath('viaResponses'), streamed)).text())).toBe('Hi')
    const [{ url, headers, body } = { url: '', headers: {}, body: '' }] = place.upstream.received
    expect(url).toBe('/openai/v1/responses')
    expect(headers).toMatchObject({ 'api-key': upstreamKey, 'content-type': 'application/json' })
    expect(JSON.parse(String(body))).toMatchObject({ model: 'gpt-east', stream: true })
  })

  it('records the answer in the form of the client, and replays it', async () => {
    const { post, simulator } = start({}, { source: 'record' })
    const answers: string[] = []
    place.upstream.answer = eventStream(responseEvents(['Grüß', ' 日本']))
    answers.push(await (await post(chatPath('viaResponses'), streamed)).text())
    place.upstream.answer = json({
      ...started,
      status: 'completed',
      output: [{ id: 'msg_1', type: 'message', content: [{ type: 'output_text', text: 'Whole' }] }],
      usage,
    })
    answers.push(await (await post(chatPath('viaResponses'), chat)).text())
    expect(textOf(answers[0] ?? '')).toBe('Grüß 日本')
    expect(JSON.parse(answers[1] ?? '')).toMatchObject({ choices: [{ message: { content: 'Whole' } }] })

    const recordings = readRecordings(place.dir)
    expect(recordings.map(({ request }) => new URL(request.uri).pathname)).toEqual(
      Array(2).fill('/openai/deployments/viaResponses/chat/completions'),
    )
    expect(JSON.parse(String(recordings[0]?.request.body))).toEqual(streamed)
    expect(recordings[0]?.response.body.events?.at(-1)?.data).toBe('[DONE]')

    await simulator.live.patch({ openai_deployments: { viaResponses: { source: 'replay' } } })
    expect(await (await post(chatPath('viaResponses'), streamed)).text()).toBe(answers[0])
    expect(await (await post(chatPath('viaResponses'), chat)).text()).toBe(answers[1])
    expect(place.upstream.received).toHaveLength(2)
  })

  it('does not record an answer that it cannot convert', async () => {
    place.upstream.answer = (_, response) => void response.end('<html></html>')
    const response = await start({}, { source: 'record' }).post(chatPath('viaResponses'), chat)
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'UpstreamAnswerInvalid' } })
    expect(readRecordings(place.dir)).toEqual([])
  })

  it('applies the limits and faults of the deployment in front of the upstream', async () => {
    place.upstream.answer = eventStream(responseEvents(['Hi']))
    const limited = start({}, { requestsPerMinute: 1 })
    const statuses = []
    for (let count = 0; count < 3; count++) {
      const response = await limited.post(chatPath('viaResponses'), streamed)
      statuses.push(response.status)
      await response.text()
    }
    expect(statuses).toEqual([200, 429, 429])
    const faulty = start({}, { faults: [{ probability: 1, fault: 'serverError' }] })
    expect((await faulty.post(chatPath('viaResponses'), streamed)).status).toBe(500)
    expect(place.upstream.received).toHaveLength(1)
  })

  it('counts the tokens and the first token of a converted answer once', async () => {
    const { post, app } = start()
    place.upstream.answer = eventStream(responseEvents(['Hi']))
    await (await post(chatPath('viaResponses'), streamed)).text()
    place.upstream.answer = json(chatCompletion('Hi'))
    await (await post('/openai/v1/responses', { model: 'viaChat', input: 'Hi' })).text()
    const metrics = await (await app.request('/metrics', { headers: { 'api-key': testKey } })).text()
    const tokens = metrics
      .split('\n')
      .filter((line) => /^aoai_tokens_total\{.*type="(?:prompt|completion)"/.test(line))
    expect(
      tokens
        .map((line) => line.replace(/.*deployment="(\w+)".*type="(\w+)".* (\d+)$/, '$1 $2 $3'))
        .toSorted(),
    ).toEqual([
      'viaChat completion 7',
      'viaChat prompt 5',
      'viaResponses completion 6',
      'viaResponses prompt 10',
    ])
  })

  it('decodes a compressed answer, and returns its own length', async () => {
    const body = gzipSync(JSON.stringify(chatCompletion('Hi')))
    place.upstream.answer = (_, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'content-length': body.length,
        'x-request-id': 'r1',
        etag: 'x',
      })
      response.end(body)
    }
    const url = await listening(start())
    const response = await fetch(`${url}/openai/v1/responses`, {
      method: 'POST',
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'viaChat', input: 'Hi' }),
    })
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({ object: 'response', output: [{ content: [{ text: 'Hi' }] }] })
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
    expect([...response.headers.keys()]).not.toContain('content-encoding')
    expect([response.headers.get('x-request-id'), response.headers.get('etag')]).toEqual(['r1', null])
  })
})

describe('a converted stream over sockets', () => {
  const open = async (gateway = start()): Promise<Response> =>
    fetch(`${await listening(gateway)}${chatPath('viaResponses')}`, {
      method: 'POST',
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      body: JSON.stringify(streamed),
    })

  it('arrives complete if the upstream sends bytes one by one, with lines that end in CR LF', async () => {
    place.upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.socket?.setNoDelay(true)
      for (const byte of Buffer.from(responseEvents(['Grüß', ' 日本🎉']).join('').replaceAll('\n', '\r\n'))) {
        response.write(Buffer.of(byte))
        if (byte > 127) await new Promise(setImmediate)
      }
      response.end()
    }
    const text = await (await open()).text()
    expect(textOf(text)).toBe('Grüß 日本🎉')
    expect(text.match(/\[DONE\]/g)).toHaveLength(1)
  })

  it('passes on each event when it arrives', async () => {
    let received = ''
    const events = responseEvents(['a', 'b', 'c'])
    place.upstream.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const event of events) {
        response.write(event)
        const [, delta] = /"delta":"(.)"/.exec(event) ?? []
        await expect.poll(() => textOf(received)).toContain(delta ?? '')
      }
      response.end()
    }
    for await (const chunk of (await open()).body ?? []) received += Buffer.from(chunk).toString()
    expect(textOf(received)).toBe('abc')
  })

  it('ends with an error event if the upstream resets the connection', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(responseEvents(['Hel']).slice(0, -1).join(''), () =>
        setTimeout(() => response.socket?.resetAndDestroy(), 20),
      )
    }
    let received = ''
    const read = async (): Promise<void> => {
      for await (const chunk of (await open()).body ?? []) received += Buffer.from(chunk).toString()
    }
    await read().catch(() => {})
    expect(textOf(received)).toBe('Hel')
    expect(JSON.parse(eventsOf(received).at(-1) ?? '')).toMatchObject({
      error: { code: 'UpstreamBroken', type: 'server_error' },
    })
  })

  /** Sends the request on a new socket that does not read yet. */
  const connect = async (): Promise<Socket> => {
    const { port } = new URL(await listening(start()))
    const socket = createConnection(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const body = JSON.stringify(streamed)
    const head = `POST ${chatPath('viaResponses')} HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\nContent-Type: application/json\r\n`
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    return socket.pause()
  }

  it('ends the request to the upstream when the client leaves', async () => {
    let left = false
    place.upstream.answer = (request, response) => {
      request.left.addEventListener('abort', () => (left = true))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(responseEvents(['a']).slice(0, -1).join(''))
    }
    const socket = await connect()
    await once(socket.resume(), 'data')
    socket.destroy()
    await expect.poll(() => left).toBe(true)
  })

  it('is read from the upstream only as fast as the client reads', async () => {
    let sent = 0
    const [created = '', added = '', delta = ''] = responseEvents(['x'.repeat(10_000)])
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(created + added)
      const fill = (): void => {
        while (sent < 50_000_000 && response.write(delta)) sent += delta.length
      }
      response.on('drain', fill)
      fill()
    }
    await connect()
    let before = -1
    const isHeld = (): boolean => {
      const same = sent === before && sent > 0
      before = sent
      return same
    }
    await expect.poll(isHeld, { interval: 300, timeout: 8_000 }).toBe(true)
    expect(sent).toBeLessThan(25_000_000)
  })
})
