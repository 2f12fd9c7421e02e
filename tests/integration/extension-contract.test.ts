import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ConfigOptions,
  createSimulator,
  type DeploymentOptions,
  errorReply,
  type Extension,
  type Hook,
  jsonReply,
  limitRefusal,
  requestsLimiter,
  textBody,
} from '../../src/index.ts'

const key = 'key-of-the-tests'
const chat = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

const deployments: Record<string, DeploymentOptions> = {
  chat: { model: 'gpt-4o', tokensPerMinute: 100_000 },
  small: { model: 'gpt-4o', tokensPerMinute: 1_000, requestsPerMinute: 6 },
}

async function start(parts: Omit<Extension, 'name'>, options: ConfigOptions = {}) {
  const sim = await createSimulator({
    apiKey: key,
    clock: 'virtual',
    journal: true,
    log: 'silent',
    deployments,
    ...options,
    extensions: [{ name: 'user', ...parts }],
  })
  onTestFinished(() => sim.close())
  const get = (path: string): Promise<Response> => sim.fetch(path, { headers: { 'api-key': key } })
  const post = (path: string, body: unknown = hello, apiKey = key): Promise<Response> =>
    sim.fetch(path, { method: 'POST', headers: { 'api-key': apiKey }, body: JSON.stringify(body) })
  return { sim, get, post }
}

describe('the deployment of an exchange', () => {
  it('can be set by a hook or a generator on a path without a deployment', async () => {
    const { sim, get } = await start({
      hooks: [
        (exchange, next) => {
          if (exchange.path === '/hook') exchange.deployment = exchange.config.deployments.get('small')
          return next()
        },
      ],
      generators: [
        (exchange) => {
          if (exchange.path === '/generator') exchange.deployment = exchange.config.deployments.get('chat')
          const usage = { promptTokens: 3, cachedTokens: 0, completionTokens: 4, reasoningTokens: 0 }
          return { ...jsonReply({ deployment: exchange.deployment?.name }), usage }
        },
      ],
    })
    expect(await (await get('/hook')).json()).toEqual({ deployment: 'small' })
    expect(await (await get('/generator')).json()).toEqual({ deployment: 'chat' })
    expect(sim.requests().map(({ deployment }) => deployment)).toEqual(['small', 'chat'])
    expect(await sim.metrics()).toContain(
      'aoai_tokens_total{deployment="small",operation="other",type="completion"} 4',
    )
  })

  it('is the one in the request, even if a hook has set another before', async () => {
    const { sim, post } = await start({
      hooks: [
        (exchange, next) => {
          exchange.deployment = exchange.config.deployments.get('small')
          return next()
        },
      ],
    })
    expect((await post(chat)).headers.get('x-ms-deployment-name')).toBe('chat')
    expect(sim.requests().map(({ deployment }) => deployment)).toEqual(['chat'])
  })

  it('can be changed after next(), together with the rate limits', async () => {
    const { sim, post } = await start({
      hooks: [
        async (exchange, next) => {
          const reply = await next()
          exchange.deployment = exchange.config.deployments.get('small')
          exchange.rateLimits = undefined
          exchange.utilization = undefined
          exchange.spilledOverFrom = 'elsewhere'
          return reply
        },
      ],
    })
    expect((await post(chat)).status).toBe(200)
    expect(sim.requests()).toMatchObject([{ deployment: 'small', spilledOverFrom: 'elsewhere' }])
  })
})

describe('a refusal by an extension', () => {
  const withBody: Hook = async (exchange) => ({
    ...limitRefusal(exchange, 'call', 1_500),
    body: textBody('mine'),
  })

  it('is complete when it is returned, and can have another body', async () => {
    const { get } = await start({ hooks: [withBody] })
    const refused = await get('/any')
    expect([refused.status, refused.headers.get('retry-after-ms'), await refused.text()]).toEqual([
      429,
      '1500',
      'mine',
    ])
  })

  it('can have another body in a limiter, which sees the original body', async () => {
    const seen: string[] = []
    const { post } = await start({
      hooks: [
        (exchange, next) => {
          exchange.limiter = 'mine'
          return next()
        },
      ],
      limiters: {
        mine: (exchange) => {
          const reply = limitRefusal(exchange, 'call', 1_500)
          if (reply.body.kind === 'whole') seen.push(String(reply.body.render()))
          reply.body = textBody('mine')
          return reply
        },
      },
    })
    const refused = await post(chat)
    expect([refused.status, await refused.text()]).toEqual([429, 'mine'])
    expect(seen).toEqual([expect.stringContaining('exceeded the call rate limit')])
    expect(refused.headers.get('x-ms-deployment-name')).toBe('chat')
  })

  it('does not have the headers that a hook deletes when the hook calls a limiter itself', async () => {
    const limiter = requestsLimiter({ requests: 1, windowMs: 5_000 })
    const { get } = await start({
      hooks: [
        async (exchange) => {
          const refused = limiter(exchange)
          refused?.headers.delete('x-ms-region')
          return refused ?? jsonReply({})
        },
      ],
    })
    expect((await get('/any')).status).toBe(200)
    const refused = await get('/any')
    expect([refused.status, refused.headers.get('x-ms-region')]).toEqual([429, null])
  })

  it('has the Content-Length of a body without a content type', async () => {
    const { post } = await start({
      generators: [(exchange) => errorReply(exchange, { status: 429, body: 'four', headers: 'limit' })],
    })
    const { headers } = await post(chat)
    expect([headers.get('content-length'), headers.get('content-type')]).toEqual(['4', null])
  })
})

