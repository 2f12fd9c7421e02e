import { describe, expect, it } from 'vitest'
import { createTwin } from '../support/twin-simulator.ts'

const posts = [
  '/_twin/tenants',
  '/_twin/reset',
  '/_twin/resources',
  '/_twin/resources/acme/api_keys',
  '/_twin/resources/acme/deployments',
  '/_twin/feedback',
]

const megabyte = 1024 * 1024

describe('a body', () => {
  it.each<[string, string, number]>([
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['cut off', '{', 400],
    ['a number', '5', 400],
    ['a text', '"x"', 400],
    ['not JSON', 'friendly_name=x', 400],
    ['deeply nested', '['.repeat(5_000), 400],
    ['with an unknown member', '{"frendly_name":"x"}', 400],
    ['with a prototype', '{"__proto__":{"model":"gpt-4o"}}', 400],
    ['of 2 MB', JSON.stringify({ friendly_name: 'x'.repeat(2 * megabyte) }), 413],
    ['of 2 MB that is not JSON', '['.repeat(2 * megabyte), 413],
  ])('that is %s is refused on every path', async (_, body, expected) => {
    const { ask, log, resource, tenant } = createTwin()
    const own = await tenant()
    await resource('acme', own)
    for (const path of posts) {
      const answer = await ask('POST', path, own, body)
      expect([path, answer.status, answer.body]).toEqual([path, expected, { error: expect.any(String) }])
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    }
    expect((await ask('PATCH', '/_twin/feedback/x', 'admin', body)).status).toBe(expected)
    expect((await ask('GET', '/_twin/resources', own)).body.resources).toHaveLength(1)
    expect((await ask('GET', '/_twin/tenants', 'admin')).body.tenants).toHaveLength(1)
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a body in bytes', () => {
  it('that are not UTF-8 is refused', async () => {
    const { app } = createTwin()
    const body = Buffer.from('{"friendly_name":"\xff\xfe"}', 'latin1')
    const answer = await app.request('/_twin/tenants', { method: 'POST', body })
    expect([answer.status, await answer.json()]).toEqual([400, { error: 'The body is not UTF-8.' }])
  })
})

describe('a path', () => {
  it.each([
    '/_twin',
    '/_twin/',
    '/_twin/nowhere',
    '/_twin/accounts',
    '/_twin/health/x',
    '/_twin/Health',
    '/_twin/resources/a/b/c/d',
    '/_twin/resources/acme/openai/deployments/chat',
    '/_twin/openai/deployments/chat/chat/completions',
    '/_twin/%zz',
    '/_twin/..%2f..%2fmetrics',
  ])('such as %s is answered with 404 in JSON', async (path) => {
    const { ask } = createTwin()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, body, headers } = await ask(method, path, 'admin', method === 'GET' ? undefined : '{')
      expect([method, status, body]).toEqual([method, 404, { error: expect.any(String) }])
      expect(headers.get('content-type')).toMatch(/^application\/json/)
    }
  })

  it.each<[string, string, string]>([
    ['POST', '/_twin/health', 'GET, HEAD, OPTIONS'],
    ['PUT', '/_twin/resources', 'POST, GET, HEAD, OPTIONS'],
    ['GET', '/_twin/resources/acme', 'DELETE, OPTIONS'],
    ['PATCH', '/_twin/resources/acme/api_keys', 'POST, GET, HEAD, OPTIONS'],
    ['GET', '/_twin/resources/acme/api_keys/x', 'DELETE, OPTIONS'],
    ['PROPFIND', '/_twin/logs', 'GET, HEAD, OPTIONS'],
    ['GET', '/_twin/feedback/x', 'PATCH, DELETE, OPTIONS'],
  ])('is answered with 405 to %s %s', async (method, path, allow) => {
    const { ask } = createTwin()
    const { status, body, headers } = await ask(method, path)
    expect([status, body, headers.get('allow')]).toEqual([405, { error: expect.any(String) }, allow])
  })

  it('with a parameter that it does not have is refused', async () => {
    const { ask } = createTwin()
    const { status, body } = await ask('GET', '/_twin/resources?limit=5', 'admin')
    expect([status, body.error]).toEqual([400, expect.stringContaining('limit')])
  })
})
