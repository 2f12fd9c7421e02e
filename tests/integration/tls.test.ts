import { renameSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { createSimulator } from '../../src/index.ts'
import type { TlsFiles } from '../../src/config/tls-settings.ts'
import type { ClockChoice, SimulatorOptions } from '../../src/server/simulator-handle.ts'
import { certificateFolder, testPair } from '../support/certificates.ts'
import { chatHead, chatRequest } from '../support/hostile-client.ts'
import { open, openMany } from '../support/open-sockets.ts'
import { requestBytes } from '../support/raw-http.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { testKey } from '../support/test-simulator.ts'

/** Starts a simulator that serves HTTPS. */
async function startTls<const C extends ClockChoice = 'system'>(
  files: TlsFiles,
  options: SimulatorOptions<C> = {},
) {
  const log: LogLine[] = []
  const { certPath, keyPath } = files
  const sim = await createSimulator<C>({
    apiKey: testKey,
    seed: 'tls',
    log: collectInto(log),
    tls: { certPath, keyPath },
    ...options,
  })
  const { url } = await sim.listen()
  return {
    sim,
    url,
    log,
    port: Number(new URL(url).port),
    ended: async (reason: string) =>
      Number(
        new RegExp(`^aoai_connections_ended_total\\{reason="${reason}"\\} (\\d+)`, 'm').exec(
          await sim.metrics(),
        )?.[1],
      ),
    [Symbol.asyncDispose]: () => sim.close(),
  }
}

const startWithPair = async (options?: SimulatorOptions<'system'>) =>
  startTls(certificateFolder(await testPair()), options)

async function openTls(port: number, name = 'first'): Promise<TLSSocket> {
  const { cert } = await testPair(name)
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert })
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject)
  })
  return socket
}

/** What was received until the connection ended. */
interface Received {
  readonly text: string
  readonly end: 'reset' | 'closed'
}

function untilEnd(socket: Socket): Promise<Received> {
  return new Promise((resolve) => {
    let text = ''
    let end: Received['end'] = 'closed'
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')))
    socket.on('error', () => (end = 'reset'))
    socket.on('close', () => resolve({ text, end }))
  })
}

async function tellTls(port: number, bytes: string): Promise<Received> {
  const socket = await openTls(port)
  socket.write(bytes)
  return untilEnd(socket)
}

const last = { Connection: 'close' }

