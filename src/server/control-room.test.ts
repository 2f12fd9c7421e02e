import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppEnv } from './app.ts'
import { createControlRoom } from './control-room.ts'
import type { Simulator } from './simulator.ts'

const html = '<script src="{assets}app-1.js"></script><link href="{assets}app-1.css">'
const script = 'const text = "ä".repeat(100)\n'.repeat(50)
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aoai-ui-'))
  writeFileSync(join(folder, 'index.html'), html)
  writeFileSync(join(folder, 'app-1.js'), script)
  writeFileSync(join(folder, 'app-1.css'), 'body {}')
  writeFileSync(join(folder, 'icon.svg'), '<svg/>')
  writeFileSync(join(folder, 'notes.txt'), 'secret')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Serves the pages as the app does. */
function serve({ from = folder, prefix }: { readonly from?: string; readonly prefix?: string } = {}) {
  const config = { adminApiKey: 'admin', pagesPrefix: prefix } as Simulator['config']
  const listPaths = async (): Promise<Response> => new Response('paths', { status: 404 })
  const { answerRoot, pages } = createControlRoom({ config }, listPaths, from)
  const app = new Hono<AppEnv>({ strict: false })
  app.get(prefix ?? '/', (context) => answerRoot(context) ?? context.text('text'))
  for (const { method, path, answer } of pages) {
    const full = `${prefix ?? ''}${path}`
    if (method) app.on([method], full, answer)
    else app.all(full, answer)
  }
  return async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    app.request(`http://localhost${path}`, { method, headers })
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('the page of the control room', () => {
  it.each([
    ['/', '++/ui/'],
    ['/++', '++/ui/'],
    ['/++/', 'ui/'],
  ])('has addresses at %s that lead to /++/ui/', async (path, assets) => {
    const response = await serve()(path, browser)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(html.replaceAll('{assets}', assets))
    expect(new URL(`${assets}app-1.js`, `http://localhost${path}`).pathname).toBe('/++/ui/app-1.js')
  })

  it.each(['/team/sim', '/team/sim/', '/team/sim/++', '/team/sim/++/'])(
    'has addresses at %s that keep PAGES_PREFIX',
    async (path) => {
      const text = await (await serve({ prefix: '/team/sim' })(path, browser)).text()
      const [, address = ''] = /src="([^"]+)"/.exec(text) ?? []
      expect(new URL(address, `http://localhost${path}`).pathname).toBe('/team/sim/++/ui/app-1.js')
    },
  )

  it.each([
    ['/', {}, 'text'],
    ['/', { accept: '*/*' }, 'text'],
    ['/', { accept: 'application/json' }, 'text'],
    ['/', { accept: 'application/json, text/html' }, 'text'],
    ['/++', { accept: 'application/json' }, 'paths'],
    ['/++/', { 'api-key': 'admin' }, 'paths'],
    ['/++', { authorization: 'Bearer admin', accept: 'text/html' }, 'paths'],
  ])('is not the answer of GET %s for a program with %j', async (path, headers, text) => {
    expect(await (await serve()(path, headers as Record<string, string>)).text()).toBe(text)
  })

  it.each([{}, { accept: '*/*' }, { accept: 'TEXT/HTML' }])('opens at /++ for %j', async (headers) => {
    const response = await serve()('/++', headers)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  })

  it('tells how to build it if it is not built', async () => {
    const ask = serve({ from: join(folder, 'missing') })
    for (const path of ['/', '/++']) {
      const response = await ask(path, browser)
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(await response.text()).toContain('Run npm run build')
    }
    expect((await ask('/++/ui/app-1.js')).status).toBe(404)
  })
})

describe('a file of the control room', () => {
  it.each([
    ['app-1.js', 'text/javascript; charset=utf-8', 'max-age=31536000, immutable'],
    ['app-1.css', 'text/css; charset=utf-8', 'max-age=31536000, immutable'],
    ['icon.svg', 'image/svg+xml', 'max-age=86400'],
  ])('%s has its type, and is kept by browsers', async (name, type, caching) => {
    const { headers } = await serve()(`/++/ui/${name}`)
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([type, caching])
  })

  it.each(['missing.js', 'index.html', 'notes.txt', '..%2findex.html', '__proto__'])(
    'does not exist for the name %s',
    async (name) => {
      expect(await (await serve()(`/++/ui/${name}`)).text()).not.toMatch(/secret|<script/)
    },
  )

  it.each([
    ['gzip', true],
    ['br, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip;q=0.0, br', false],
    ['identity', false],
    ['', false],
  ])('is compressed as the client accepts it: %s', async (accepted, isCompressed) => {
    const response = await serve()('/++/ui/app-1.js', { 'accept-encoding': accepted })
    expect(response.headers.get('content-encoding')).toBe(isCompressed ? 'gzip' : null)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect((isCompressed ? gunzipSync(bytes) : bytes).toString('utf8')).toBe(script)
    expect(response.headers.get('vary')).toContain('Accept-Encoding')
  })

  it.each(['/++/ui/app-1.js', '/++', '/'])(
    'at %s is not sent again to a client that has it',
    async (path) => {
      const ask = serve()
      const tag = (await ask(path, browser)).headers.get('etag') ?? ''
      expect(tag).toMatch(/^"[\w-]+"$/)
      for (const given of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
        const response = await ask(path, { ...browser, 'if-none-match': given })
        expect([response.status, await response.text()]).toEqual([304, ''])
        expect(response.headers.get('etag')).toBe(tag)
        expect(response.headers.get('content-security-policy')).toBeTruthy()
      }
      expect((await ask(path, { ...browser, 'if-none-match': '"other"' })).status).toBe(200)
      const compressed = await ask(path, { ...browser, 'accept-encoding': 'gzip' })
      expect(compressed.headers.get('etag')).not.toBe(tag)
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('refuses %s', async (method) => {
    const ask = serve()
    for (const path of ['/++/ui/app-1.js', '/++']) {
      expect((await ask(path, {}, method)).status).toBe(401)
      const response = await ask(path, { 'api-key': 'admin' }, method)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })
})

describe('each answer with the page or a file', () => {
  it.each(['/', '/++', '/++/ui/app-1.js', '/++/ui/icon.svg'])('protects the browser at %s', async (path) => {
    const { headers } = await serve()(path, browser)
    const policy = headers.get('content-security-policy') ?? ''
    const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule]))
    expect(rules.get('default-src')).toBe("default-src 'self'")
    expect(rules.get('script-src')).toBe("script-src 'self'")
    expect(rules.get('style-src')).toBe("style-src 'self'")
    expect(rules.get('connect-src')).toBe("connect-src 'self'")
    expect(rules.get('frame-ancestors')).toBe("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })
})
