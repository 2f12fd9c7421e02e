import { describe, expect, it } from 'vitest'
import { findRoute, type Operation } from '../wire/route.ts'
import { type AddressedUpstream, addressOf, checkRequest, type UpstreamRequest } from './upstream-request.ts'

type Rules = AddressedUpstream['apiVersion']

const rules = (version: string, more: Partial<Rules> = {}): Rules => ({
  default: version,
  byOperation: new Map(),
  byModel: [],
  ...more,
})
const upstream = (
  kind: AddressedUpstream['kind'],
  apiVersion = rules('as-asked'),
  endpoint = 'https://host',
) => ({
  kind,
  endpoint,
  apiVersion,
})

/** The request of a client for a path with a query. */
const asked = (target: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => {
  const [servicePath = '', query = ''] = target.split('?')
  const method = more.method ?? 'POST'
  const operation = findRoute(method, servicePath)?.operation
  return {
    operation,
    model: undefined,
    method,
    servicePath,
    query,
    body: Buffer.from('{}'),
    converted: false,
    ...more,
  }
}
const pathOf = (target: string, to: AddressedUpstream, more: Partial<UpstreamRequest> = {}) =>
  addressOf(asked(target, more), to).path

const dated = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01'

describe('the path at an Azure upstream', () => {
  const azure = upstream('azure')

  it.each([
    [dated, dated],
    ['/v1/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/v1/responses?api-version=preview', '/openai/v1/responses?api-version=preview'],
    ['/openai/v1/responses?api-version=2024-10-21&x=1', '/openai/v1/responses?x=1'],
    [
      '/openai/responses/resp_1?api-version=2025-03-01-preview',
      '/openai/responses/resp_1?api-version=2025-03-01-preview',
    ],
    [
      '/models/chat/completions?api-version=2024-05-01-preview',
      '/models/chat/completions?api-version=2024-05-01-preview',
    ],
    ['/anthropic/v1/messages?api-version=2024-10-21&beta=true', '/anthropic/v1/messages?beta=true'],
    ['/v1/messages/count_tokens', '/anthropic/v1/messages/count_tokens'],
    [
      '/documentintelligence/x:analyze?api-version=2024-11-30',
      '/documentintelligence/x:analyze?api-version=2024-11-30',
    ],
    [`${dated}&api-key=secret&sig=1`, dated],
  ])('%s is as asked: %s', (target, expected) => {
    expect(pathOf(target, azure)).toBe(expected)
  })

  it.each([
    ['/v1/models', 'GET', '/openai/v1/models'],
    ['/v1/models/gpt-4o', 'GET', '/openai/v1/models/gpt-4o'],
    ['/v1/models/gpt-4o/capabilities', 'GET', '/openai/v1/models/gpt-4o/capabilities'],
    ['/v1/completions', 'POST', '/openai/v1/completions'],
    ['/v1/embeddings', 'POST', '/openai/v1/embeddings'],
    ['/v1/images/generations', 'POST', '/openai/v1/images/generations'],
    ['/v1/audio/speech', 'POST', '/openai/v1/audio/speech'],
    ['/v1/audio/voices', 'GET', '/openai/v1/audio/voices'],
    ['/v1/files', 'GET', '/openai/v1/files'],
    ['/v1/files/file-1/content', 'GET', '/openai/v1/files/file-1/content'],
    ['/v1/batches/batch_1/cancel', 'POST', '/openai/v1/batches/batch_1/cancel'],
    ['/v1/fine_tunes', 'POST', '/openai/v1/fine_tuning/jobs'],
    ['/v1/fine_tunes/ft-1/cancel', 'POST', '/openai/v1/fine_tuning/jobs/ft-1/cancel'],
    ['/v1/fine_tuning/jobs/ft-1/events', 'GET', '/openai/v1/fine_tuning/jobs/ft-1/events'],
    ['/v1/responses/resp_1/input_items', 'GET', '/openai/v1/responses/resp_1/input_items'],
    ['/deployments', 'GET', '/openai/deployments'],
    ['/deployments/gpt-4o', 'GET', '/openai/deployments/gpt-4o'],
  ])('%s (%s) has no empty or cut segment', (target, method, expected) => {
    expect(pathOf(target, azure, { method })).toBe(expected)
    const latest = pathOf(target, upstream('azure', rules('2024-10-21')), { method, model: 'my model' })
    expect(latest).toMatch(/^\/openai\/(?!v1)[^?]+[^/?]\?api-version=2024-10-21$/)
    expect(latest).not.toContain('//')
    for (const kind of ['openai', 'serverless', 'anthropic'] as const) {
      const path = pathOf(target, upstream(kind), { method })
      expect(path).toBe(expected.replace('/openai/v1', '/v1').replace('/openai/deployments', '/v1/models'))
    }
  })

  it.each([
    ['my model', 'my%20model'],
    ['a/b?c#d', 'a%2Fb%3Fc%23d'],
    ['модель', '%D0%BC%D0%BE%D0%B4%D0%B5%D0%BB%D1%8C'],
    ['a%2Fb', 'a%252Fb'],
    ['gpt-4o', 'gpt-4o'],
  ])('has the deployment %j as one segment', (model, segment) => {
    const expected = `/openai/deployments/${segment}/chat/completions?api-version=2024-06-01`
    expect(pathOf(dated, azure, { model })).toBe(expected)
    expect(pathOf('/v1/chat/completions', upstream('azure', rules('2024-06-01')), { model })).toBe(expected)
  })

  it.each(['..', '.', '', '\ud800'])('does not contain the name %j', (model) => {
    const address = addressOf(
      asked('/v1/chat/completions', { model }),
      upstream('azure', rules('2024-10-21')),
    )
    expect(address).toMatchObject({ path: '/openai/v1/chat/completions', hasModelInPath: false })
  })

  it('keeps the bytes of a deployment that has the same name at the upstream', () => {
    const path = '/openai/deployments/a%2fb%7E/chat/completions?api-version=2024-06-01'
    expect(pathOf(path, azure, { model: 'a/b~' })).toBe(path)
  })

  it('has the deployment for a form on a v1 path, so that the form stays unchanged', () => {
    const contentType = 'multipart/form-data; boundary=x'
    const form = { contentType, model: 'whisper prod' }
    expect(pathOf('/v1/audio/transcriptions', azure, form)).toBe(
      '/openai/deployments/whisper%20prod/audio/transcriptions?api-version=2024-10-21',
    )
    expect(pathOf('/v1/images/edits', azure, { contentType, model: 'gpt-image-1' })).toBe(
      '/openai/deployments/gpt-image-1/images/edits?api-version=2025-04-01-preview',
    )
    expect(pathOf('/v1/files', azure, { contentType })).toBe('/openai/v1/files')
    expect(pathOf('/v1/audio/transcriptions', upstream('azure', rules('v1')), form)).toBe(
      '/openai/v1/audio/transcriptions',
    )
  })

  it('names the model in path or body', () => {
    const hasModelInPath = (target: string, version: string) =>
      addressOf(asked(target, { model: 'm' }), upstream('azure', rules(version))).hasModelInPath
    expect([
      hasModelInPath(dated, 'as-asked'),
      hasModelInPath(dated, 'v1'),
      hasModelInPath('/v1/chat/completions', 'as-asked'),
      hasModelInPath('/v1/chat/completions', '2024-10-21'),
      hasModelInPath('/v1/responses', '2025-04-01-preview'),
    ]).toEqual([true, false, false, true, false])
  })
})

describe('api_version', () => {
  const azure = (version: string, more: Partial<Rules> = {}) => upstream('azure', rules(version, more))

  it('v1 removes a date, and a date is only on dated paths', () => {
    expect(pathOf(dated, azure('v1'), { model: 'x' })).toBe('/openai/v1/chat/completions')
    expect(pathOf('/openai/files?api-version=2024-06-01', azure('v1'))).toBe('/openai/v1/files')
    expect(pathOf('/openai/v1/files', azure('2024-10-21'))).toBe('/openai/files?api-version=2024-10-21')
    expect(pathOf(`${dated}&a=%20b`, azure('2024-10-21'), { model: 'x' })).toBe(
      '/openai/deployments/x/chat/completions?a=%20b&api-version=2024-10-21',
    )
  })

  it('by operation precedes by model, which precedes the default', () => {
    const to = azure('v1', {
      byOperation: new Map<Operation, string>([['embeddings', '2024-02-01']]),
      byModel: [{ prefix: 'GPT-5', version: '2025-04-01-preview' }],
    })
    const versionOf = (target: string, model: string) =>
      /\d{4}-[^&]*/.exec(pathOf(target, to, { model }))?.[0]
    expect(versionOf('/v1/embeddings', 'gpt-5')).toBe('2024-02-01')
    expect(versionOf('/v1/chat/completions', 'gpt-5-mini')).toBe('2025-04-01-preview')
    expect(versionOf('/v1/chat/completions', 'gpt-4o')).toBe(undefined)
  })

  it('by model also applies to the model of a deployment that has another name at the upstream', () => {
    const chat = '/v1/chat/completions'
    const versionOf = (to: AddressedUpstream, names: Partial<UpstreamRequest>) =>
      pathOf(chat, to, names).split('api-version=')[1]
    const byPrefix = azure('2024-10-21', { byModel: [{ prefix: 'gpt-5', version: '2025-01-01-preview' }] })
    for (const names of [
      { model: 'prod', modelName: 'gpt-5' },
      { model: 'gpt-5-prod', modelName: 'gpt-4o' },
    ]) {
      expect(versionOf(byPrefix, names)).toBe('2025-01-01-preview')
      expect(versionOf(azure('by-model'), names)).toBe('2025-04-01-preview')
    }
    expect(versionOf(azure('by-model'), { model: 'prod', modelName: 'gpt-4o' })).toBe('2024-10-21')
  })

  it('by-model sends each model a version that has it', () => {
    const versionOf = (target: string, model: string) =>
      pathOf(target, azure('by-model'), { model }).split('api-version=')[1]
    const chat = '/v1/chat/completions'
    expect(
      Object.fromEntries(
        ['gpt-4o', 'gpt-35-turbo', 'GPT-4.1-mini', 'o3-mini', 'gpt-5.1', 'gpt-audio'].map((model) => [
          model,
          versionOf(chat, model),
        ]),
      ),
    ).toEqual({
      'gpt-4o': '2024-10-21',
      'gpt-35-turbo': '2024-10-21',
      'GPT-4.1-mini': '2025-04-01-preview',
      'o3-mini': '2025-04-01-preview',
      'gpt-5.1': '2025-04-01-preview',
      'gpt-audio': '2025-01-01-preview',
    })
    // Every model needs at least 2025-03-01-preview for the Responses API.
    for (const model of ['gpt-4o', 'gpt-5-codex', 'gpt-5-pro', 'mine']) {
      expect(versionOf('/v1/responses', model)).toBe('2025-04-01-preview')
    }
  })

  it('of a converted request is v1 unless it is set, because the client asked for another API', () => {
    const converted = { operation: 'responses', model: 'x', converted: true } as const
    expect(pathOf(dated, azure('as-asked'), converted)).toBe('/openai/v1/responses')
    expect(pathOf(dated, azure('2025-04-01-preview'), converted)).toBe(
      '/openai/responses?api-version=2025-04-01-preview',
    )
  })
})

describe('the path at other kinds of upstreams', () => {
  it.each([
    ['openai', 'https://api.openai.com/v1'],
    ['openai', 'http://[::1]:8080'],
    ['serverless', 'https://mistral.eastus2.models.ai.azure.com'],
    ['anthropic', 'https://api.anthropic.com'],
  ] as const)('of kind %s (%s) begins with /v1 once and has no api-version', (kind, endpoint) => {
    const to = upstream(kind, rules('2024-10-21'), endpoint)
    expect(pathOf(dated, to, { model: 'x' })).toBe('/v1/chat/completions')
    expect(pathOf('/v1/chat/completions?x=1', to)).toBe('/v1/chat/completions?x=1')
    expect(pathOf('/models/chat/completions?api-version=2024-05-01-preview', to)).toBe('/v1/chat/completions')
    expect(pathOf('/anthropic/v1/messages', to)).toBe('/v1/messages')
  })

  it('keeps the path of the endpoint in front of the API', () => {
    const to = (kind: AddressedUpstream['kind'], endpoint: string) =>
      upstream(kind, rules('as-asked'), endpoint)
    const chat = '/v1/chat/completions'
    expect(pathOf(chat, to('openai', 'https://openrouter.ai/api/v1'))).toBe('/api/v1/chat/completions')
    expect(pathOf(chat, to('azure', 'https://apim/team-a'))).toBe('/team-a/openai/v1/chat/completions')
    expect(pathOf('/team-a/v1/files', to('azure', 'https://apim/team-a'))).toBe('/team-a/openai/v1/files')
    expect(pathOf('/other/x', to('azure', 'https://apim/team-a'))).toBe('/team-a/other/x')
    expect(pathOf(dated, to('azure', 'https://host/openai'))).toBe(dated)
    expect(pathOf(dated, to('azure', 'https://host/openai/v1'))).toBe('/openai/v1/chat/completions')
  })

  it.each([
    ['azure', 'https://host/openai', '/openai/deployments/there/chat/completions?api-version=2024-06-01'],
    ['azure', 'https://host/openai/v1', '/openai/v1/chat/completions'],
    ['azure', 'https://host/v1', '/openai/deployments/there/chat/completions?api-version=2024-06-01'],
    ['openai', 'https://host/v1', '/v1/chat/completions'],
    ['openai', 'https://host/api/v1', '/api/v1/chat/completions'],
  ] as const)('of kind %s at %s names the deployment there', (kind, endpoint, path) => {
    const to = upstream(kind, rules('as-asked'), endpoint)
    const request = { operation: 'chatCompletions', model: 'there' } as const
    expect(pathOf(dated, to, request)).toBe(path)
  })

  it.each([
    ['openai', 'https://host/v1', '/v1/fine_tuning/jobs'],
    ['anthropic', 'https://host/v1', '/v1/fine_tuning/jobs'],
    ['azure', 'https://host/v1', '/openai/v1/fine_tuning/jobs'],
    ['azure', 'https://host/openai/v1', '/openai/v1/fine_tuning/jobs'],
  ] as const)('of kind %s at %s is that of an endpoint without /v1', (kind, endpoint, path) => {
    const to = upstream(kind, rules('as-asked'), endpoint)
    expect(pathOf('/v1/fine_tunes?api-version=2024-10-21', to)).toBe(path)
    expect(pathOf('/openai/v1/fine_tunes', to)).toBe(path)
  })

  it.each([
    ['azure', 'https://host/anthropic', '/anthropic/v1/messages'],
    ['azure', 'https://host/anthropic/v1', '/anthropic/v1/messages'],
    ['azure', 'https://host/team/anthropic/v1', '/team/anthropic/v1/messages'],
    ['anthropic', 'https://host/v1', '/v1/messages'],
  ] as const)('of Anthropic Messages of kind %s at %s has their credential', (kind, endpoint, path) => {
    const address = addressOf(asked('/anthropic/v1/messages'), upstream(kind, rules('as-asked'), endpoint))
    expect(address).toMatchObject({ api: 'anthropic', path, headers: ['anthropic-version', '2023-06-01'] })
  })

  it('of the description of a serverless deployment has no prefix', () => {
    const to = upstream('serverless', rules('as-asked'), 'https://mistral.eastus2.models.ai.azure.com')
    expect(addressOf(checkRequest('serverless'), to).path).toBe('/info?api-version=2024-05-01-preview')
    expect(pathOf('/models/info?api-version=2024-04-01-preview', to)).toBe(
      '/info?api-version=2024-04-01-preview',
    )
  })

  it('requires anthropic-version for Anthropic Messages only', () => {
    const version = ['anthropic-version', '2023-06-01']
    expect(addressOf(asked('/anthropic/v1/messages'), upstream('azure')).headers).toEqual(version)
    expect(addressOf(asked('/v1/messages'), upstream('anthropic')).headers).toEqual(version)
    expect(addressOf(asked(dated), upstream('openai')).headers).toEqual([])
  })
})