describe('the answer that a hook gets from next()', () => {
  const refusals: readonly (readonly [string, number, string, unknown, string])[] = [
    ['an answer', 200, chat, hello, key],
    ['a wrong key', 401, chat, hello, 'wrong'],
    ['an unknown path', 404, '/openai/nowhere', hello, key],
    ['an unknown api-version', 400, chat.replace('2024-10-21', '1999-01-01'), hello, key],
    ['a model that cannot do it', 400, chat.replace('chat/completions', 'embeddings'), { input: 'x' }, key],
    ['a body that is no JSON object', 400, chat, 'text', key],
    ['a body that is refused', 400, chat, { messages: [] }, key],
    ['a limit', 429, chat.replace('/chat/', '/small/'), { ...hello, max_tokens: 2_000 }, key],
  ]

  it.each(refusals)('is complete and can be changed: %s', async (_name, status, path, body, apiKey) => {
    const seen: unknown[] = []
    const { post } = await start({
      hooks: [
        async (exchange, next) => {
          const reply = await next()
          const text = reply.body.kind === 'whole' ? String(reply.body.render()) : ''
          seen.push(reply.status, reply.headers.get('APIM-Request-Id') === exchange.id, text.length > 50)
          reply.headers.set('apim-request-id', 'mine')
          reply.headers.delete('date')
          reply.status = 299
          return reply
        },
      ],
    })
    const response = await post(path, body, apiKey)
    expect(seen).toEqual([status, true, true])
    expect(response.status).toBe(299)
    expect([response.headers.get('apim-request-id'), response.headers.get('date')]).toEqual(['mine', null])
  })
})

describe('an extension in front of a real service', () => {
  const upstream = { endpoint: 'http://127.0.0.1:9', key: 'key-of-the-service' }
  const forwarders: Extension['forwarders'] = [() => jsonReply({ from: 'the service' })]

  it.each(['record', 'forward'] as const)(
    'sees the reply and its source, and is named by the trace: %s',
    async (source) => {
      const seen: unknown[] = []
      const dir = mkdtempSync(join(tmpdir(), 'contract-'))
      onTestFinished(() => rmSync(dir, { recursive: true }))
      const sources: ConfigOptions = {
        upstream,
        recordings: { dir },
        deployments: { ...deployments, chat: { model: 'gpt-4o', source } },
      }
      const { sim } = await start(
        {
          forwarders,
          hooks: [
            async (exchange, next) => {
              const reply = await next()
              seen.push(exchange.source, exchange.deployment?.name, reply.status)
              reply.headers.set('x-seen', 'yes')
              return reply
            },
          ],
        },
        sources,
      )
      const response = await sim.fetch(chat, {
        method: 'POST',
        headers: { 'api-key': key, 'x-sim-trace': 'on' },
        body: JSON.stringify(hello),
      })
      expect(await response.json()).toEqual({ from: 'the service' })
      expect(seen).toEqual([source, 'chat', 200])
      expect(response.headers.get('x-seen')).toBe('yes')
      expect(response.headers.get('x-sim-trace')).toBe('extension user')
      expect(response.headers.get('server-timing')).toContain('extension;desc="user"')
    },
  )

  it('limiters are called only if the deployment has limits in the configuration', async () => {
    const { get, post } = await start(
      {
        forwarders,
        hooks: [
          (exchange, next) => {
            exchange.limiter = 'never'
            return next()
          },
        ],
        limiters: { never: (exchange) => limitRefusal(exchange, 'call', 1_000) },
      },
      { mode: 'forward', upstream },
    )
    expect((await get('/jobs')).status).toBe(200)
    expect((await post(chat)).status).toBe(429)
  })
})
