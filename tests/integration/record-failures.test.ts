import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createVirtualClock } from '../../src/platform/virtual-clock.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import { recordingFiles, recordingPlace, startRecording } from '../support/recording-simulator.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }] }

const place = recordingPlace()
const start = (env: Record<string, string> = {}) => startRecording(place, createVirtualClock(), env)

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

describe('a failing upstream', () => {
  it('that is not there makes a 502 that says what to do', async () => {
    await place.upstream.close()
    const error = await errorOf(await start().post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamUnreachable' })
    expect(error.message).toContain('AZURE_OPENAI_ENDPOINT')
  })

  it('that has an unknown name makes a 502', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: 'http://upstream.invalid' })
    expect(await errorOf(await post(path, request))).toMatchObject({
      status: 502,
      code: 'UpstreamUnreachable',
    })
  })

  it('that does not speak HTTP makes a 502', async () => {
    const server: Server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${port}` })
    expect(await errorOf(await post(path, request))).toMatchObject({ status: 502, code: 'UpstreamInvalid' })
  })

  it('that does not speak TLS makes a 502', async () => {
    const { post } = start({ AZURE_OPENAI_ENDPOINT: place.upstream.url.replace('http:', 'https:') })
    const error = await errorOf(await post(path, request))
    expect(error.status).toBe(502)
    expect(error.message).toContain('TLS')
  })

  it('that takes no connection in time makes a 504', async () => {
    // A TLS handshake that is never answered is a connection that does not come about.
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

  it('that does not begin to answer in time makes a 504 and is let go', async () => {
    place.upstream.answer = () => {}
    const { post, clock } = start({ UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '900' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await clock.advance(900)
    expect(await errorOf(await answered)).toMatchObject({ status: 504, code: 'UpstreamFirstByteTimeout' })
    await expect.poll(() => place.upstream.received[0]?.left.aborted).toBe(true)
  })

  it('that pauses within its answer makes a 504', async () => {
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

  it('that takes too long in all makes a 504', async () => {
    place.upstream.answer = () => {}
    const { post, clock } = start({ UPSTREAM_TOTAL_TIMEOUT_MS: '600' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await clock.advance(600)
    expect(await errorOf(await answered)).toMatchObject({ status: 504, code: 'UpstreamTotalTimeout' })
  })

  it('that breaks a whole answer makes a 502, not half a body', async () => {
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

  it('that refuses the operator’s key is named in the log, without the key', async () => {
    place.upstream.answer = json({ error: { code: '401' } }, 401)
    const { post, log } = start()
    expect((await post(path, request)).status).toBe(401)
    expect(log.map(({ message }) => message).join()).toContain('AZURE_OPENAI_KEY')
    expect(JSON.stringify(log)).not.toContain('upstream-key')
  })
})

describe('retries', () => {
  it('are not made unless asked for', async () => {
    place.upstream.answer = json({}, 429, { 'retry-after-ms': '1' })
    expect((await start().post(path, request)).status).toBe(429)
    expect(place.upstream.received).toHaveLength(1)
  })

  it('wait as long as the upstream asks, and give what the last attempt gives', async () => {
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

  it('follow a connection that did not come about, but no request that may have been worked on', async () => {
    place.upstream.answer = (_, response) => void response.destroy()
    const { post } = start({ UPSTREAM_RETRIES: '3' })
    expect((await errorOf(await post(path, request))).code).toBe('UpstreamBroken')
    expect(place.upstream.received).toHaveLength(1)
  })

  it('leave long waits, and what is not to be retried, to the caller', async () => {
    const { post } = start({ UPSTREAM_RETRIES: '3' })
    place.upstream.answer = json({}, 429, { 'retry-after': '86400' })
    expect((await post(path, request)).status).toBe(429)
    place.upstream.answer = json({}, 503, { 'x-should-retry': 'false' })
    expect((await post(path, request)).status).toBe(503)
    place.upstream.answer = json({}, 400)
    expect((await post(path, request)).status).toBe(400)
    expect(place.upstream.received).toHaveLength(3)
  })
})

describe('the connections to the upstream', () => {
  it('are used again, and no more are opened than allowed', async () => {
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

  it('that rested too long and were closed are replaced without a failure', async () => {
    const { post } = start()
    expect((await post(path, request)).status).toBe(200)
    place.upstream.answer = (received, response) => {
      if (place.upstream.received.length === 2) response.socket?.resetAndDestroy()
      else void json({})(received, response)
    }
    expect((await post(path, request)).status).toBe(200)
    expect(place.upstream.received).toHaveLength(3)
  })
})

describe('record mode without an upstream', () => {
  it('does not start, and names everything that is missing', () => {
    const startEmpty = () => start({ AZURE_OPENAI_ENDPOINT: '', AZURE_OPENAI_KEY: '', PORT: 'many' })
    expect(startEmpty).toThrow(/PORT[\s\S]*AZURE_OPENAI_ENDPOINT[\s\S]*AZURE_OPENAI_KEY/)
  })

  it('refuses an address that holds a password', () => {
    expect(() => start({ AZURE_OPENAI_ENDPOINT: 'https://user:pass@host' })).toThrow('AZURE_OPENAI_ENDPOINT')
  })
})
