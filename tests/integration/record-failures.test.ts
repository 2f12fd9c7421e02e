import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatCompletion, json, startRawUpstream } from '../support/fake-upstream.ts'
import { recordingFiles, recordingPlace, startRecording } from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }] }

const place = recordingPlace()
const start = (env: Record<string, string> = {}) => startRecording(place, createVirtualClock(), env)

const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

describe('a failing upstream', () => {
  it('that is unreachable causes a 502 with the setting to check', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: await refusingUrl() })
    const error = await errorOf(await post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamRefused' })
    expect(error.message).toContain('AZURE_OPENAI_ENDPOINT')
  })

  it('with an unknown host name causes a 502', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: 'http://upstream.invalid' })
    expect(await errorOf(await post(path, request))).toMatchObject({
      status: 502,
      code: 'UpstreamDns',
    })
  })

  it('that does not speak HTTP causes a 502', async () => {
    const server: Server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${port}` })
    expect(await errorOf(await post(path, request))).toMatchObject({ status: 502, code: 'UpstreamInvalid' })
  })

  it('that does not speak TLS causes a 502', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: place.upstream.url.replace('http:', 'https:') })
    const error = await errorOf(await post(path, request))
    expect(error.status).toBe(502)
    expect(error.message).toContain('TLS')
  })

  it.each([
    ['changes the protocol', upgrade, 'UpstreamInvalid'],
    [
      'changes the protocol without naming one',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'UpstreamInvalid',
    ],
    ['changes the protocol and closes', `${upgrade}<end>`, 'UpstreamInvalid'],
    ['has an invalid status', 'HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n', 'UpstreamInvalid'],
    ['answers nothing and closes', '<end>', 'UpstreamBroken'],
    ['answers nothing and resets', '<reset>', 'UpstreamBroken'],
    ['closes within the headers', 'HTTP/1.1 200 OK\r\nContent-Ty<end>', 'UpstreamBroken'],
    ['closes after 100 Continue', 'HTTP/1.1 100 Continue\r\n\r\n<end>', 'UpstreamBroken'],
    [
      'resets after 103 Early Hints',
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n<reset>',
      'UpstreamBroken',
    ],
    [
      'breaks its chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n{}',
      'UpstreamInvalid',
    ],
  ])('that %s causes a 502 and is disconnected', async (_, bytes, code) => {
    const raw = await startRawUpstream((socket) => {
      const [text = '', how] = bytes.split(/<(end|reset)>/)
      if (text !== '') socket.write(text)
      if (how === 'end') socket.end()
      // Written bytes are sent before the connection is reset.
      if (how === 'reset') setTimeout(() => socket.resetAndDestroy(), 20)
    })
    onTestFinished(() => raw.close())
    const { post } = start({ AZURE_OPENAI_ENDPOINT: raw.url })
    expect(await errorOf(await post(path, request))).toMatchObject({ status: 502, code })
    await expect.poll(() => raw.sockets.every(({ destroyed }) => destroyed)).toBe(true)
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('with headers that are too large causes a 502 that names HEADER_LIMIT_KB', async () => {
    place.upstream.answer = json({}, 200, { 'x-large': 'x'.repeat(30_000) })
    expect((await start().post(path, request)).status).toBe(200)
    place.upstream.answer = json({}, 200, { 'x-large': 'x'.repeat(40_000) })
    const error = await errorOf(await start().post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamInvalid' })
    expect(error.message).toContain('Raise HEADER_LIMIT_KB')
    expect((await start({ HEADER_LIMIT_KB: '64' }).post(path, request)).status).toBe(200)
  })

  it('that sends a body with 205 does not block the client', async () => {
    const bytes = 'HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello'
    const raw = await startRawUpstream((socket) => socket.write(bytes))
    onTestFinished(() => raw.close())
    const url = await start({ AZURE_OPENAI_ENDPOINT: raw.url }).listen()
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'api-key': testKey },
      body: '{}',
    })
    expect(answer.status).toBe(205)
    expect(await answer.text()).toBe('')
  })

  it('that sends informational responses forever causes a 504', async () => {
    const raw = await startRawUpstream((socket) => socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)))
    onTestFinished(() => raw.close())
    const { post, clock } = start({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '900', AZURE_OPENAI_ENDPOINT: raw.url })
    const answer = await advanceUntil(clock, post(path, request), 100)
    expect(await errorOf(answer)).toMatchObject({ status: 504, code: 'UpstreamFirstByteTimeout' })
    await expect.poll(() => raw.sockets.every(({ destroyed }) => destroyed)).toBe(true)
  })

  it('that does not accept a connection in time causes a 504', async () => {
    // A TLS handshake without an answer is a connection that is not established.
    const server: Server = createServer(() => {})
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { post, clock } = start({
      UPSTREAM_CONNECT_TIMEOUT_MS: '700',
      AZURE_OPENAI_ENDPOINT: `https://127.0.0.1:${port}`,
    })
    const answer = await advanceUntil(clock, post(path, request), 350)
    expect(await errorOf(answer)).toMatchObject({ status: 504, code: 'UpstreamConnectTimeout' })
  })

  it('that does not start to answer in time causes a 504 and is disconnected', async () => {
    place.upstream.answer = () => {}
    const { post, clock } = start({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '900' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await clock.advance(900)
    expect(await errorOf(await answered)).toMatchObject({ status: 504, code: 'UpstreamFirstByteTimeout' })
    await expect.poll(() => place.upstream.received[0]?.left.aborted).toBe(true)
  })

  it('that pauses during its answer causes a 504', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"a":')
    }
    const { post, clock } = start({ UPSTREAM_IDLE_TIMEOUT_MS: '800' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    const answer = await advanceUntil(clock, answered, 100)
    expect(await errorOf(answer)).toMatchObject({ status: 504, code: 'UpstreamIdleTimeout' })
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('that takes too long in total causes a 504', async () => {
    place.upstream.answer = () => {}
    const { post, clock } = start({ UPSTREAM_TOTAL_TIMEOUT_MS: '600' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await clock.advance(600)
    expect(await errorOf(await answered)).toMatchObject({ status: 504, code: 'UpstreamTotalTimeout' })
  })

  it('that breaks a whole answer causes a 502, not half a body', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"a":', () => response.destroy())
    }
    expect(await errorOf(await start().post(path, request))).toMatchObject({
      status: 502,
      code: 'UpstreamBroken',
    })
    expect(recordingFiles(place.dir)).toEqual([])
  })

  it('that rejects the operator’s key is logged without the key', async () => {
    place.upstream.answer = json({ error: { code: '401' } }, 401)
    const { post, log } = start()
    expect((await post(path, request)).status).toBe(401)
    expect(log.map(({ message }) => message).join()).toContain('AZURE_OPENAI_KEY')
    expect(JSON.stringify(log)).not.toContain('upstream-key')
  })
})

describe('retries', () => {
  it('are off by default', async () => {
    place.upstream.answer = json({}, 429, { 'retry-after-ms': '1' })
    expect((await start().post(path, request)).status).toBe(429)
    expect(place.upstream.received).toHaveLength(1)
  })

  it('wait as long as the upstream says, and return the last answer', async () => {
    place.upstream.answer = json({}, 429, { 'retry-after': '30', 'retry-after-ms': '2000' })
    const { post, clock } = start({ UPSTREAM_RETRIES: '2' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await clock.advance(1_900)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(place.upstream.received).toHaveLength(1)
    place.upstream.answer = json(chatCompletion('at last'))
    const answer = await advanceUntil(clock, answered, 100)
    expect(await answer.json()).toEqual(chatCompletion('at last'))
    expect(place.upstream.received).toHaveLength(2)
  })

  it('are not made after a request that may have been processed', async () => {
    place.upstream.answer = (_, response) => void response.destroy()
    const { post } = start({ UPSTREAM_RETRIES: '3' })
    expect((await errorOf(await post(path, request))).code).toBe('UpstreamBroken')
    expect(place.upstream.received).toHaveLength(1)
  })

  it('are not made after long waits or for errors that must not be retried', async () => {
    const { post } = start({ UPSTREAM_RETRIES: '3' })
    place.upstream.answer = json({}, 429, { 'retry-after': '86400' })
    expect((await post(path, request)).status).toBe(429)
    place.upstream.answer = json({}, 503, { 'x-should-retry': 'False' })
    expect((await post(path, request)).status).toBe(503)
    place.upstream.answer = json({}, 400)
    expect((await post(path, request)).status).toBe(400)
    expect(place.upstream.received).toHaveLength(3)
  })
})

describe('the connections to the upstream', () => {
  it('are reused and limited in number', async () => {
    place.upstream.answer = async (received, response) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await json({})(received, response)
    }
    const { post } = start({ UPSTREAM_CONNECTIONS: '3' })
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(path, request)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    await post(path, request)
    expect(place.upstream.connections).toBe(3)
  })

  const whole = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

  it('that the upstream closes when they are reused after an idle time are replaced without an error', async () => {
    const { post, clock } = start()
    expect((await post(path, request)).status).toBe(200)
    await clock.advance(1_500)
    place.upstream.answer = (received, response) => {
      if (place.upstream.received.length === 2) response.socket?.resetAndDestroy()
      else void json({})(received, response)
    }
    expect((await post(path, request)).status).toBe(200)
    expect(place.upstream.received).toHaveLength(3)
  })

  it('that break right after they were in use are not replaced because the request may have been processed', async () => {
    const { post } = start({ UPSTREAM_RETRIES: '2' })
    expect((await post(path, request)).status).toBe(200)
    place.upstream.answer = (_, response) => {
      response.socket?.resetAndDestroy()
    }
    expect(await errorOf(await post(path, request))).toMatchObject({ status: 502, code: 'UpstreamBroken' })
    expect(place.upstream.received).toHaveLength(2)
  })

  it('that are all closed by the upstream cause no error: the second attempt opens a new connection', async () => {
    const answered = new Set<unknown>()
    const raw = await startRawUpstream((socket) => {
      // Each connection answers once, and is reset by the next request.
      if (!answered.has(socket)) {
        answered.add(socket)
        socket.write(whole)
      } else socket.resetAndDestroy()
    })
    onTestFinished(() => raw.close())
    const { post, clock } = start({ AZURE_OPENAI_ENDPOINT: raw.url })
    await Promise.all(Array.from({ length: 5 }, () => post(path, request)))
    const statuses: number[] = []
    for (let round = 0; round < 5; round++) {
      await clock.advance(1_500)
      statuses.push((await post(path, request)).status)
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200])
  })

  it.each([
    ['long after the request was sent', 150, ''],
    ['after the first bytes of an answer', 0, 'HTTP/1.1 200 OK\r\n'],
  ])(
    'that break %s are not replaced because the request may have been processed',
    async (_, waitMs, bytes) => {
      let requests = 0
      let breakIt = (): void => {}
      const raw = await startRawUpstream((socket, count) => {
        requests = count
        if (count === 1) socket.write(whole)
        if (count !== 2) return
        if (bytes !== '') socket.write(bytes)
        breakIt = () => socket.destroy()
      })
      onTestFinished(() => raw.close())
      const { post, clock } = start({ AZURE_OPENAI_ENDPOINT: raw.url })
      expect((await post(path, request)).status).toBe(200)
      const answered = post(path, request)
      await expect.poll(() => requests).toBe(2)
      await clock.advance(waitMs)
      await new Promise((resolve) => setTimeout(resolve, 30))
      breakIt()
      expect(await errorOf(await answered)).toMatchObject({ status: 502, code: 'UpstreamBroken' })
      expect(requests).toBe(2)
    },
  )
})

describe('record mode without an upstream', () => {
  it('does not start, and lists every missing setting', () => {
    const startEmpty = () => start({ AZURE_OPENAI_ENDPOINT: '', AZURE_OPENAI_KEY: '', PORT: 'many' })
    expect(startEmpty).toThrow(/PORT[\s\S]*AZURE_OPENAI_ENDPOINT[\s\S]*AZURE_OPENAI_KEY/)
  })

  it('refuses an endpoint that contains a password', () => {
    expect(() => start({ AZURE_OPENAI_ENDPOINT: 'https://user:pass@host' })).toThrow('AZURE_OPENAI_ENDPOINT')
  })
})
