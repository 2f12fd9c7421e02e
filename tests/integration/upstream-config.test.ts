import { describe, expect, it } from 'vitest'
import { testExchange } from '../support/test-exchange.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { upstreamOf } from '../../src/pipeline/upstream-of.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/live-config.ts'
import { kindOfEndpoint } from '../../src/config/upstreams.ts'

const load = (file: object, env: Record<string, string> = {}): Config =>
  loadConfig({
    flags: {},
    env: { SIMULATOR_CONFIG: 'a.json', ...env },
    workingDirectory: '/',
    readFile: filesInMemory({ 'a.json': JSON.stringify(file) }),
  })

const azure = { AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/', AZURE_OPENAI_KEY: 'k' }

describe('the kind of an upstream', () => {
  it.each([
    ['https://r.openai.azure.com', 'azure'],
    ['https://r.services.ai.azure.com/openai/v1', 'azure'],
    ['https://gateway.azure-api.net/v1', 'azure'],
    ['https://R.EastUS2.models.ai.azure.com', 'serverless'],
    ['https://api.anthropic.com/', 'anthropic'],
    ['https://api.openai.com', 'openai'],
    ['https://api.openai.com/v1/', 'openai'],
    ['http://127.0.0.1:8000/v1', 'openai'],
    ['http://127.0.0.1:8000/openai/v1/', 'azure'],
    ['http://localhost:8000/v1/more', 'azure'],
    ['http://notopenai.com', 'azure'],
  ])('of %s is %s', (endpoint, kind) => {
    expect(kindOfEndpoint(endpoint)).toBe(kind)
  })
})

describe('the default upstream', () => {
  it('has a kind, a credential and API versions by its variables', () => {
    const { upstream } = load(
      {},
      {
        AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com//',
        UPSTREAM_KIND: 'OpenAI',
        UPSTREAM_CREDENTIAL: 'entra',
        UPSTREAM_SCOPE: 'https://ai.azure.com/.default',
      },
    ).defaultResource
    expect(upstream).toMatchObject({
      name: 'default',
      endpoint: 'https://r.openai.azure.com',
      kind: 'openai',
      credential: { kind: 'entra', scope: 'https://ai.azure.com/.default' },
    })
    expect(load({}, azure).upstreams.get('default')).toEqual(load({}, azure).defaultResource.upstream)
  })

  it.each<readonly [string | object, string, object]>([
    ['by-model', 'by-model', {}],
    ['2024-10-21', '2024-10-21', {}],
    ['responses=v1, gpt-5*=2025-04-01-preview ,default=By-Model,', 'by-model', { responses: 'v1' }],
    [{ chat_completions: '2024-10-21', 'GPT-5*': 'as-asked' }, 'as-asked', { chatCompletions: '2024-10-21' }],
  ])('takes API versions: %j', (given, byDefault, byOperation) => {
    const { apiVersion } =
      load({ upstreams: { default: { endpoint: 'https://r.azure.com', key: 'k', apiVersion: given } } })
        .defaultResource.upstream ?? {}
    expect(apiVersion?.default).toBe(byDefault)
    expect(Object.fromEntries(apiVersion?.byOperation ?? [])).toEqual(byOperation)
    const rules = JSON.stringify(given).toLowerCase().includes('gpt-5*') ? ['gpt-5'] : []
    expect(apiVersion?.byModel.map(({ prefix }) => prefix)).toEqual(rules)
  })
})

describe('the name of a request at its upstream', () => {
  const nameOf = (config: Config, path: string, body: object = {}): string | undefined => {
    const exchange = testExchange({ path, body: JSON.stringify(body) }, { config })
    exchange.deployment = exchange.configured
    return upstreamOf(exchange)?.to.name
  }

  it('is that of the deployment there, or of the deployment if the request has another spelling', () => {
    const config = load({
      upstreams: { east: { endpoint: 'https://e', key: 'k' } },
      deployments: { a: { upstream: 'east/x/y' }, b: { upstream: 'east' } },
    })
    expect(nameOf(config, '/v1/chat/completions', { model: 'a' })).toBe('x/y')
    expect(nameOf(config, '/v1/chat/completions', { model: 'b' })).toBeUndefined()
    expect(nameOf(config, '/v1/chat/completions', { model: 'B-2024-11-20' })).toBe('b')
  })

  it('without a deployment is that of MODEL_MAP, else the usual one on paths of OpenAI', () => {
    const config = load({}, { ...azure, SIMULATOR_MODE: 'forward', MODEL_MAP: 'GPT-4=prod,o3=o3' })
    const names = (path: (name: string) => string, isInBody: boolean) =>
      ['gpt-4', 'gpt-4-2024-01-01', 'o3', 'gpt-3.5-turbo', 'gpt-4o-2024-11-20', 'my-model', 'gpt-4o'].map(
        (name) => nameOf(config, path(name), isInBody ? { model: name } : {}),
      )
    const others = Array.from({ length: 5 }, () => undefined)
    expect(names(() => '/v1/chat/completions', true)).toEqual([
      'prod',
      'prod',
      undefined,
      'gpt-35-turbo',
      'gpt-4o',
      undefined,
      undefined,
    ])
    expect(names(() => '/openai/v1/responses', true)).toEqual(['prod', 'prod', ...others])
    expect(names((name) => `/openai/deployments/${name}/embeddings`, false)).toEqual([
      'prod',
      'prod',
      ...others,
    ])
    const openai = load({}, { ...azure, SIMULATOR_MODE: 'forward', UPSTREAM_KIND: 'openai' })
    expect(nameOf(openai, '/v1/chat/completions', { model: 'gpt-3.5-turbo' })).toBeUndefined()
  })
})
