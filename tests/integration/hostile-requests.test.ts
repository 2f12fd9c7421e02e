import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { chatHead, chatRequest, startListening, tell } from '../support/hostile-client.ts'
import { open, openMany } from '../support/open-sockets.ts'
import { testKey } from '../support/test-simulator.ts'

const short = { headersTimeoutSeconds: 0.8, requestTimeoutSeconds: 1.6 }

/** The status and the JSON body of one answer that closes its connection. */
function parse(text: string): { readonly status: number; readonly body: unknown } {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head).toMatch(/\r\nConnection: close$/)
  expect(head).toContain(`\r\nContent-Length: ${body.length}\r\n`)
  expect(head).toContain('\r\nContent-Type: application/json\r\n')
  return { status: Number(head.slice(9, 12)), body: JSON.parse(body) as unknown }
}

const error = (code: string) => ({ error: { code, message: expect.any(String) as string } })

describe('a listener', () => {
  it('answers 431 to headers that are too long or too many, and continues to serve others', async () => {
    await using server = await startListening({ connections: { headerLimitKb: 4 } })
    const head = 'GET /healthz HTTP/1.1\r\nHost: x\r\n'
    const floods = [
      `${head}x-long: ${'x'.repeat(5_000)}\r\n\r\n`,
      `${head}${'a: 1\r\n'.repeat(3_000)}\r\n`,
      `GET /${'x'.repeat(5_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      // Far more than any buffer can hold.
      `${head}x-long: ${'x'.repeat(20_000_000)}`,
    ]
    for (const flood of floods) {
      expect(parse((await tell(server.port, flood)).text)).toEqual({
        status: 431,
        body: error('RequestHeaderFieldsTooLarge'),
      })
    }
    const fitting = `${head}Connection: close\r\n${'a: 1\r\n'.repeat(500)}\r\n`
    expect((await tell(server.port, fitting)).text).toMatch(/^HTTP\/1\.1 200 OK/)
    expect((await server.ask()).status).toBe(200)
  })

  it('accepts any number of headers within the size limit', async () => {
    await using server = await startListening()
    const many = chatRequest({}, { Connection: 'close' }).replace(
      'api-key',
      `${'a: 1\r\n'.repeat(3_000)}api-key`,
    )
    expect((await tell(server.port, many)).text).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it.each([
    ['garbage', '\u0000\u0001\u0002 no HTTP at all\r\n\r\n'],
    ['a TLS hello', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
    ['two lengths', `${chatHead}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['a length and chunks', `${chatHead}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`],
    ['an invalid length', `${chatHead}Content-Length: -2\r\n\r\n{}`],
    ['a header with a line break in its name', `${chatHead}x y\r\n: 2\r\n\r\n`],
    ['a chunk with an invalid size', `${chatHead}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    [
      'a chunk that is longer than it says',
      `${chatHead}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
    ],
    ['a chunk of endless size', `${chatHead}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}`],
  ])('answers 400 to %s', async (_, bytes) => {
    await using server = await startListening()
    expect(parse((await tell(server.port, bytes)).text)).toEqual({ status: 400, body: error('BadRequest') })
    expect((await server.ask()).status).toBe(200)
    expect(await server.inFlight()).toBe(0)
    expect(server.log).toMatchObject([{ level: 'warn', fields: { malformed: 1 } }])
  })

  it('survives invalid bodies for its admin pages', async () => {
    await using server = await startListening()
    const head = `PATCH /++/config HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(parse((await tell(server.port, `${head}zz\r\n`)).text).status).toBe(400)
    const socket = await open(server.port)
    socket.write(`${head}2\r\n{`)
    await sleep(20)
    socket.resetAndDestroy()
    await sleep(20)
    expect((await server.ask()).status).toBe(200)
    expect(server.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('answers 413 to an endless chunk extension', async () => {
    await using server = await startListening()
    const bytes = `${chatHead}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`
    expect(parse((await tell(server.port, bytes)).text)).toEqual({
      status: 413,
      body: error('RequestEntityTooLarge'),
    })
  })

  it.each([
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['an invalid Host', 'GET /healthz HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n', 400],
    ['an invalid path', 'GET /a\\b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['an asterisk, as one for the root', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    [
      'an unknown expectation',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: much\r\nConnection: close\r\n\r\n',
      417,
    ],
    [
      'a wish to upgrade',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n',
      200,
    ],
    ['a broken escape', `GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 404],
  ])('answers a request with %s, without a stack', async (_, bytes, status) => {
    await using server = await startListening()
    const { text } = await tell(server.port, bytes)
    expect(Number(text.slice(9, 12))).toBe(status)
    expect(text).not.toContain('.ts:')
    expect(server.log).toEqual([])
  })

  it('closes a connection that requests a tunnel or HTTP/2', async () => {
    await using server = await startListening()
    expect((await tell(server.port, 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n')).text).toBe('')
    await tell(server.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect((await server.ask()).status).toBe(200)
  })

  it('answers 408 to slow headers, and serves others meanwhile', async () => {
    await using server = await startListening({ connections: short })
    const slow = Array.from({ length: 50 }, () => tell(server.port, Array.from(chatHead), 50))
    await sleep(100)
    expect((await server.ask()).status).toBe(200)
    for (const { text, ms } of await Promise.all(slow)) {
      expect(parse(text)).toEqual({ status: 408, body: error('Timeout') })
      // The answer precedes the end of the headers, which takes longer to send.
      expect(ms).toBeLessThan(chatHead.length * 50)
    }
    expect(server.log).toHaveLength(1)
  })

  it('answers 408 to a slow body and to a body that stops in the middle', async () => {
    await using server = await startListening({ connections: short })
    const head = `${chatHead}Content-Length: 1000\r\n\r\n`
    const bodies = [
      tell(server.port, [head, ...Array.from('x'.repeat(60))], 25),
      tell(server.port, head),
      tell(server.port, `${chatHead}Transfer-Encoding: chunked\r\n\r\n2\r\n{`),
    ]
    for (const { text } of await Promise.all(bodies)) {
      expect(parse(text)).toEqual({ status: 408, body: error('Timeout') })
    }
    expect((await server.ask()).status).toBe(200)
    expect(await server.inFlight()).toBe(0)
  })

  it('closes an idle connection without an answer', async () => {
    await using server = await startListening({ connections: { ...short, idleTimeoutSeconds: 0.3 } })
    expect(await tell(server.port, '')).toMatchObject({ text: '' })
    // The request timeout does not apply between requests. Node.js adds a second to the idle timeout.
    const { text, ms } = await tell(server.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
    // The default is 75 seconds.
    expect(ms).toBeLessThan(15_000)
  })

  it('closes connections above the limit, serves the others, logs it once, and counts it', async () => {
    await using server = await startListening({ connections: { limit: 20, idleTimeoutSeconds: 30 } })
    const sockets = await openMany(server.port, 60)
    const closed = () => sockets.filter((socket) => socket.closed || socket.readableEnded).length
    for (const socket of sockets) socket.resume()
    await expect.poll(closed).toBe(41)
    const alive = sockets.find((socket) => !socket.readableEnded)
    alive?.write(chatRequest({}, { Connection: 'close' }))
    const answer = await new Promise<string>((resolve) =>
      alive?.once('data', (data) => resolve(String(data))),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
    for (const socket of sockets) socket.destroy()
    expect(server.log).toMatchObject([{ level: 'warn', fields: { turnedAway: 1, maxConnections: 20 } }])
    expect(await server.sim.metrics()).toContain('\naoai_connections_ended_total{reason="turnedAway"} 41\n')
    await server.sim.close()
    expect(server.log).toMatchObject([{}, { fields: { turnedAway: 40 } }])
  })
})

describe('an HTTP/1.0 client', () => {
  const old = (request: string): string => request.replace('HTTP/1.1', 'HTTP/1.0')

  it.each([
    ['a stream', chatRequest({ stream: true }), /\n\ndata: \[DONE\]\n\n$/],
    [
      'a stream in its own time',
      chatRequest({ stream: true }, { 'x-sim-delay-ms': '30' }),
      /data: \[DONE\]\n\n$/,
    ],
    [
      'an error that others get in chunks',
      chatRequest().replace('gpt-4o-mini', 'none'),
      /\r\n\r\n\{\n {2}"error"[^]*\}$/,
    ],
  ])('gets %s without chunked encoding, which it does not support', async (_, request, end) => {
    await using server = await startListening({ allowUndefinedDeployments: false })
    const { text } = await tell(server.port, old(request))
    expect(text).not.toMatch(/transfer-encoding/i)
    expect(text).toMatch(end)
  })

  it('is informed whether its connection stays open', async () => {
    await using server = await startListening()
    expect((await tell(server.port, old(chatRequest()))).text).toContain('\r\nConnection: close\r\n')
    const twice = old(chatRequest({}, { Connection: 'keep-alive' })) + old(chatRequest())
    const { text } = await tell(server.port, twice)
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
    expect(text).toContain('\r\nConnection: keep-alive\r\n')
  })
})

describe('pipelined requests', () => {
  it('are answered in order, even a thousand of them', async () => {
    await using server = await startListening()
    const socket = await open(server.port)
    const paths = Array.from({ length: 999 }, (_, index) => (index % 2 ? '/healthz' : `/none-${index}`))
    const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')
    const received = new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (data) => (text += String(data))).on('close', () => resolve(text))
    })
    socket.write(`${bytes}${chatRequest({}, { Connection: 'close' })}`)
    const statuses = [...(await received).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    expect(statuses).toEqual([...paths.map((path) => (path === '/healthz' ? 200 : 404)), 200])
  })

  it('are answered before a connection that then requests a tunnel is closed', async () => {
    await using server = await startListening()
    const slow = chatRequest({}, { 'x-sim-delay-ms': '50' })
    const { text } = await tell(server.port, `${slow}${slow}CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  })

  it('are aborted with their connection, including those that were not started', async () => {
    await using server = await startListening({
      latency: { timeScale: 1 },
      deployments: { slow: { model: 'gpt-4o-mini', latency: { firstToken: 60_000 } } },
    })
    const socket = await open(server.port)
    const request = chatRequest().replace('gpt-4o-mini', 'slow')
    socket.write(request.repeat(50))
    await expect.poll(() => server.inFlight()).toBe(50)
    socket.resetAndDestroy()
    await expect.poll(() => server.inFlight()).toBe(0)
  })

  it('above the limit close their connection', async () => {
    await using server = await startListening({
      connections: { pipelineLimit: 10 },
      latency: { timeScale: 1 },
      // Both names that the request contains.
      deployments: {
        'gpt-4o-mini': { model: 'gpt-4o-mini' },
        slow: { model: 'gpt-4o-mini', latency: { firstToken: 60_000 } },
      },
    })
    const request = chatRequest().replace('gpt-4o-mini', 'slow')
    expect((await tell(server.port, request.repeat(100))).text).toBe('')
    await expect.poll(() => server.inFlight()).toBe(0)
    expect(server.log).toMatchObject([{ fields: { pipelinedTooMuch: 1 } }])
  })
})
