import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { Hook } from '../../src/pipeline/stage.ts'
import {
  chatHead,
  chatRequest,
  type ListeningSimulator,
  startListening,
  tell,
} from '../support/hostile-client.ts'
import { open, openMany } from '../support/open-sockets.ts'
import { requestBytes } from '../support/raw-http.ts'
import { deploymentPath, testKey } from '../support/test-simulator.ts'

const MB = 1024 * 1024

// Memory is only comparable after a garbage collection.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Memory in use by the process, in MB. A second collection, because V8 frees external memory beside the program. */
async function usedMb(): Promise<number> {
  collect()
  await sleep(50)
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MB
}

const timersOf = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** A deployment with limits that are never reached. */
const wide = { model: 'gpt-4o-mini', tokensPerMinute: 1_000_000_000, requestsPerMinute: 1_000_000 } as const

/** Streams of 1,000 tokens, one every 20 ms. */
const paced = {
  latency: { timeScale: 1 },
  deployments: { 'gpt-4o-mini': { model: 'gpt-4o-mini', latency: { firstToken: 5, perToken: 20 } } },
} as const

describe('clients that disconnect during a stream', () => {
  it('leave no request in flight, no timer and no memory behind', async () => {
    await using server = await startListening({
      ...paced,
      deployments: {
        'gpt-4o-mini': {
          model: 'gpt-4o-mini',
          latency: { firstToken: 5, perToken: 20, concurrency: { slots: 240, queueLength: 0 } },
        },
      },
    })
    const timersBefore = timersOf()
    const leaveAll = async (): Promise<void> => {
      const sockets = await openMany(server.port, 240)
      const begun = sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve)))
      for (const socket of sockets) socket.write(chatRequest({ stream: true, max_tokens: 1_000 }))
      // One third disconnects normally, one third with a reset, and one third immediately.
      await Promise.all(begun.filter((_, index) => index % 3 !== 2))
      for (const [index, socket] of sockets.entries()) {
        if (index % 3 === 1) socket.resetAndDestroy()
        else socket.destroy()
      }
      await expect.poll(() => server.inFlight()).toBe(0)
    }
    await leaveAll()
    const before = await usedMb()
    await leaveAll()
    await leaveAll()
    expect((await usedMb()) - before).toBeLessThan(10)
    for (let attempt = 0; attempt < 200 && timersOf() > timersBefore + 1; attempt++) await sleep(20)
    expect(timersOf()).toBeLessThanOrEqual(timersBefore + 1)
    // A slot that was not released would refuse this request.
    expect((await server.ask()).status).toBe(200)
    expect(await server.sim.metrics()).toMatch(/aoai_client_disconnects_total\{[^}]*\} [4-7]\d\d/)
  })

  it('while they upload do not leave their bodies in memory', async () => {
    await using server = await startListening({ bodyLimitMb: 8, bodiesLimitMb: 8 })
    const upload = `${chatHead}Content-Length: ${7 * MB}\r\n\r\n${' '.repeat(6 * MB)}`
    for (let round = 0; round < 5; round++) {
      const socket = await open(server.port)
      await new Promise((resolve) => socket.write(upload, resolve))
      await sleep(20)
      socket.resetAndDestroy()
      await sleep(20)
    }
    expect(await postSpaces(server, 6 * MB)).toMatch(/^HTTP\/1\.1 400 /)
  })
})

const postSpaces = async ({ port }: ListeningSimulator, bytes: number): Promise<string> => {
  const head = `${chatHead}Connection: close\r\nContent-Length: ${bytes}\r\n\r\n`
  return (await tell(port, [head, ' '.repeat(bytes)])).text
}

