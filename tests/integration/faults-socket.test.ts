import { connect } from 'node:net'
import OpenAI, { APIConnectionError, APIError, AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator, type Simulator } from '../../src/server/simulator.ts'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { listen, type Listener } from '../../src/server/listen.ts'
import { createQuietTimer } from '../support/quiet-timer.ts'
import { RawConnection, requestBytes } from '../support/raw-http.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { silentLogger } from '../support/test-logger.ts'
import { createTestSimulator, deploymentPath, eventsOf, testKey } from '../support/test-simulator.ts'

const messages = [{ role: 'user' as const, content: 'Hello' }]
const model = 'gpt-4o-mini'

let simulator: Simulator
let listener: Listener

beforeAll(async () => {
  const live = loadLiveConfig({
    flags: {},
    env: { SIMULATOR_API_KEY: testKey, SIMULATOR_SEED: 'test', LATENCY_TIME_SCALE: '0' },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })
  simulator = assembleSimulator(live, { clock: createSystemClock(), logger: silentLogger })
  listener = await listen(createApp(simulator), '127.0.0.1', 0)
  // The first answer loads its token encoding, which takes longer than the quiet time of the reader.
  await readWire('cutBeforeHeaders', {}, 10_000)
})

afterAll(() => listener.close(100))

/** What was received until the server closed the connection, or until nothing arrived for a while. */
interface Wire {
  readonly text: string
  readonly end: 'reset' | 'closed' | 'open'
}

const readWire = (fault: string, body: object = {}, quietMs = 250): Promise<Wire> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    let received = ''
    let reset = false
    const finish = (end: Wire['end']): void => {
      quiet.stop()
      socket.destroy()
      resolve({ text: received, end })
    }
    const quiet = createQuietTimer(quietMs, () => finish('open'))
    socket.on('data', (data: Buffer) => {
      received += data.toString()
      quiet.restart()
    })
    socket.on('error', () => (reset = true))
    socket.on('close', () => finish(reset ? 'reset' : 'closed'))
    const headers = { 'api-key': testKey, 'content-type': 'application/json', 'x-sim-fault': fault }
    const path = deploymentPath(model, 'chat/completions')
    socket.write(requestBytes({ path, headers, body: JSON.stringify({ messages, max_tokens: 20, ...body }) }))
  })

/** Starts a streamed answer of a simulator on a virtual clock. `received` returns the bytes that have arrived so far. */
async function startStream(fault: string) {
  const { app, clock } = createTestSimulator()
  const server = await listen(app, '127.0.0.1', 0)
  const connection = await RawConnection.open(Number(new URL(server.url).port))
  let received = ''
  connection.socket.on('data', (data: Buffer) => (received += data.toString('latin1')))
  const answer = connection.send({
    path: deploymentPath(model, 'chat/completions'),
    headers: { 'api-key': testKey, 'content-type': 'application/json', 'x-sim-fault': fault },
    body: JSON.stringify({ messages, max_tokens: 20, stream: true }),
  })
  return {
    clock,
    answer,
    received: () => received,
    async [Symbol.asyncDispose]() {
      connection.socket.destroy()
      await server.close(100)
    },
  }
}

const bodyOf = ({ text }: Wire): string => text.slice(text.indexOf('\r\n\r\n') + 4)
const lengthOf = ({ text }: Wire): number => Number(/content-length: (\d+)/i.exec(text)?.[1])
const stream = { stream: true }

