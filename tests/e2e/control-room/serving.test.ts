import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageFolder, type RunningProgram, startProgram } from '../../support/built-program.ts'
import { type RawRequest, type RawResponse, sendRaw } from '../../support/raw-http.ts'

const adminKey = 'admin-key-of-this-test'
const dataKey = 'data-key-of-this-test'
const acmeKey = 'acme-key-of-this-test'
/** Only the configuration has it. */
const marker = 'deployment-of-this-test'

const folder = join(packageFolder, 'dist/ui')
const bundle = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))

const headersOf = ({ headers }: RawResponse): Map<string, string> =>
  new Map(headers.map(([name, value]) => [name.toLowerCase(), value]))

describe('the built page', () => {
  it('has at most 100 KB compressed', () => {
    const size = bundle.reduce((sum, { bytes }) => sum + gzipSync(bytes, { level: 9 }).length, 0)
    expect(size).toBeLessThanOrEqual(100_000)
    expect(size).toBeGreaterThan(1024)
  })

  it('has no source map, no path of the build machine and no other host', () => {
    for (const { name, bytes } of bundle) {
      const text = bytes.toString('utf8')
      expect([name, /sourceMappingURL|node_modules|\.tsx?['"]/.exec(text)?.[0]]).toEqual([name, undefined])
      expect(text.includes(packageFolder)).toBe(false)
      const hosts = [...text.matchAll(/(?:https?:)?\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)+)/gi)].map(
        ([, host]) => host,
      )
      // Nothing loads these: the namespaces of SVG and MathML, and an example of an address in a form.
      const texts = new Set(['www.w3.org', 'my-resource.openai.azure.com'])
      expect([name, hosts.filter((host = '') => !texts.has(host))]).toEqual([name, []])
    }
  })

  it('has no script, style or handler in its markup', () => {
    const page = bundle.find(({ name }) => name === 'index.html')?.bytes.toString('utf8') ?? ''
    expect(page).toMatch(/<script type="module" src="[^"]+"><\/script>/)
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
  })
})

describe.each([
  ['one process', { WORKERS: '1' }],
  ['two workers', { WORKERS: '2' }],
  ['a prefix', { WORKERS: '1', PAGES_PREFIX: '/tools/sim' }],
] as const)('the control room of %s', (_, settings) => {
  const prefix = 'PAGES_PREFIX' in settings ? settings.PAGES_PREFIX : ''
  let program: RunningProgram
  const send = (path: string, request: Omit<RawRequest, 'path'> = {}): Promise<RawResponse> =>
    sendRaw(program.port, { method: 'GET', path, ...request })

  beforeAll(async () => {
    program = await startProgram({
      env: { SIMULATOR_API_KEY: dataKey, ADMIN_API_KEY: adminKey, ...settings },
      deployments: { [marker]: { model: 'gpt-4o' } },
    })
    const headers = { 'api-key': adminKey }
    const body = JSON.stringify({ keys: [acmeKey], deployments: { [marker]: { model: 'gpt-4o' } } })
    const { status } = await send('/++/resources/acme', { method: 'PUT', headers, body })
    if (status >= 300) throw new Error(`Could not create the resource: status ${status}.`)
  })
  afterAll(() => program[Symbol.asyncDispose]())

  it('opens without a key, has no data, and asks no other host', async () => {
    for (const path of ['/', '/++', '/++/', '//++//']) {
      const page = await send(prefix + path, { headers: { Accept: 'text/html' } })
      const headers = headersOf(page)
      expect([path, page.status, headers.get('content-type')]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
      ])
      expect(headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(headers.has('set-cookie')).toBe(false)
      const text = page.bytes
      for (const secret of [adminKey, dataKey, acmeKey, marker, 'acme']) expect(text).not.toContain(secret)
      for (const [, address = ''] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
        const { pathname, host } = new URL(address, `http://127.0.0.1${prefix}${path.replaceAll('//', '/')}`)
        expect(host).toBe('127.0.0.1')
        const file = await send(pathname)
        expect([address, file.status, headersOf(file).has('etag')]).toEqual([address, 200, true])
      }
    }
  })

  it('answers HEAD with the headers of GET', async () => {
    const headers = { Accept: 'text/html' }
    const [got, head] = await Promise.all([
      send(`${prefix}/++/`, { headers }),
      send(`${prefix}/++/`, { method: 'HEAD', headers }),
    ])
    expect([head.status, head.body]).toEqual([200, ''])
    for (const name of ['content-type', 'etag', 'content-security-policy', 'cache-control'])
      expect(headersOf(head).get(name)).toBe(headersOf(got).get(name))
  })

  it('gives no data without the admin key, whatever the path looks like', async () => {
    const { body } = await send('/++/openapi.json', { headers: { 'api-key': adminKey } })
    const documented = Object.keys((JSON.parse(body) as { paths: object }).paths)
    expect(documented.length).toBeGreaterThan(20)
    const spelled = [
      '//++//config',
      '/++//config',
      '/%2b%2b/config',
      '/%2B%2B/config',
      '/+%2B/config',
      '/++%2Fconfig',
      '/%252b%252b/config',
      '/./++/config',
      '/x/../++/config',
      '/++/ui/../config',
      '/++/ui/%2e%2e/config',
      '/++/ui/..%2fconfig',
      '/acme/++/config',
      '//acme//++//config',
      '/acme/%2b%2b/config',
      '/acme/openai/../../++/config',
      '/++/config/',
      '/++/config?api-key=x',
      '/++/config#',
      '/++;/config',
      '/++\\config',
      '/++/deployments?resource=acme',
      '/++/resources/acme',
      `/++/deployments/${marker}`,
      `/tools/sim/++/config`,
      `/tools/sim//++/../++/config`,
    ]
    const paths = [...documented.map((path) => path.replace(/\{\w+\}/g, 'acme')), ...spelled]
    for (const headers of [
      {},
      { 'api-key': dataKey },
      { 'api-key': acmeKey },
      { Authorization: `Bearer ${acmeKey}` },
      { 'api-key': '', Cookie: `api-key=${adminKey}` },
    ]) {
      for (const path of paths) {
        const answer = await send(path, { headers })
        expect([path, [400, 401, 404].includes(answer.status)]).toEqual([path, true])
        expect([path, answer.bytes.includes(marker), answer.bytes.includes('latency')]).toEqual([
          path,
          false,
          false,
        ])
        expect(headersOf(answer).has('set-cookie')).toBe(false)
      }
    }
    for (const path of documented.map((one) => one.replace(/\{\w+\}/g, 'acme'))) {
      expect([path, (await send(prefix + path)).status]).toEqual([path, 401])
    }
  })

  it('takes no change from the page of another site', async () => {
    const headers = { Origin: 'http://evil.example', 'Content-Type': 'text/plain' }
    for (const [method, path] of [
      ['POST', '/++/reset'],
      ['PATCH', '/++/config'],
      ['PUT', '/++/resources/evil'],
      ['DELETE', '/++/resources/acme'],
      ['POST', '/++'],
      ['POST', '/++/ui/app.js'],
    ] as const) {
      const answer = await send(prefix + path, { method, headers, body: '{}' })
      const names = [...headersOf(answer).keys()]
      expect([path, answer.status]).toEqual([path, 401])
      expect(names.filter((name) => name.startsWith('access-control-') || name === 'set-cookie')).toEqual([])
    }
    const preflight = await send(`${prefix}/++/config`, {
      method: 'OPTIONS',
      headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'PATCH' },
    })
    expect(headersOf(preflight).has('access-control-allow-origin')).toBe(false)
  })

  it('leaves the answers for programs as they are', async () => {
    const text = await send(prefix || '/', { headers: { Accept: '*/*' } })
    expect(text.body).toBe('aoai-simulated-api is running.\n')
    const json = await send(prefix || '/', { headers: { Accept: 'application/json' } })
    expect(JSON.parse(json.body)).toMatchObject({ name: 'aoai-simulated-api', status: 'running' })
    const paths = await send(`${prefix}/++/`, { headers: { 'api-key': adminKey } })
    expect([paths.status, JSON.parse(paths.body)]).toEqual([
      404,
      expect.objectContaining({ paths: expect.any(Array) }),
    ])
  })
})
