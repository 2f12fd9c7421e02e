import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { defaultConnectionLimits } from '../../src/config/server-settings.ts'
import { type Listener, listen } from '../../src/server/listen.ts'
import type { Upgrade, UpgradeRoute } from '../../src/server/upgrades.ts'
import { tell } from '../support/hostile-client.ts'
import { open } from '../support/open-sockets.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const chatPath = deploymentPath('gpt-4o-mini', 'chat/completions')
const upgradeHeaders = 'Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: h2c\r\n'
const last = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
const post = (body: object, more = '') => {
  const text = JSON.stringify(body)
  return `POST ${chatPath} HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\nContent-Length: ${text.length}\r\n${more}\r\n${text}`
}
const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }

/** Route that echoes each chunk in capitals until the server stops. */
const echo = () => {
  const taken: Upgrade[] = []
  const route: UpgradeRoute = {
    protocol: 'echo',
    matches: (path) => path === '/echo',
    handle(upgrade) {
      taken.push(upgrade)
      const { socket, head, stopping } = upgrade
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.unshift(head)
      socket.on('data', (data) => socket.write(String(data).toUpperCase()))
      stopping.addEventListener('abort', () => socket.end('bye'))
    },
  }
  return { taken, route }
}

const serve = async (upgrades: readonly UpgradeRoute[] = []) => {
  const { app } = createTestSimulator()
  const { fetch, answerSocket, wantsBody, endStreams } = app
  const connections = { ...defaultConnectionLimits, pipelineLimit: 100 }
  const listener: Listener = await listen(
    { fetch, answerSocket, wantsBody, endStreams, upgrades },
    '127.0.0.1',
    0,
    { connections },
  )
  return {
    listener,
    port: Number(new URL(listener.url).port),
    [Symbol.asyncDispose]: () => listener.close(0),
  }
}

const statuses = (text: string) =>
  Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))
/** Without the parts that differ each time. */
const comparable = (text: string) =>
  text.replace(/^(date|.*request-id|x-ratelimit-remaining-requests): .*$/gim, '$1')

const readUntil = async (socket: Socket, isComplete: (text: string) => boolean): Promise<string> => {
  let text = ''
  for await (const data of socket.iterator({ destroyOnReturn: false })) {
    text += String(data)
    if (isComplete(text)) break
  }
  return text
}

describe('an upgrade request without a route', () => {
  it.each([
    ['a page', get('/healthz', 'Connection: close\r\n')],
    ['an unknown path', get('/openai/nothing', `api-key: ${testKey}\r\nConnection: close\r\n`)],
    ['two Hosts', get('/healthz', 'Host: y\r\nConnection: close\r\n')],
    ['a target in absolute form', get('http://x/healthz', 'Connection: close\r\n')],
    ['a broken body', post([], 'Connection: close\r\n')],
  ])('is treated as a plain request: %s', async (_, bytes) => {
    await using server = await serve()
    const plain = await tell(server.port, bytes)
    const upgraded = await tell(
      server.port,
      bytes.replace('Connection: close\r\n', 'Connection: close, Upgrade\r\nUpgrade: h2c\r\n'),
    )
    expect(plain.text).not.toBe('')
    expect(comparable(upgraded.text)).toBe(comparable(plain.text))
  })

  it('is answered like any other among pipelined requests', async () => {
    await using server = await serve()
    const bytes = [
      get('/healthz'),
      post(hello),
      get('/nothing', upgradeHeaders),
      ...Array.from({ length: 30 }, () => get('/healthz', upgradeHeaders)),
      last,
    ]
    const { text } = await tell(server.port, bytes.join(''))
    expect(statuses(text)).toEqual([200, 200, 404, ...Array.from({ length: 31 }, () => 200)])
  })

  // From Node.js 26 on, Node.js drops bytes that arrive in the same chunk as the body of an upgrade request.
  it.skipIf(Number.parseInt(process.versions.node, 10) >= 26)('is answered after a body', async () => {
    await using server = await serve()
    const { text } = await tell(
      server.port,
      post(hello) + post(hello, upgradeHeaders) + post(hello, upgradeHeaders) + last,
    )
    expect(statuses(text)).toEqual([200, 200, 200, 200])
    expect(text.match(/"chat\.completion"/g)).toHaveLength(3)
  })

  it('does not block an earlier answer to a slow reader', async () => {
    await using server = await serve()
    const socket = await open(server.port)
    socket.write(post({ ...hello, n: 128, max_tokens: 10_000 }) + get('/healthz', upgradeHeaders) + last)
    await sleep(500)
    expect(statuses(await readUntil(socket, () => false))).toEqual([200, 200, 200])
  })

  it('can arrive byte by byte, with a later body', async () => {
    await using server = await serve()
    const { text } = await tell(server.port, [...Array.from(post(hello, upgradeHeaders)), last], 1)
    expect(statuses(text)).toEqual([200, 200])
  })
})

describe('an upgrade request with a route', () => {
  const upgrade = get('/echo?a=b', 'Connection: Upgrade\r\nUpgrade: echo\r\n')

  it('gets the connection and the bytes after the request, after the earlier answers', async () => {
    const { route, taken } = echo()
    await using server = await serve([route])
    const socket = await open(server.port)
    socket.write(`${post(hello)}${get('/healthz')}${upgrade}early`)
    const first = await readUntil(socket, (text) => text.endsWith('EARLY'))
    expect(statuses(first)).toEqual([200, 200, 101])
    socket.write('late')
    expect(await readUntil(socket, (text) => text.endsWith('LATE'))).toBe('LATE')
    expect(taken.map(({ incoming }) => incoming.url)).toEqual(['/echo?a=b'])
    socket.destroy()
  })

  it('must have the path and protocol of the route, and valid headers', async () => {
    const { route, taken } = echo()
    await using server = await serve([route])
    const close = 'Connection: Upgrade, close\r\n'
    const others = [
      get('/healthz', `${close}Upgrade: echo\r\n`),
      get('/echo', `${close}Upgrade: websocket\r\n`),
      get('/echo', `${close}Upgrade: echo\r\nHost: y\r\n`),
    ]
    const answers = await Promise.all(others.map((bytes) => tell(server.port, bytes)))
    expect(answers.map(({ text }) => statuses(text)[0])).toEqual([200, 404, 400])
    expect(taken).toEqual([])
  })

  it('is notified when the server stops, and is closed at the end of the grace period', async () => {
    const { route } = echo()
    const server = await serve([route])
    const polite = await open(server.port)
    polite.write(upgrade)
    await readUntil(polite, (text) => text.includes('101'))
    const ended = readUntil(polite, () => false)
    await server.listener.close(60_000)
    expect(await ended).toBe('bye')

    const ignoring = {
      ...route,
      handle: ({ socket }: Upgrade) => void socket.write('HTTP/1.1 101 X\r\n\r\n'),
    }
    const other = await serve([ignoring])
    const held = await open(other.port)
    held.write(upgrade)
    await readUntil(held, (text) => text.includes('101'))
    await other.listener.close(10)
    await sleep(0)
    expect((await readUntil(held, () => false)).length).toBe(0)
  })
})