describe('a listener with TLS', () => {
  it('answers whole and streamed chat completions', async () => {
    await using server = await startWithPair()
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const whole = await tellTls(server.port, chatRequest({}, last))
    expect(whole.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]+"finish_reason":"length"/)
    const stream = await tellTls(server.port, chatRequest({ stream: true }, last))
    expect(stream.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]+data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
  })

  it('answers paced streams', async () => {
    await using server = await startWithPair({ latency: { timeScale: 0.2 } })
    const { text } = await tellTls(server.port, chatRequest({ stream: true }, last))
    expect(text.match(/^data: /gm)?.length).toBeGreaterThan(20)
    expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
  })

  it('answers a thousand pipelined requests in order', async () => {
    await using server = await startWithPair()
    const paths = Array.from({ length: 999 }, (_, index) => (index % 2 ? '/healthz' : `/none-${index}`))
    const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')
    const { text } = await tellTls(server.port, bytes + chatRequest({}, last))
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    expect(statuses).toEqual([...paths.map((path) => (path === '/healthz' ? 200 : 404)), 200])
  })

  it('has its scheme in the URL of an image', async () => {
    await using server = await startWithPair()
    const image = (headers: Record<string, string>): string =>
      requestBytes({
        path: '/openai/deployments/dall-e-3/images/generations?api-version=2024-10-21',
        headers: { 'api-key': testKey, 'Content-Type': 'application/json', ...last, ...headers },
        body: '{"prompt":"a cat"}',
      })
    const [, url = ''] = /"url":"([^"]+)"/.exec((await tellTls(server.port, image({}))).text) ?? []
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1\//)
    const behindProxy = await tellTls(server.port, image({ 'x-forwarded-proto': 'http' }))
    expect(behindProxy.text).toContain('"url":"http://')
  })

  it('uses HTTP/1.1, also for clients that offer HTTP/2', async () => {
    await using server = await startWithPair()
    const { cert } = await testPair()
    const socket = connect({
      port: server.port,
      host: '127.0.0.1',
      ca: cert,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })

  it('answers a request to upgrade as a normal one', async () => {
    await using server = await startWithPair()
    const request = chatRequest({}, { ...last, Connection: 'Upgrade, close', Upgrade: 'websocket' })
    expect((await tellTls(server.port, request)).text).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('answers 400 to malformed requests, and 408 to late ones', async () => {
    await using server = await startWithPair({
      connections: { headersTimeoutSeconds: 0.8, requestTimeoutSeconds: 0.8 },
    })
    const malformed = await tellTls(server.port, `${chatHead}Content-Length: -2\r\n\r\n{}`)
    expect(malformed.text).toMatch(/^HTTP\/1\.1 400 Bad Request/)
    const late = await tellTls(server.port, `${chatHead}Content-Length: 2\r\n\r\n{`)
    expect(late.text).toMatch(/^HTTP\/1\.1 408 /)
    expect([await server.ended('malformed'), await server.ended('late')]).toEqual([1, 1])
  })

  it.each([
    ['cutBeforeHeaders', false, /^$/, 'reset'],
    ['cut', false, /^HTTP\/1\.1 200 OK[^]+[^}\n]$/, 'reset'],
    ['cut;afterEvents=4', true, /^HTTP\/1\.1 200 OK[^]+data: /, 'reset'],
    ['truncate', false, /^HTTP\/1\.1 200 OK[^]+[^}\n]$/, 'closed'],
  ])('ends the connection as configured by the fault %s', async (fault, stream, text, end) => {
    await using server = await startWithPair()
    const received = await tellTls(server.port, chatRequest({ stream }, { 'x-sim-fault': fault }))
    expect(received.text).toMatch(text)
    expect(received.end).toBe(end)
  })

  it('disconnects clients that do not read, and only those', async () => {
    await using server = await startWithPair({ connections: { writeStallSeconds: 1 } })
    const streams = Array.from({ length: 8 }, () => chatRequest({ stream: true, max_tokens: 16_000 })).join(
      '',
    )
    const [stalled, slow] = [await openTls(server.port), await openTls(server.port)]
    for (const socket of [stalled, slow])
      socket
        .on('error', () => {})
        .pause()
        .write(streams)
    const reading = setInterval(() => slow.read(200_000), 100)
    await expect.poll(() => server.ended('stalledReaders'), { timeout: 10_000 }).toBe(1)
    await sleep(500)
    clearInterval(reading)
    expect(await server.ended('stalledReaders')).toBe(1)
    slow.destroy()
    stalled.destroy()
  })
})