describe('a raw socket client', () => {
  it('gets only a reset from cutBeforeHeaders', async () => {
    expect(await readWire('cutBeforeHeaders')).toMatchObject({ text: '', end: 'reset' })
    expect(await readWire('cutBeforeHeaders', stream)).toMatchObject({ text: '', end: 'reset' })
  })

  it('gets the headers, half of the body and a reset from cut', async () => {
    const wire = await readWire('cut')
    expect(wire.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(bodyOf(wire).length).toBe(Math.floor(lengthOf(wire) / 2))
    expect(wire.end).toBe('reset')
  })

  it('gets some events and a reset from cut in a stream', async () => {
    const wire = await readWire('cut;afterEvents=4', stream)
    expect(wire.text.match(/data: /g)).toHaveLength(4)
    expect(wire.text).not.toContain('\r\n0\r\n')
    expect(wire.end).toBe('reset')
  })

  it('gets fewer bytes than Content-Length and a normal end of the connection from truncate', async () => {
    const wire = await readWire('truncate;afterShare=0.9')
    expect(bodyOf(wire).length).toBe(Math.floor(lengthOf(wire) * 0.9))
    expect(wire.end).toBe('closed')
  })

  it('gets a complete HTTP response without [DONE] from truncate in a stream', async () => {
    const wire = await readWire('truncate', stream)
    expect(wire.text).toContain('"finish_reason":"length"')
    expect(wire.text).not.toContain('[DONE]')
    expect(wire.text).toMatch(/\r\n0\r\n\r\n$/)
    expect(wire.end).toBe('open')
  })

  it('gets nothing more from stall, and is counted as a disconnect when it leaves', async () => {
    expect(await readWire('stall')).toMatchObject({ text: '', end: 'open' })
    const inStream = await readWire('stall;afterEvents=4', stream)
    expect(inStream.text.match(/data: /g)).toHaveLength(4)
    expect(inStream.end).toBe('open')
    const inBody = await readWire('stall;afterShare=0.5')
    expect(bodyOf(inBody).length).toBe(Math.floor(lengthOf(inBody) / 2))
    const untilGone = async (): Promise<string> => {
      const text = await simulator.metrics.render()
      return text.includes('\naoai_requests_in_flight 0')
        ? text
        : new Promise((resolve) => {
            setTimeout(() => resolve(untilGone()), 5)
          })
    }
    expect(await untilGone()).toMatch(/aoai_client_disconnects_total\{[^}]*\} 3/)
  })

  it('gets the rest of a body after a stall that ends', async () => {
    const whole = await readWire('stall;afterShare=0.5;ms=40')
    expect(bodyOf(whole).length).toBe(lengthOf(whole))
  })

  it('gets the rest of a stream after a stall that ends', async () => {
    await using streamed = await startStream('stall;afterEvents=4;ms=40')
    await expect.poll(() => streamed.received().match(/data: /g)?.length).toBe(4)
    await streamed.clock.advance(40)
    expect((await streamed.answer).body).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('gets one event in several pieces, gapMs apart, from splitEvent', async () => {
    await using streamed = await startStream('splitEvent;afterEvents=3;parts=4;gapMs=30')
    for (const chunks of [1, 2, 3]) {
      await expect.poll(() => streamed.received().match(/\r\n[0-9a-f]+\r\n/g)?.length).toBe(chunks)
      await streamed.clock.advance(30)
    }
    const { body, chunks } = await streamed.answer
    // The first three pieces end within the event. The last one completes it.
    expect(chunks.filter((chunk) => !chunk.endsWith('\n\n'))).toHaveLength(3)
    const events = eventsOf(body)
    expect(events.at(-1)).toBe('[DONE]')
    expect(() => events.slice(0, -1).map((event) => JSON.parse(event) as unknown)).not.toThrow()
  })

  it('can reuse its connection after an error event', async () => {
    const wire = await readWire('errorEvent;afterEvents=2', stream)
    expect(wire.text).toMatch(
      /data: \{"error":\{"message":"[^"]+","type":"server_error"[^\n]*\n\n\r\n0\r\n\r\n$/,
    )
    expect(wire.end).toBe('open')
  })
})

describe('the official client over a socket', () => {
  const clientWith = (fault: string, timeout = 2_000) =>
    new AzureOpenAI({
      endpoint: listener.url,
      apiKey: testKey,
      apiVersion: '2024-10-21',
      maxRetries: 0,
      timeout,
      logLevel: 'off',
      defaultHeaders: { 'x-sim-fault': fault },
    })
  const whole = (fault: string, timeout?: number) =>
    clientWith(fault, timeout).chat.completions.create({ model, messages, max_tokens: 20 })
  /** Reads a stream to its end. Returns the chunks and the error. */
  const streamed = async (fault: string) => {
    const chunks: unknown[] = []
    try {
      const events = await clientWith(fault).chat.completions.create({ model, messages, stream: true })
      for await (const chunk of events) chunks.push(chunk)
    } catch (error) {
      return { chunks, error }
    }
    return { chunks, error: undefined }
  }

  it.each([
    ['invalidKey', 401],
    ['keysDisabled', 403],
    ['deploymentNotFound', 404],
    ['requestTimeout', 408],
    ['capacity429', 429],
    ['serverError', 500],
    ['overloaded503', 503],
    ['gatewayTimeout', 504],
  ])('throws the expected error for %s', async (fault, status) => {
    await expect(whole(fault)).rejects.toMatchObject({ status })
  })

  it('throws a connection error if the connection is cut before the headers', async () => {
    await expect(whole('cutBeforeHeaders')).rejects.toThrow(APIConnectionError)
  })

  it.each([
    ['cut', 'ECONNRESET'],
    ['truncate', 'UND_ERR_SOCKET'],
  ])('throws during a body (%s)', async (fault, code) => {
    await expect(whole(fault)).rejects.toMatchObject({ message: 'terminated', cause: { code } })
  })

  it('throws during a stream that is cut', async () => {
    const { chunks, error } = await streamed('cut;afterEvents=5')
    expect(chunks.length).toBe(5)
    expect(error).toBeInstanceOf(Error)
  })

  it('times out on a stall', async () => {
    await expect(whole('stall', 100)).rejects.toThrow('timed out')
  })

  it('throws the error event of a stream', async () => {
    const { chunks, error } = await streamed('errorEvent;afterEvents=5;message=Out of luck')
    expect(chunks.length).toBe(5)
    expect(error).toBeInstanceOf(APIError)
    expect(String(error)).toContain('Out of luck')
  })

  it('throws on an event that is not JSON', async () => {
    const { chunks, error } = await streamed('malformedEvent;afterEvents=5')
    expect(chunks.length).toBe(5)
    expect(error).toBeInstanceOf(SyntaxError)
  })

  it('accepts an event in several pieces and a missing [DONE]', async () => {
    expect((await streamed('splitEvent;afterEvents=3;parts=5')).error).toBeUndefined()
    expect((await streamed('truncate')).error).toBeUndefined()
  })

  it('reads whole and streamed refusals', async () => {
    const { choices } = await whole('refusal;text=No way')
    expect(choices[0]?.message).toMatchObject({ content: null, refusal: 'No way' })
    const stream = clientWith('refusal;text=No way').chat.completions.stream({ model, messages })
    expect((await stream.finalChatCompletion()).choices[0]?.message.refusal).toBe('No way')
    const client = new OpenAI({ baseURL: `${listener.url}/openai/v1`, apiKey: testKey })
    const headers = { 'x-sim-fault': 'refusal;text=No way' }
    const response = await client.responses.create({ model, input: 'Hello' }, { headers })
    expect(response.output).toMatchObject([{ content: [{ type: 'refusal', refusal: 'No way' }] }])
  })

  it('follows the x-sim- headers', async () => {
    // The client omits a header that is null.
    const headers = { 'x-sim-fault': null, 'x-sim-tokens': '12', 'x-sim-delay-ms': '60' }
    const startMs = performance.now()
    const answer = await clientWith('').chat.completions.create({ model, messages }, { headers })
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(59)
    expect(answer.usage?.completion_tokens).toBe(12)
  })
})
