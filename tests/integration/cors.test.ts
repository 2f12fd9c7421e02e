import { describe, expect, it } from 'vitest'
import { listen } from '../../src/server/listen.ts'
import { chatEvents, eventStream } from '../support/fake-upstream.ts'
import { recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const page = 'https://app.example.com'
const path = deploymentPath('gpt-4o', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }

const start = (origins?: string, settings: TestSettings = {}) => {
  const started = createTestSimulator({
    ...settings,
    env: { ...(origins !== undefined && { CORS_ORIGINS: origins }), ...settings.env },
  })
  const preflight = (at = path, headers: Record<string, string> = {}) =>
    started.app.request(at, {
      method: 'OPTIONS',
      headers: {
        origin: page,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'api-key,content-type,x-stainless-os,anthropic-unknown',
        ...headers,
      },
    })
  return { ...started, preflight }
}

const corsOf = ({ headers }: Response): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

const place = recordingPlace()

describe('CORS_ORIGINS', () => {
  it('answers a preflight request without a key', async () => {
    const response = await start(page).preflight()
    expect(response.status).toBe(204)
    const { headers } = response
    expect(headers.get('access-control-allow-origin')).toBe(page)
    expect(headers.get('access-control-allow-methods')).toContain('POST')
    const allowed = headers.get('access-control-allow-headers')!.split(', ')
    expect(allowed).toEqual(
      expect.arrayContaining([
        'api-key',
        'authorization',
        'x-api-key',
        'content-type',
        'openai-organization',
        'anthropic-version',
        'anthropic-beta',
        'x-stainless-os',
        'anthropic-unknown',
      ]),
    )
    expect(headers.get('access-control-max-age')).toBe('7200')
    expect(headers.get('vary')).toContain('Origin')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('adds headers to whole answers, streams and errors', async () => {
    const { app, post } = start(`https://other.example ${page}`)
    const from = (headers: Record<string, string> = {}) => ({ origin: page, ...headers })
    const answers = [
      await post(path, hello, from()),
      await post(path, { ...hello, stream: true }, from()),
      await post(path, hello, from({ 'api-key': 'wrong' })),
      await post(path, '{', from()),
      await post('/openai/unknown', hello, from()),
      await post('/no-such-resource/openai/v1/chat/completions', hello, from()),
      await post(path, hello, from({ 'x-sim-fault': 'serverError' })),
      await app.request('/openai/v1/models', { headers: { ...from(), 'api-key': testKey } }),
      await app.request('/anything', { headers: from() }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 400, 404, 404, 500, 200, 404])
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(page)
      const exposed = headers.get('access-control-expose-headers')!.split(', ')
      expect(exposed).toEqual(expect.arrayContaining(['x-request-id', 'apim-request-id', 'retry-after']))
      expect(headers.get('vary')).toContain('Origin')
    }
    const exposed = answers[0]!.headers.get('access-control-expose-headers')
    expect(exposed).toContain('x-ratelimit-remaining-tokens')
    expect((await answers[1]!.text()).endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('allows any origin with *, without Vary', async () => {
    const { post, preflight } = start('*')
    for (const response of [await post(path, hello, { origin: page }), await preflight()]) {
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
    }
    expect((await post(path, hello)).headers.get('vary')).toBeNull()
  })

  it('adds no header for an origin that is not in the list', async () => {
    const { post, preflight } = start('https://app.example.com:8443')
    const preflighted = await preflight()
    expect([preflighted.status, corsOf(preflighted)]).toEqual([204, []])
    const answer = await post(path, hello, { origin: page })
    expect([answer.status, corsOf(answer), answer.headers.get('vary')]).toEqual([200, [], 'Origin'])
    expect(corsOf(await post(path, hello))).toEqual([])
  })

  it('compares origins without case and default port', async () => {
    const { post } = start('HTTPS://App.Example.com:443,app://desktop')
    for (const origin of [page, 'app://desktop']) {
      const { headers } = await post(path, hello, { origin })
      expect(headers.get('access-control-allow-origin')).toBe(origin)
    }
  })

  it('replaces the CORS headers of a forwarded answer, streams included', async () => {
    place.upstream.answer = (request, response) => {
      response.setHeader('Access-Control-Allow-Origin', 'https://upstream.example')
      response.setHeader('access-control-allow-credentials', 'true')
      response.setHeader('x-upstream', 'east')
      return eventStream(chatEvents(['a']))(request, response)
    }
    const { post } = start(page, {
      env: {
        SIMULATOR_MODE: 'forward',
        AZURE_OPENAI_ENDPOINT: place.upstream.url,
        AZURE_OPENAI_KEY: upstreamKey,
      },
    })
    const answer = await post(path, { ...hello, stream: true }, { origin: page })
    expect(await answer.text()).toBe(chatEvents(['a']).join(''))
    expect(answer.headers.get('access-control-allow-origin')).toBe(page)
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-upstream')
  })

  it('excludes the admin API and pages', async () => {
    const { app, preflight } = start('*')
    const headers = { origin: page, 'api-key': testKey }
    for (const at of ['/', '/healthz', '/metrics', '/++/config', '/++/nothing', '/++/logs']) {
      expect([at, corsOf(await app.request(at, { headers }))]).toEqual([at, []])
      expect([at, corsOf(await preflight(at, { 'access-control-request-method': 'GET' }))]).toEqual([at, []])
    }
  })

  it('works on a socket, also for a refused request that still sends its body', async () => {
    const { app } = start(page)
    const listener = await listen(app, '127.0.0.1', 0)
    try {
      const ask = (method: string, headers: Record<string, string>, body?: string) =>
        fetch(listener.url + path, { method, headers: { origin: page, ...headers }, ...(body && { body }) })
      const answers = [
        await ask('OPTIONS', { 'access-control-request-method': 'POST' }),
        await ask('POST', { 'api-key': testKey, 'content-type': 'application/json' }, JSON.stringify(hello)),
        await ask('POST', { 'api-key': 'wrong' }, 'x'.repeat(300_000)),
      ]
      expect(answers.map(({ status }) => status)).toEqual([204, 200, 401])
      for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe(page)
    } finally {
      await listener.close(0)
    }
  })

  it.each(['app.example.com', 'https://a.example/path', 'https://*.example.com', 'https://a b'])(
    'refuses %s',
    (origin) => {
      expect(() => start(origin)).toThrow(
        'CORS_ORIGINS must be origins such as https://app.example.com without a path, or *, separated by commas',
      )
    },
  )
})

describe('a simulator without CORS_ORIGINS', () => {
  it('has no CORS headers, and no answer to preflight requests', async () => {
    const { post, preflight } = start()
    const answer = await post(path, hello, { origin: page })
    expect([answer.status, corsOf(answer), answer.headers.get('vary')]).toEqual([200, [], null])
    const preflighted = await preflight()
    expect(preflighted.status).toBeGreaterThanOrEqual(400)
    expect(corsOf(preflighted)).toEqual([])
  })
})
