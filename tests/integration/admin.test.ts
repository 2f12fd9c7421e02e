import { describe, expect, it } from 'vitest'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator(settings)
  return { ...simulator, ...createAdminApi(simulator.app) }
}

describe('the admin API', () => {
  it('answers the 401 of the service without the key, on any path', async () => {
    const { app } = setUp()
    for (const path of ['/++/config', '/++/nothing', '/++', '//++/config']) {
      for (const headers of [{}, { 'api-key': 'wrong' }, { authorization: 'Bearer wrong' }]) {
        const response = await app.request(path, { method: 'PATCH', headers, body: '{}' })
        expect(response.status).toBe(401)
        expect(await response.text()).toContain('invalid subscription key')
      }
    }
  })

  it('is linked from GET /, as JSON if the client accepts it, else as text', async () => {
    const { app } = setUp()
    const get = (accept?: string) => app.request('/', { headers: accept === undefined ? {} : { accept } })
    for (const accept of ['application/json', 'text/plain;q=0.5, Application/JSON']) {
      expect(await (await get(accept)).json()).toMatchObject({
        name: 'aoai-simulated-api',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        mode: 'generate',
        links: { metrics: '/metrics', health: '/healthz', openapi: '/++/openapi.json' },
      })
    }
    for (const accept of [undefined, '*/*', 'text/plain']) {
      expect(await (await get(accept)).text()).toBe('aoai-simulated-api is running.\n')
    }
  })

  it('accepts the key as api-key or as bearer token', async () => {
    const { app } = setUp()
    for (const headers of [{ 'api-key': testKey }, { authorization: `Bearer ${testKey}` }]) {
      const response = await app.request('/++/config', { headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(response.headers.get('cache-control')).toBe('no-store')
    }
  })

  it('lists its paths in the 404 for an unknown path', async () => {
    const { ask } = setUp()
    const { status, body } = await ask('GET', '/++/confg')
    expect(status).toBe(404)
    expect(body.error).toEqual({
      code: 'NotFound',
      message: 'Could not find /++/confg. The paths of the admin API are listed in "paths".',
    })
    expect(body.paths).toContain('PATCH /++/config')
    expect(body.paths).toContain('PUT /++/deployments/{name}')
    expect((await ask('GET', '/++')).status).toBe(404)
  })

  it('answers 405 with Allow for an unsupported method', async () => {
    const { ask } = setUp()
    const { status, headers, body } = await ask('DELETE', '/++/config')
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET, HEAD, PATCH')
    expect(body.error.message).toBe('Could not DELETE /++/config: the allowed methods are GET, HEAD, PATCH.')
    expect((await ask('GET', '/++/reset')).headers.get('allow')).toBe('POST')
    expect((await ask('OPTIONS', '/++/deployments/a')).headers.get('allow')).toBe('GET, HEAD, PUT, DELETE')
  })

  it('answers HEAD like GET, without the body', async () => {
    const { ask } = setUp()
    const head = await ask('HEAD', '/++/config')
    expect(head.status).toBe(200)
    expect(head.text).toBe('')
    expect((await ask('HEAD', '/++/retry-report')).status).toBe(400)
  })

  it('treats several slashes as one and ignores a trailing slash', async () => {
    const { ask } = setUp()
    for (const path of ['//++/config', '/++//config', '///++///config/', '/++/config/']) {
      expect((await ask('GET', path)).body.simulator_mode).toBe('generate')
    }
  })

  it('reports the position of a JSON syntax error', async () => {
    const { ask } = setUp()
    const { status, body } = await ask('PATCH', '/++/config', '{\n  "region": "X",\n  latency: 1\n}')
    expect(status).toBe(400)
    expect(body.error).toEqual({
      code: 'InvalidJson',
      message:
        'Could not read the body as JSON: line 3, column 3 must have a key in double quotes (got "latency: 1\\n}"). See GET /++/openapi.json.',
    })
    expect((await ask('PATCH', '/++/config', '')).body.error.message).toContain(
      'line 1, column 1 must have a value (got the end of the body)',
    )
  })

  it('accepts a body with a byte order mark', async () => {
    const { ask } = setUp()
    expect((await ask('PATCH', '/++/config', '\uFEFF{"region":"X"}')).body.region).toBe('X')
  })

  it('refuses a body above 1 MB and a body that nests too deeply', async () => {
    const { ask } = setUp()
    const large = await ask('PATCH', '/++/config', `{"region":"${'x'.repeat(1024 * 1024)}"}`)
    expect(large.status).toBe(400)
    expect(large.body.error.code).toBe('BodyTooLarge')
    const deep = await ask('PATCH', '/++/config', `{"faults":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
    expect(deep.status).toBe(400)
    expect(deep.body.error.message).toContain('nests deeper than 100 levels')
  })

  it('refuses an unknown query parameter', async () => {
    const { ask } = setUp({ env: { JOURNAL_SIZE: '10' } })
    const { status, body } = await ask('GET', '/++/requests?sttus=429&limit=5000')
    expect(status).toBe(400)
    expect(body.error.problems).toEqual([
      '"sttus" is not a parameter of this path. Did you mean status?',
      'limit must be an integer from 1 to 1000 (got "5000").',
    ])
    expect((await ask('GET', '/++/config?a=1')).body.error.message).toBe(
      'Could not read the query: "a" is not a parameter of this path. This path has no parameters.',
    )
  })

  it('hides internal errors from callers and logs them', async () => {
    const { ask, simulator, log } = setUp({ env: { JOURNAL_SIZE: '10' } })
    Object.assign(simulator.live, {
      prepare: () => Promise.reject(new Error('a secret inside')),
    })
    const { status, text } = await ask('PATCH', '/++/config', { region: 'X' })
    expect(status).toBe(500)
    expect(text).toBe(
      '{"error":{"code":"InternalError","message":"Could not answer: internal error. See the log of the simulator."}}',
    )
    expect(JSON.stringify(log)).toContain('a secret inside')
    expect(simulator.config.defaultResource.region).toBe('East US 2')
  })

  it('returns operator errors with the fix', async () => {
    const { ask, simulator } = setUp()
    simulator.live.prepare = () => {
      throw new OperatorError('RECORDINGS_UNREADABLE', 'Could not read the folder: it is gone. Make it.')
    }
    const { status, body } = await ask('PATCH', '/++/config', { region: 'X' })
    expect(status).toBe(400)
    expect(body.error).toEqual({
      code: 'RECORDINGS_UNREADABLE',
      message: 'Could not read the folder: it is gone. Make it.',
    })
  })

  it('never returns a key', async () => {
    const secrets = { SIMULATOR_API_KEY: testKey, AZURE_OPENAI_KEY: 'upstream-secret' }
    const { ask, document, post } = setUp({
      env: { ...secrets, AZURE_OPENAI_ENDPOINT: 'https://example.test', JOURNAL_SIZE: '10' },
    })
    await post(deploymentPath('gpt-4o', 'chat/completions'), hello)
    await post('/openai/nothing?api-key=test-key', hello, { authorization: `Bearer ${testKey}` })
    const { paths } = await document()
    for (const [path, item] of Object.entries(paths as Record<string, object>)) {
      // These answers do not end; see request-stream.test.ts and admin-events.test.ts.
      if (['/++/requests/stream', '/++/events'].includes(path)) continue
      for (const method of ['get', 'post', 'put', 'patch', 'delete'].filter((name) => name in item)) {
        const asked = path.replace('{name}', 'gpt-4o')
        const { text } = await ask(method.toUpperCase(), asked, method === 'get' ? undefined : '{}')
        expect(text).not.toContain(testKey)
        expect(text).not.toContain('upstream-secret')
      }
    }
  })
})