describe('slow readers', () => {
  it('of long streams use little memory, block no other client, and are disconnected in the end', async () => {
    await using server = await startListening({
      connections: { writeStallSeconds: 3 },
      deployments: { 'gpt-4o-mini': wide },
    })
    const sockets = await openMany(server.port, 12)
    const before = await usedMb()
    for (const socket of sockets) {
      socket.pause()
      // 4 MB each when read: the tokens of the answer take 1.4 MB.
      socket.write(chatRequest({ stream: true, max_tokens: 16_000 }))
    }
    await expect.poll(() => server.inFlight()).toBe(sockets.length)
    await sleep(200)
    expect((await server.ask()).status).toBe(200)
    expect(((await usedMb()) - before) / sockets.length).toBeLessThan(2)
    await expect.poll(() => server.inFlight()).toBe(0)
    expect(server.log).toMatchObject([{ fields: { stalledReaders: 1 } }])
    for (const socket of sockets) socket.destroy()
  })

  it('of 200 KB that fit into the socket buffers are not tracked', async () => {
    await using server = await startListening({
      connections: { writeStallSeconds: 0.4, idleTimeoutSeconds: 0.4 },
    })
    const before = await usedMb()
    const sockets = await openMany(server.port, 200)
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of sockets) {
      socket.pause()
      socket.write(chatRequest({ stream: true, max_tokens: 800 }))
    }
    await expect.poll(() => server.inFlight()).toBe(0)
    expect(((await usedMb()) - before) / sockets.length).toBeLessThan(0.3)
    // To generate all of them again would take seconds.
    expect((await server.ask()).ms).toBeLessThan(5_000)
    for (const socket of sockets) socket.resume()
    await Promise.all(closed)
  })

  it('that continue to read are not disconnected, however long they take', async () => {
    await using server = await startListening({
      connections: { writeStallSeconds: 2 },
      deployments: { 'gpt-4o-mini': wide },
    })
    const socket = await open(server.port)
    let allowedBytes = 0
    let readBytes = 0
    let end = ''
    socket.on('data', (data) => {
      readBytes += data.length
      end = end.slice(-10) + data.toString('latin1')
      if (readBytes >= allowedBytes) socket.pause()
    })
    // 16 MB at 5 MB per second: the operating system reports free space only when a third of its buffer is free.
    const grant = setInterval(() => {
      allowedBytes += 0.25 * MB
      socket.resume()
    }, 50)
    socket.write(chatRequest({ stream: true, max_tokens: 16_000, n: 4 }, { Connection: 'close' }))
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(grant)
    expect(end).toMatch(/\r\n0\r\n\r\n$/)
    expect(server.log).toEqual([])
  })

  it('that wait for a slow answer are not disconnected', async () => {
    await using server = await startListening({
      connections: {
        writeStallSeconds: 0.6,
        idleTimeoutSeconds: 0.6,
        headersTimeoutSeconds: 0.6,
        requestTimeoutSeconds: 0.6,
      },
      latency: { timeScale: 1 },
      deployments: { 'gpt-4o-mini': { model: 'gpt-4o-mini', latency: { firstToken: 1_500, perToken: 0 } } },
    })
    expect((await server.ask()).status).toBe(200)
    expect(server.log).toEqual([])
  })
})