describe('a handshake', () => {
  it('fails for plain HTTP, other protocols and unknown ALPN protocols, which are counted', async () => {
    await using server = await startWithPair()
    for (const bytes of [chatRequest(), '\u0000\u0001\u0002 neither HTTP nor TLS\r\n\r\n']) {
      const socket = await open(server.port)
      socket.write(bytes)
      expect((await untilEnd(socket)).text).not.toContain('HTTP/1.1')
    }
    const { cert } = await testPair()
    const onlyHttp2 = connect({ port: server.port, host: '127.0.0.1', ca: cert, ALPNProtocols: ['h2'] })
    await new Promise((resolve) => onlyHttp2.once('error', resolve))
    expect([await server.ended('plainHttp'), await server.ended('tlsFailed')]).toEqual([1, 2])
    expect((await tellTls(server.port, chatRequest({}, last))).text).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('is closed after the timeout for headers, and counts as late', async () => {
    await using server = await startWithPair({ connections: { headersTimeoutSeconds: 0.5 } })
    const sockets = await openMany(server.port, 100)
    expect((await tellTls(server.port, chatRequest({}, last))).text).toMatch(/^HTTP\/1\.1 200 OK/)
    await Promise.all(sockets.map((socket) => untilEnd(socket)))
    expect(await server.ended('late')).toBe(100)
  })

  it('counts for the limit of connections', async () => {
    await using server = await startWithPair({ connections: { limit: 20 } })
    const sockets = await openMany(server.port, 20)
    const more = connectTcp(server.port, '127.0.0.1')
    await untilEnd(more)
    expect(await server.ended('turnedAway')).toBe(1)
    for (const socket of sockets) socket.destroy()
  })

  it('does not delay the stop', async () => {
    const server = await startWithPair({ shutdownGraceSeconds: 60 })
    const socket = await open(server.port)
    await sleep(50)
    const ended = untilEnd(socket)
    await server.sim.close()
    expect((await ended).text).toBe('')
  })
})

/** Serial of the certificate that a new connection gets. */
async function servedSerial(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

describe('a changed certificate', () => {
  it('is used by new connections, while a stream on an open one continues', async () => {
    const files = certificateFolder(await testPair())
    await using server = await startTls(files, { clock: 'virtual', latency: { timeScale: 1 } })
    const before = await servedSerial(server.port)
    const stream = await openTls(server.port)
    const received = untilEnd(stream)
    stream.write(chatRequest({ stream: true }, last))
    await expect.poll(() => server.sim.clock.advance(1).then(() => stream.bytesRead)).toBeGreaterThan(2_500)
    const next = await testPair('second')
    writeFileSync(files.certPath, next.cert)
    writeFileSync(files.keyPath, next.key)
    await expect.poll(() => servedSerial(server.port), { timeout: 5_000 }).not.toBe(before)
    expect(stream.destroyed).toBe(false)
    expect(server.log).toMatchObject([{ level: 'info', fields: { validTo: expect.any(String) as string } }])
    const after = await openTls(server.port, 'second')
    after.destroy()
    await server.sim.clock.advance(60_000)
    const { text, end } = await received
    expect({ end, isComplete: text.endsWith('data: [DONE]\n\n\r\n0\r\n\r\n') }).toEqual({
      end: 'closed',
      isComplete: true,
    })
  })

  it('is used when a link to its folder is replaced, as in Kubernetes', async () => {
    const { folder } = certificateFolder(await testPair())
    const volume = join(folder, 'volume')
    const put = async (version: string, name: string): Promise<void> => {
      const { cert, key } = await testPair(name)
      mkdirSync(join(volume, version), { recursive: true })
      writeFileSync(join(volume, version, 'tls.crt'), cert)
      writeFileSync(join(volume, version, 'tls.key'), key)
      symlinkSync(version, join(volume, '..data_tmp'))
      renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
    }
    await put('..2026_1', 'first')
    const files = { certPath: join(volume, 'tls.crt'), keyPath: join(volume, 'tls.key') }
    symlinkSync('..data/tls.crt', files.certPath)
    symlinkSync('..data/tls.key', files.keyPath)
    await using server = await startTls(files)
    const before = await servedSerial(server.port)
    await sleep(200)
    await put('..2026_2', 'second')
    await expect.poll(() => servedSerial(server.port), { timeout: 5_000 }).not.toBe(before)
  })

  it('is ignored with a message while it is invalid', async () => {
    const files = certificateFolder(await testPair())
    await using server = await startTls(files)
    const before = await servedSerial(server.port)
    const next = await testPair('second')
    writeFileSync(files.certPath, next.cert)
    await expect.poll(() => server.log.length, { timeout: 5_000 }).toBe(1)
    expect(server.log).toMatchObject([
      { level: 'error', message: expect.stringContaining('Could not reload the certificate.') as string },
    ])
    expect(JSON.stringify(server.log)).toContain('the key of another certificate')
    expect(JSON.stringify(server.log)).not.toContain('PRIVATE KEY')
    expect(await servedSerial(server.port)).toBe(before)
    writeFileSync(files.keyPath, next.key)
    await expect.poll(() => servedSerial(server.port), { timeout: 5_000 }).not.toBe(before)
  })
})
