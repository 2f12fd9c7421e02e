import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { listen } from '../../src/server/listen.ts'
import { forwardToPrimary, servePages } from '../../src/server/workers/primary-pages.ts'
import { open } from '../support/open-sockets.ts'
import { sendRaw } from '../support/raw-http.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

/** The app of a worker with a primary that returns the request line. */
const createWorkerApp = (primary = async ({ method, url }: Request) => new Response(`${method} ${url}`)) => {
  const { simulator, log } = createTestSimulator()
  return { app: createApp(simulator, { primary }), log }
}

const isForwarded = async (path: string, init: RequestInit = {}): Promise<boolean> => {
  const { app } = createWorkerApp()
  const response = await app.request(path, init)
  return (await response.text()) === `${init.method ?? 'GET'} http://localhost${path}`
}

describe('several slashes in a row', () => {
  it.each(['//', '//healthz', '///metrics', '//++//config', '//openai///v1//models'])(
    'count as one: %s answers as its plain path does',
    async (path) => {
      const { app } = createTestSimulator()
      const ask = async (asked: string) => {
        const { status, headers } = await app.request(asked, { headers: { 'api-key': testKey } })
        return [status, headers.get('content-type')]
      }
      expect(await ask(path)).toEqual(await ask(path.replace(/\/+/g, '/')))
      expect((await ask(path))[0]).toBe(200)
    },
  )
})

describe('a worker with a primary', () => {
  it.each([
    ['/++/config'],
    ['/++/config?a=b'],
    ['//++//config/'],
    ['//metrics'],
    ['/++/nothing'],
    ['/metrics'],
    ['/++/deployments/a%2Fb', { method: 'DELETE' }],
    ['/++/config', { method: 'OPTIONS' }],
  ] as [string, RequestInit?][])('forwards %s to the primary', async (path, init) => {
    expect(await isForwarded(path, init)).toBe(true)
  })

  it.each([
    ['/'],
    ['/++'],
    ['/healthz'],
    ['/images/a/b.png'],
    ['/metrics', { method: 'POST' }],
    ['//healthz'],
    ['/healthz/'],
    ['/+++/config'],
    ['/++config'],
    ['/openai/nothing'],
    [deploymentPath('gpt-4o', 'chat/completions'), { method: 'POST', body: '{}' }],
  ] as [string, RequestInit?][])('answers %s itself', async (path, init) => {
    expect(await isForwarded(path, init)).toBe(false)
  })

  it('answers 500 and logs it if the primary fails', async () => {
    const { app, log } = createWorkerApp(() => Promise.reject(new Error('it is gone')))
    expect((await app.request('/metrics')).status).toBe(500)
    expect(JSON.stringify(log)).toContain('it is gone')
  })
})

