import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { createSimulator } from '../../src/server/create-simulator.ts'
import { startRawUpstream } from '../support/fake-upstream.ts'
import { readRecordings, recordingPlace, startRecording } from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'

const place = recordingPlace()

/** What an upstream sends: bytes as Latin-1, and pauses in milliseconds. */
type Sent = readonly (string | number)[]

/** An answer as a client received it. */
interface Received {
  /** Status line and headers, without the headers of the connection. */
  readonly head: string
  readonly body: string
  /** Milliseconds from the first bytes to the last ones. */
  readonly spanMs: number
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const ownHeaders = /\r\n(?:date|connection|keep-alive|transfer-encoding|x-aoai-sim[\w-]*): [^\r\n]*/gi

async function ask(url: string, method: string): Promise<Received> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const times: number[] = []
  let text = ''
  socket.setEncoding('latin1')
  socket.on('error', () => {})
  socket.on('data', (data: string) => {
    times.push(performance.now())
    text += data
  })
  socket.write(`${method} /v1/x HTTP/1.1\r\nhost: h\r\napi-key: ${testKey}\r\nconnection: close\r\n\r\n`)
  await new Promise((resolve) => socket.once('close', resolve))
  const end = text.indexOf('\r\n\r\n')
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
  return { head: text.slice(0, end).replace(ownHeaders, ''), body: text.slice(end + 4), spanMs }
}

/** Records the answer of an upstream, replays it, and returns both as the client received them. */
async function recordAndReplay(sent: Sent, method = 'GET'): Promise<readonly [Received, Received]> {
  const send = async (socket: Socket): Promise<void> => {
    for (const part of sent) {
      if (typeof part === 'number') await sleep(part)
      else socket.write(part, 'latin1')
    }
    socket.end()
  }
  const upstream = await startRawUpstream((socket) => void send(socket))
  onTestFinished(() => upstream.close())
  const env = { AZURE_OPENAI_ENDPOINT: upstream.url, RECORDING_ERRORS: 'on' }
  const recorded = await ask(await startRecording(place, createSystemClock(), env).listen(), method)
  const replay = await createSimulator({
    mode: 'replay',
    apiKey: testKey,
    recordings: { dir: place.dir },
    latency: { timeScale: 1 },
    clock: 'system',
    log: 'silent',
  })
  onTestFinished(() => replay.close())
  return [recorded, await ask((await replay.listen({ port: 0 })).url, method)]
}

describe('a recorded answer', () => {
  it.each<readonly [string, string, string, Sent]>([
    ['the length of HEAD', 'HEAD', 'Content-Length: 123', ['HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n']],
    ['no length of HEAD', 'HEAD', 'X-A: 1', ['HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n']],
    ['204', 'GET', '204 No Content', ['HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n']],
    [
      '304 with a length',
      'GET',
      'Content-Length: 55',
      ['HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n'],
    ],
    ['status 699', 'GET', '699 Odd', ['HTTP/1.1 699 Odd\r\nContent-Length: 2\r\n\r\n{}']],
    ['status 999', 'GET', '999 Denied', ['HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\n{}']],
    [
      'a reason in Latin-1',
      'GET',
      '200 Tr\xe8s bien',
      ['HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 2\r\n\r\n{}'],
    ],
    [
      'a no-break space',
      'GET',
      'X-A: a\xa0',
      ['HTTP/1.1 200 OK\r\nX-A: a\xa0\r\nContent-Length: 2\r\n\r\n{}'],
    ],
    [
      'the order of headers',
      'GET',
      'X-A: 1\r\nx-b: 2\r\nX-A: 3\r\nContent-Length: 2\r\nx-a: 4\r\nx-b: 5',
      ['HTTP/1.1 200 OK\r\nX-A: 1\r\nx-b: 2\r\nX-A: 3\r\nContent-Length: 2\r\nx-a: 4\r\nx-b: 5\r\n\r\n{}'],
    ],
    [
      'headers above 16 KB',
      'GET',
      `X-A: ${'a'.repeat(20_000)}`,
      [`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}\r\nContent-Length: 2\r\n\r\n{}`],
    ],
    [
      'headers that resemble credentials',
      'GET',
      'WWW-Authenticate: Bearer realm="x", authorization_uri="https://h/a"\r\nAccess-Control-Allow-Credentials: true\r\nx-amzn-bedrock-input-token-count: 3\r\nx-ratelimit-key: k\r\nx-cert: c\r\nx-signature-version: 2\r\nX-Key-Id: k1',
      [
        'HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Bearer realm="x", authorization_uri="https://h/a"\r\nAccess-Control-Allow-Credentials: true\r\nx-amzn-bedrock-input-token-count: 3\r\nx-ratelimit-key: k\r\nx-cert: c\r\nx-signature-version: 2\r\nX-Key-Id: k1\r\nContent-Length: 2\r\n\r\n{}',
      ],
    ],
    [
      'an empty event stream',
      'GET',
      'text/event-stream',
      ['HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n'],
    ],
    [
      'an empty event stream of 500',
      'GET',
      '500',
      ['HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n'],
    ],
  ])('keeps %s', async (_, method, expected, sent) => {
    const [recorded, replayed] = await recordAndReplay(sent, method)
    expect(recorded.head).toContain(expected)
    expect([replayed.head, replayed.body]).toEqual([recorded.head, recorded.body])
  })

  it.each([
    ['lines of JSON', 'application/x-ndjson', ['{"a":1}\n', '{"a":2}\n', '{"a":3}\n']],
    ['text with pieces that end within a character', 'text/plain', ['gr\xc3', '\xbcn ', '\xe2\x82\xac']],
  ])('keeps the time of each piece of %s', async (_, type, pieces) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`
    const sent = [head, ...pieces.flatMap((piece) => [150, chunk(piece)]), '0\r\n\r\n']
    const [recorded, replayed] = await recordAndReplay(sent)
    expect(replayed.head).toBe(recorded.head)
    const content = (body: string): string => body.replace(/(?:^|\r\n)[0-9a-f]+\r\n(?:\r\n$)?/g, '')
    expect(content(replayed.body)).toBe(pieces.join(''))
    expect(replayed.spanMs).toBeGreaterThan(100)
    const [{ response } = {}] = readRecordings(place.dir)
    expect(response?.body).toMatchObject({ pieces: pieces.map(({ length }) => [expect.any(Number), length]) })
  })

  it('keeps a binary stream, without its times', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n'
    const [, replayed] = await recordAndReplay([head, chunk('\xff\xfb'), 50, chunk('\x80'), '0\r\n\r\n'])
    expect(replayed.body).toBe('\xff\xfb\x80')
    expect(readRecordings(place.dir)[0]?.response.body).not.toHaveProperty('pieces')
  })

  it('is sent in chunks if it is an event stream with a length', async () => {
    const stream = 'data: {"a":1}\n\ndata: [DONE]\n\n'
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${stream.length}\r\n\r\n`
    const [recorded, replayed] = await recordAndReplay([head + stream])
    expect(recorded.body).toBe(stream)
    expect(replayed.body).toBe(`${chunk(stream)}0\r\n\r\n`)
    expect(replayed.head).not.toContain('Content-Length')
  })
})