describe('uploads', () => {
  it('above the limit for all bodies get 503 with retry-after, and small ones are accepted', async () => {
    await using server = await startListening({ bodyLimitMb: 8, bodiesLimitMb: 8 })
    const holder = await open(server.port)
    const part = `${chatHead}Content-Length: ${7 * MB}\r\n\r\n${' '.repeat(6 * MB)}`
    await new Promise((resolve) => holder.write(part, resolve))
    let refused = ''
    // Until the bytes of the first upload have arrived.
    const post = async (): Promise<string> => (refused = await postSpaces(server, 4 * MB))
    await expect.poll(post).toMatch(/^HTTP\/1\.1 503 /)
    expect(refused).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(refused).toContain('\r\nretry-after: 1\r\n')
    expect(JSON.parse(refused.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      error: { code: 'InternalServerError' },
    })
    expect((await server.ask()).status).toBe(200)
    holder.destroy()
    await expect.poll(post).toMatch(/^HTTP\/1\.1 400 /)
    for (let times = 0; times < 4; times++)
      expect(await postSpaces(server, 4 * MB)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('in tiny chunks use no more memory than their bytes', async () => {
    await using server = await startListening()
    const before = await usedMb()
    const socket = await open(server.port)
    socket.write(`${chatHead}Transfer-Encoding: chunked\r\n\r\n`)
    const chunks = '1\r\n \r\n'.repeat(10_000)
    for (let sent = 0; sent < 30; sent++) await new Promise((resolve) => socket.write(chunks, resolve))
    await sleep(200)
    expect((await usedMb()) - before).toBeLessThan(20)
    expect((await server.ask()).status).toBe(200)
    socket.destroy()
  })

  it('from many clients all get an answer', async () => {
    await using server = await startListening({ bodyLimitMb: 4, bodiesLimitMb: 8 })
    const before = await usedMb()
    const answers = await Promise.all(Array.from({ length: 30 }, () => postSpaces(server, 3 * MB)))
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 (400|503) /)
    // Node.js frees the buffers of closed sockets somewhat later.
    await expect.poll(async () => (await usedMb()) - before).toBeLessThan(50)
    expect(await postSpaces(server, 3 * MB)).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('callers without the key', () => {
  const wrongKeyHead = chatHead.replace(testKey, 'wrong')
  const started = (more: object = {}): Promise<ListeningSimulator> =>
    startListening({ bodyLimitMb: 8, bodiesLimitMb: 8, ...more })

  it.each([
    ['a large body', `Content-Length: ${7 * MB}\r\n\r\n${' '.repeat(MB)}`],
    ['a body of unknown length', `Transfer-Encoding: chunked\r\n\r\n100000\r\n${' '.repeat(MB)}\r\n`],
    ['a body with Expect: 100-continue', `Content-Length: 10\r\nExpect: 100-continue\r\n\r\n`],
  ])('get 401 for %s before it has arrived, and their connection is closed', async (_, rest) => {
    await using server = await started()
    const { text } = await tell(server.port, wrongKeyHead + rest)
    expect(text).toMatch(/^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n/)
    expect(text).toContain('Access denied due to invalid subscription key')
  })

  it('get the error for an unknown path first, as for small bodies', async () => {
    await using server = await started()
    const head = wrongKeyHead.replace('chat/completions', 'nothing')
    const { text } = await tell(server.port, `${head}Content-Length: ${7 * MB}\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('do not use the limit for all bodies, and get an answer while they still send', async () => {
    await using server = await started()
    const sockets = await openMany(server.port, 10)
    const upload = `${wrongKeyHead}Content-Length: ${7 * MB}\r\n\r\n${' '.repeat(6 * MB)}`
    for (const socket of sockets) socket.resume().write(upload)
    expect(await postSpaces(server, 6 * MB)).toMatch(/^HTTP\/1\.1 400 /)
    await expect.poll(() => sockets.every((socket) => socket.destroyed)).toBe(true)
    await expect.poll(() => server.inFlight()).toBe(0)
  })

  it('get no answer to a request that follows a refused one', async () => {
    await using server = await started()
    const refused = `${wrongKeyHead}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    const { text } = await tell(server.port, refused + refused)
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  it('can send a whole body if a hook of an extension can authenticate them', async () => {
    const hook: Hook = (exchange, next) => {
      if (exchange.body.length === 2 * MB) exchange.caller = 'known by its body'
      return next()
    }
    await using server = await started({ extensions: [{ name: 'by-body', hooks: [hook] }] })
    const head = `${wrongKeyHead}Connection: close\r\nContent-Length: ${2 * MB}\r\n\r\n`
    const { text } = await tell(server.port, [head, ' '.repeat(2 * MB)])
    // The 400 is for the body, so the caller was accepted.
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('callers with the key', () => {
  it('get 100 Continue for Expect: 100-continue', async () => {
    await using server = await startListening()
    const head = `${chatHead}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`
    const { text } = await tell(server.port, [head, '{}'], 50)
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /)
  })
})

describe('answers in progress', () => {
  const slow = { model: 'gpt-4o-mini', latency: { firstToken: 60_000, perToken: 1_000 } }
  const start = (): Promise<ListeningSimulator> =>
    startListening({
      bodyLimitMb: 1,
      bodiesLimitMb: 32,
      deployments: {
        'gpt-4o-mini': wide,
        slow,
        'text-embedding-3-large': { model: 'text-embedding-3-large' },
      },
    })
  /** The choices of this request use 31 MB. */
  const large = (more: object = {}): string =>
    chatRequest({ n: 128, max_tokens: 16_384, ...more }).replaceAll('gpt-4o-mini', 'slow')
  const statusOf = async (port: number, request: string): Promise<string> =>
    (await tell(port, request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).text.slice(0, 12)

  it.each([true, false])(
    'above the memory limit get 503, and small ones are answered (streamed: %s)',
    async (stream) => {
      await using server = await start()
      const first = await open(server.port)
      first.write(large({ stream }))
      await expect.poll(() => server.inFlight()).toBe(1)
      const refused = await tell(
        server.port,
        large({ stream }).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      )
      expect(refused.text).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/)
      expect((await server.ask()).status).toBe(200)
      first.destroy()
      await expect.poll(() => server.inFlight()).toBe(0)
      const next = await open(server.port)
      next.write(large({ stream }))
      await expect.poll(() => server.inFlight()).toBe(1)
      next.destroy()
    },
  )

  it('with many embeddings are the same in several pieces as in one, and have a Content-Length', async () => {
    await using server = await start()
    const path = deploymentPath('text-embedding-3-large', 'embeddings')
    const headers = { 'api-key': testKey, 'content-type': 'application/json' }
    const body = JSON.stringify({ input: Array.from({ length: 40 }, (_, index) => `text ${index}`) })
    const init = { method: 'POST', headers, body }
    const inPieces = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    const text = await inPieces.text()
    expect(Number(inPieces.headers.get('content-length'))).toBe(text.length)
    expect(text).toBe(await (await server.sim.fetch(`http://x${path}`, init)).text())
    const { data } = JSON.parse(text) as { data: { index: number; embedding: number[] }[] }
    expect(data.map(({ index, embedding }) => [index, embedding.length])).toEqual(
      Array.from({ length: 40 }, (_, index) => [index, 3_072]),
    )
  })

  it('with many choices are complete and have log probabilities for each token', async () => {
    await using server = await start()
    const { text } = await tell(
      server.port,
      chatRequest({ n: 20, max_tokens: 300, logprobs: true, top_logprobs: 2 }, { Connection: 'close' }),
    )
    const [head = '', body = ''] = text.split('\r\n\r\n')
    expect(head).toContain(`Content-Length: ${body.length}`)
    const { choices } = JSON.parse(body) as { choices: { logprobs: { content: unknown[] } }[] }
    expect(choices.map(({ logprobs }) => logprobs.content.length)).toEqual(
      Array.from({ length: 20 }, () => 300),
    )
  })

  it('are released when their client leaves while they are rendered', async () => {
    await using server = await start()
    const path = deploymentPath('text-embedding-3-large', 'embeddings')
    const body = JSON.stringify({ input: Array.from({ length: 400 }, (_, index) => `text ${index}`) })
    const socket = await open(server.port)
    socket.write(
      requestBytes({ path, headers: { 'api-key': testKey, 'content-type': 'application/json' }, body }),
    )
    await expect.poll(() => server.inFlight()).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => server.inFlight()).toBe(0)
    expect(await statusOf(server.port, chatRequest())).toBe('HTTP/1.1 200')
    expect(server.log).toEqual([])
  })
})