describe('a client with Expect: 100-continue', () => {
  it.each([
    ['PATCH /++/config', '100'],
    ['POST //++/nothing', '100'],
    ['GET /healthz', '100'],
    ['POST /healthz', '404'],
    ['POST /openai/nothing', '404'],
  ])('gets 100 from an existing page, whatever its key: %s', async (asked, status) => {
    const { app } = createTestSimulator()
    const listener = await listen(app, '127.0.0.1', 0)
    const socket = await open(Number(new URL(listener.url).port))
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.write(
      `${asked} HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}-not\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
    )
    expect((await answer).slice(9, 12)).toBe(status)
    socket.destroy()
    await listener.close(0)
  })
})

describe('a page over a socket', () => {
  it.each([
    ['/', ['content-type', 'vary', 'Content-Length', 'Date', 'Connection', 'Keep-Alive']],
    ['/healthz', ['Content-Type', 'Date', 'Connection', 'Keep-Alive', 'Content-Length']],
    ['/metrics', ['Content-Type', 'Date', 'Connection', 'Keep-Alive', 'Content-Length']],
    ['/++/config', ['cache-control', 'content-type', 'Content-Length', 'Date', 'Connection', 'Keep-Alive']],
  ])('is sent in one piece with the headers of the adapter: %s', async (path, names) => {
    const { app } = createTestSimulator()
    const listener = await listen(app, '127.0.0.1', 0)
    const headers = { 'api-key': testKey }
    const answer = await sendRaw(Number(new URL(listener.url).port), { method: 'GET', path, headers })
    expect(answer.headers.map(([name]) => name)).toEqual(names)
    await listener.close(0)
  })

  it('has a Content-Length if the primary answers it in several pieces', async () => {
    const pieces = ['{"a"', ':1}']
    const body = (): ReadableStream =>
      new ReadableStream({
        pull(controller) {
          const piece = pieces.shift()
          if (piece === undefined) controller.close()
          else controller.enqueue(Buffer.from(piece))
        },
      })
    const headers = { 'content-type': 'application/json' }
    const { app } = createWorkerApp(
      forwardToPrimary(servePages(async () => new Response(body(), { headers }))),
    )
    const listener = await listen(app, '127.0.0.1', 0)
    const answer = await sendRaw(Number(new URL(listener.url).port), { method: 'GET', path: '/++/config' })
    expect(answer.body).toBe('{"a":1}')
    expect(answer.headers).toContainEqual(['Content-Length', '7'])
    await listener.close(0)
  })
})

describe('PAGES_PREFIX', () => {
  const pageItem = (path: string, text: string) =>
    cassetteItem('', text, path).replace('method: POST', 'method: GET').replace('code: 200', 'code: 404')
  const items = ['/', '/healthz', '/metrics'].map((path) => pageItem(path, `recorded ${path}`))
  const replaying = (env: Record<string, string>) => {
    const dir = recordingFolder({ 'a.yaml': cassette(...items) })
    return createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...env } })
  }
  const withKey = { headers: { 'api-key': testKey } }
  const headOf = async ({ app }: ReturnType<typeof replaying>, path: string, init?: RequestInit) => {
    const response = await app.request(path, init)
    return `${response.status} ${(await response.text()).slice(0, 16)}`
  }

  it.each(['/', '/healthz', '/metrics'])('replays GET %s for requests with the key', async (path) => {
    const simulator = replaying({ PAGES_PREFIX: '/sim' })
    expect(await headOf(simulator, path, withKey)).toBe(`404 ${`recorded ${path}`.slice(0, 16)}`)
    expect(await headOf(simulator, path, { headers: { authorization: `Bearer ${testKey}` } })).toContain(
      '404 recorded',
    )
    expect(await headOf(simulator, path)).toMatch(/^200 (?!recorded)/)
    expect(await headOf(simulator, path, { headers: { 'api-key': 'wrong' } })).toMatch(/^200 (?!recorded)/)
    expect(await headOf(replaying({}), path, withKey)).toMatch(/^200 (?!recorded)/)
  })

  it.each([
    ['/sim', '200 aoai-simulated-a'],
    ['/sim/', '200 aoai-simulated-a'],
    ['//sim//healthz', '200 {"status":"ok","'],
    ['/sim/metrics', '200 # HELP '],
    ['/sim/++/config', '200 {"simulator_mode'],
    ['/sim/++/config/', '200 {"simulator_mode'],
    ['/++/config', '200 {"simulator_mode'],
    ['/sim/++/nothing', '404 '],
    ['/simulator', '404 '],
  ])('serves %s', async (path, expected) => {
    const answer = await headOf(replaying({ PAGES_PREFIX: '/sim' }), path, withKey)
    expect(answer.slice(0, expected.length)).toBe(expected)
  })

  it('applies to the links of the root page', async () => {
    const { app } = createTestSimulator({ env: { PAGES_PREFIX: '/sim' } })
    const { links } = (await (
      await app.request('/sim', { headers: { accept: 'application/json' } })
    ).json()) as {
      links: Record<string, string>
    }
    expect(links).toMatchObject({ health: '/sim/healthz', config: '/sim/++/config' })
    expect((await app.request('/sim/++/config')).status).toBe(401)
  })

  it('replays a recorded page on a socket', async () => {
    const { app } = replaying({ PAGES_PREFIX: '/sim' })
    const listener = await listen(app, '127.0.0.1', 0)
    try {
      const response = await fetch(`${listener.url}/`, withKey)
      expect([response.status, await response.text()]).toEqual([404, 'recorded /'])
      expect((await fetch(`${listener.url}/healthz`)).status).toBe(200)
      expect((await fetch(`${listener.url}/`, { ...withKey, method: 'HEAD' })).status).toBe(404)
    } finally {
      await listener.close(0)
    }
  })

  it.each(['sim', '/sim/', '/', '/a b'])('cannot be %j', (prefix) => {
    expect(() => createTestSimulator({ env: { PAGES_PREFIX: prefix } })).toThrow(
      'PAGES_PREFIX must be a path',
    )
  })
})
