import { connect, type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { createServer as createHttp } from 'node:http'
import { createServer as createTls } from 'node:tls'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { testPair } from '../support/certificates.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import { recordingPlace, startRecording } from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }] }

const place = recordingPlace(json(chatCompletion('Hi')))
const start = (env: Record<string, string> = {}) =>
  startRecording(place, createVirtualClock(), { SIMULATOR_MODE: 'record', ...env })

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** A proxy that refuses requests without these credentials, and lists the first line of each request. */
const startProxy = async (credentials?: string) => {
  const seen: string[] = []
  const isAllowed = (header: string | undefined): boolean =>
    credentials === undefined || header === `Basic ${Buffer.from(credentials).toString('base64')}`
  const server = createHttp((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    outgoing.writeHead(isAllowed(incoming.headers['proxy-authorization']) ? 200 : 407)
    outgoing.end('{"by":"the proxy"}')
  })
  server.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`)
    if (!isAllowed(incoming.headers['proxy-authorization'])) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      return
    }
    const [host, port] = (incoming.url ?? '').split(':')
    const target = connect(Number(port), host ?? '', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy())
  })
  const port = await listen(server)
  onTestFinished(() => server.closeAllConnections())
  return { seen, address: `127.0.0.1:${port}` }
}

const useEnv = (values: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
}

/** A TLS server with a certificate of an unknown issuer. */
const startUntrusted = async (): Promise<string> => {
  const { key, cert } = await testPair()
  const server = createTls({ key, cert }, (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
  )
  server.on('tlsClientError', () => {})
  return `https://127.0.0.1:${await listen(server)}`
}

describe('TLS to an upstream', () => {
  it('with an untrusted certificate is a 502 and is not retried', async () => {
    const { post, log } = start({ AZURE_OPENAI_ENDPOINT: await startUntrusted(), UPSTREAM_RETRIES: '3' })
    const error = await errorOf(await post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamTls' })
    expect(error.message).toContain('NODE_EXTRA_CA_CERTS')
    expect(log.filter(({ message }) => message.includes('sent to the upstream again'))).toEqual([])
  })
})

describe('a proxy for upstreams', () => {
  it('gets the whole address of an upstream without TLS', async () => {
    const proxy = await startProxy()
    useEnv({ HTTP_PROXY: `http://${proxy.address}` })
    expect(await (await start().post(path, request)).json()).toEqual({ by: 'the proxy' })
    expect(proxy.seen).toEqual([`POST ${place.upstream.url}${path}`])
  })

  it('gets CONNECT for an upstream with TLS, and TLS is with the upstream', async () => {
    const proxy = await startProxy()
    const upstream = await startUntrusted()
    useEnv({ HTTPS_PROXY: proxy.address })
    const error = await errorOf(await start({ AZURE_OPENAI_ENDPOINT: upstream }).post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamTls' })
    expect(proxy.seen).toEqual([`CONNECT ${upstream.slice('https://'.length)}`])
  })

  it.each(['127.0.0.1', '*', 'x.com, 127.0.0.1', '127.0.0.1:PORT'])(
    'is not used for hosts in NO_PROXY: %s',
    async (list) => {
      useEnv({
        HTTP_PROXY: await refusingUrl(),
        NO_PROXY: list.replace('PORT', new URL(place.upstream.url).port),
      })
      expect((await start().post(path, request)).status).toBe(200)
    },
  )

  it.each(['http', 'https'])('that refuses the credentials is a 502 without them, for %s', async (scheme) => {
    const proxy = await startProxy('user:right')
    useEnv({ [`${scheme}_proxy`]: `http://user:wrong-password@${proxy.address}` })
    const { post, log } = start({ AZURE_OPENAI_ENDPOINT: `${scheme}://127.0.0.1:9`, UPSTREAM_RETRIES: '2' })
    const error = await errorOf(await post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamProxy' })
    expect(error.message).toContain(`Correct ${scheme.toUpperCase()}_PROXY`)
    expect(JSON.stringify([error, log])).not.toContain('wrong-password')
    expect(proxy.seen).toHaveLength(1)
  })

  it.each(['http', 'https'])('that cannot be reached is a 502 for %s', async (scheme) => {
    useEnv({ ALL_PROXY: await refusingUrl() })
    const { post } = start({ AZURE_OPENAI_ENDPOINT: `${scheme}://127.0.0.1:9` })
    expect(await errorOf(await post(path, request))).toMatchObject({ status: 502, code: 'UpstreamProxy' })
  })

  it('that never answers CONNECT is a 504 after the connect timeout', async () => {
    const port = await listen(createServer(() => {}))
    useEnv({ HTTPS_PROXY: `http://127.0.0.1:${port}` })
    const { post, clock } = start({
      AZURE_OPENAI_ENDPOINT: 'https://127.0.0.1:9',
      UPSTREAM_CONNECT_TIMEOUT_MS: '700',
    })
    const answer = await advanceUntil(clock, post(path, request), 350)
    expect(await errorOf(answer)).toMatchObject({ status: 504, code: 'UpstreamConnectTimeout' })
  })

  it('with an invalid address is a 502 that does not contain it', async () => {
    useEnv({ HTTP_PROXY: 'socks5://user:secret-password@host' })
    const error = await errorOf(await start().post(path, request))
    expect(error).toMatchObject({ status: 502, code: 'UpstreamProxy' })
    expect(error.message).not.toContain('secret-password')
  })
})

describe('the connect timeout', () => {
  it('does not apply to headers that arrive later', async () => {
    place.upstream.answer = () => {}
    const { post, clock } = start({ UPSTREAM_CONNECT_TIMEOUT_MS: '1000' })
    const answered = post(path, request)
    await expect.poll(() => place.upstream.received.length).toBe(1)
    await clock.advance(3_000)
    place.upstream.answer = json(chatCompletion('late'))
    const settled = await Promise.race([
      answered.then(() => 'answered'),
      clock.advance(3_000).then(() => 'waiting'),
    ])
    expect(settled).toBe('waiting')
  })
})

describe('a compressed answer', () => {
  const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }

  it.each([200, 400])('of status %d is decompressed with the right length', async (status) => {
    for (const [encoding, compress] of Object.entries(encodings)) {
      const body = JSON.stringify({ text: 'x'.repeat(5_000) })
      place.upstream.answer = (_, response) => {
        const bytes = compress(body)
        response.writeHead(status, {
          'content-type': 'application/json',
          'content-encoding': encoding,
          'content-length': bytes.length,
        })
        response.end(bytes)
      }
      const response = await start().post(path, request)
      expect([response.status, response.headers.get('content-encoding')]).toEqual([status, null])
      expect(await response.text()).toBe(body)
      expect([null, String(body.length)]).toContain(response.headers.get('content-length'))
    }
  })

  it('with an unknown encoding is passed on unchanged', async () => {
    const bytes = Buffer.from([1, 2, 3, 200])
    place.upstream.answer = (_, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': 'zstd',
        'content-length': 4,
      })
      response.end(bytes)
    }
    const response = await start().post(path, request)
    expect(response.headers.get('content-encoding')).toBe('zstd')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
  })
})

describe('a client of a forwarded stream', () => {
  /** Sends the request on a socket that is not read. */
  const ask = async (url: string): Promise<Socket> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.pause()
    const head = [`POST ${path} HTTP/1.1`, 'host: x', `api-key: ${testKey}`, 'content-length: 2', '', '{}']
    socket.write(head.join('\r\n'))
    return socket
  }

  it('that does not read pauses the upstream, and gets the whole stream later', async () => {
    const event = `data: ${'x'.repeat(60_000)}\n\n`
    let written = 0
    place.upstream.answer = async ({ left }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      while (!left.aborted && written < 1_000) {
        written++
        if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve))
      }
      response.end()
    }
    const socket = await ask(await start().listen())
    let last = -1
    await expect.poll(() => last === (last = written) && written > 0, { interval: 200 }).toBe(true)
    expect(written).toBeLessThan(700)
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.length))
    socket.resume()
    await expect.poll(() => bytes).toBeGreaterThan(1_000 * event.length)
  })

  it('that disconnects aborts the request to the upstream', async () => {
    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    }
    const socket = await ask(await start().listen())
    await expect.poll(() => place.upstream.received.length).toBe(1)
    socket.destroy()
    await expect.poll(() => place.upstream.received[0]?.left.aborted).toBe(true)
  })
})
