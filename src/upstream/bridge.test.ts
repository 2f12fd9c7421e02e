import { defaultNormalizations } from '../wire/normalize-request.ts'
import { describe, expect, it } from 'vitest'
import { testExchange } from '../../tests/support/test-exchange.ts'
import type { UpstreamDeployment } from '../config/upstream-deployment.ts'
import type { Upstream } from '../config/upstreams.ts'
import type { ServiceError } from '../wire/errors.ts'
import { parseMultipart } from '../wire/multipart.ts'
import { planCall, type PlannedCall } from './bridge.ts'

const upstream: Upstream = {
  name: 'east',
  endpoint: 'https://east.openai.azure.com',
  kind: 'azure',
  credential: { kind: 'key', key: 'k' },
  apiVersion: { default: 'as-asked', byOperation: new Map(), byModel: [] },
  connectTimeoutMs: 1,
  firstByteTimeoutMs: 1,
  idleTimeoutMs: 1,
  totalTimeoutMs: 1,
  connections: 1,
  retries: 0,
}
const target: UpstreamDeployment = {
  upstream: 'east',
  name: undefined,
  form: undefined,
  drop: new Set(),
  normalize: defaultNormalizations,
}

const dated = '/openai/deployments/chat/chat/completions'
const paths = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  messages: '/anthropic/v1/messages',
} as const

interface Asked {
  readonly path: string
  readonly body: string | Buffer
  readonly kind?: Upstream['kind']
  readonly to?: Partial<UpstreamDeployment>
  readonly contentType?: string
}

function plan({ path, body, kind = 'azure', to = {}, contentType = 'application/json' }: Asked) {
  const exchange = testExchange({
    path,
    query: path === dated ? 'api-version=2024-10-21' : '',
    body,
    headers: { 'content-type': contentType },
  })
  return planCall(exchange, { upstream: { ...upstream, kind }, to: { ...target, ...to } })
}

function planned(asked: Asked): PlannedCall {
  const result = plan(asked)
  if ('status' in result) throw new Error(result.message)
  return result
}

const bodyOf = (asked: Asked): string => planned(asked).request.body.toString()

describe('the API that an upstream is asked with', () => {
  const minimal = {
    chat: { messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 9 },
    responses: { input: 'Hi', max_output_tokens: 9 },
    messages: { max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
  }
  const operationFor = (
    asked: keyof typeof paths,
    model: string,
    more: Omit<Asked, 'path' | 'body'> = {},
  ) => {
    const { request, convert } = planned({
      path: paths[asked],
      body: JSON.stringify({ model, ...minimal[asked] }),
      ...more,
    })
    expect(request.converted).toBe(convert !== undefined)
    return request.operation
  }

  it.each<[keyof typeof paths, string, Upstream['kind'], string]>([
    ['chat', 'gpt-4o', 'azure', 'chatCompletions'],
    ['responses', 'gpt-4o', 'azure', 'responses'],
    ['messages', 'gpt-4o', 'azure', 'chatCompletions'],
    ['chat', 'gpt-5.1-codex', 'azure', 'responses'],
    ['messages', 'gpt-5.1-codex', 'azure', 'responses'],
    ['chat', 'team-gpt-5.1-codex-prod', 'azure', 'responses'],
    ['chat', 'claude-sonnet-4-5', 'azure', 'messages'],
    ['responses', 'claude-sonnet-4-5-20250929', 'azure', 'messages'],
    ['messages', 'claude-sonnet-4-5', 'azure', 'messages'],
    // Unknown models are asked as the caller asked.
    ['chat', 'mystery', 'azure', 'chatCompletions'],
    ['responses', 'mystery', 'azure', 'responses'],
    ['messages', 'mystery', 'azure', 'messages'],
    // A kind of upstream does not have all APIs.
    ['chat', 'mystery', 'anthropic', 'messages'],
    ['responses', 'mystery', 'anthropic', 'messages'],
    ['messages', 'mystery', 'openai', 'chatCompletions'],
    ['chat', 'claude-sonnet-4-5', 'openai', 'chatCompletions'],
    ['chat', 'claude-sonnet-4-5', 'serverless', 'chatCompletions'],
    ['responses', 'mistral-large', 'serverless', 'chatCompletions'],
  ])('for %s of %s at %s is that of %s', (asked, model, kind, operation) => {
    expect(operationFor(asked, model, { kind })).toBe(operation)
  })

  it.each([
    ['asked', 'chatCompletions'],
    ['chat', 'chatCompletions'],
    ['responses', 'responses'],
    ['messages', 'messages'],
  ] as const)('can be set to %s', (form, operation) => {
    expect(operationFor('chat', 'claude-sonnet-4-5', { to: { form } })).toBe(operation)
  })

  it('is that of the model of the deployment at the upstream', () => {
    expect(operationFor('chat', 'mine', { to: { name: 'gpt-5.1-codex' } })).toBe('responses')
  })
})

describe('a body that is not converted', () => {
  const odd = '{ "big": 12345678901234567890, "n":1.0, "model" : "chat","a":1,"a":2, "messages": [ ] }\n'

  it('keeps its bytes, except for the name at the upstream', () => {
    const asked = { path: paths.chat, body: odd }
    expect(bodyOf(asked)).toBe(odd)
    expect(bodyOf({ ...asked, to: { name: 'chat' } })).toBe(odd)
    expect(bodyOf({ ...asked, to: { name: 'my "model"' } })).toBe(
      odd.replace('"chat"', String.raw`"my \"model\""`),
    )
  })

  it.each(['not JSON', '[]', '', '{"model":'])('keeps its bytes if it is no JSON object: %j', (body) => {
    for (const path of [dated, paths.chat]) {
      expect(bodyOf({ path, body, to: { name: 'x', form: 'asked' } })).toBe(body)
    }
  })

  it('gets a model only if neither the body nor the path at the upstream has one', () => {
    const body = '{"messages":[]}'
    expect(bodyOf({ path: dated, body, to: { name: 'x' } })).toBe(body)
    expect(bodyOf({ path: dated, body })).toBe(body)
    expect(bodyOf({ path: dated, body, kind: 'openai' })).toBe('{"model":"chat","messages":[]}')
    expect(bodyOf({ path: dated, body, kind: 'openai', to: { name: 'x' } })).toBe(
      '{"model":"x","messages":[]}',
    )
    expect(bodyOf({ path: dated, body: '{"model":"other"}' })).toBe('{"model":"other"}')
    expect(bodyOf({ path: dated, body: '{"model":"other"}', to: { name: 'x' } })).toBe('{"model":"x"}')
  })

  it('is normalised for the model, with the bytes of all other members', () => {
    const body = '{"model":"mine","max_tokens":5,"seed":12345678901234567890,"messages":[ ]}'
    const name = 'gpt-5-mini'
    expect(bodyOf({ path: paths.chat, body, to: { name } })).toBe(
      '{"model":"gpt-5-mini","max_completion_tokens":5,"seed":12345678901234567890,"messages":[ ]}',
    )
    expect(bodyOf({ path: paths.chat, body, to: { name, normalize: new Set() } })).toBe(
      body.replace('mine', name),
    )
    expect(bodyOf({ path: paths.chat, body, to: { name: 'gpt-35-turbo' } })).toBe(
      body.replace('mine', 'gpt-35-turbo'),
    )
    expect(bodyOf({ path: '/v1/completions', body, to: { name: 'davinci-002' } })).toBe(
      body.replace('mine', 'davinci-002'),
    )
  })

  it('keeps the bytes of files in a form', () => {
    const file = Buffer.from([0, 13, 10, 45, 45, 255, 34])
    const form = (model: string): Buffer =>
      Buffer.concat([
        Buffer.from(
          `--b\r\n${model}Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`,
        ),
        file,
        Buffer.from('\r\n--b--\r\n'),
      ])
    const field = (name: string): string =>
      `Content-Disposition: form-data; name="model"\r\n\r\n${name}\r\n--b\r\n`
    const contentType = 'multipart/form-data; boundary=b'
    const asked = { path: '/v1/audio/transcriptions', contentType, kind: 'openai' } as const
    const renamed = planned({ ...asked, body: form(field('whisper')), to: { name: 'w 1' } }).request
    expect(renamed).toMatchObject({ model: 'w 1', contentType })
    expect(renamed.body).toEqual(form(field('w 1')))
    expect(planned({ ...asked, body: form(field('whisper')) }).request.body).toEqual(form(field('whisper')))
    const added = planned({ ...asked, body: form(''), to: { name: 'w' } }).request.body
    expect(parseMultipart(added, contentType)?.text('model')).toBe('w')
    expect(parseMultipart(added, contentType)?.file('file')?.bytes).toEqual(file)
  })
})

describe('a converted request', () => {
  const responses = { to: { form: 'chat', name: 'prod' } } as const

  it('has the name at the upstream, and asks for the usage of a stream', () => {
    const body = JSON.stringify({ model: 'mine', input: 'Hi', stream: true })
    const { request } = planned({ path: paths.responses, body, ...responses })
    expect(request).toMatchObject({
      operation: 'chatCompletions',
      model: 'prod',
      contentType: 'application/json',
      converted: true,
    })
    expect(JSON.parse(request.body.toString())).toMatchObject({
      model: 'prod',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Hi' }],
    })
  })

  it('does not ask for the usage of a stream if that is dropped', () => {
    const body = JSON.stringify({ model: 'mine', input: 'Hi', stream: true })
    const drop = new Set(['stream_options.include_usage'])
    expect(bodyOf({ path: paths.responses, body, to: { ...responses.to, drop } })).not.toContain(
      'stream_options',
    )
  })

  it('is normalised for the model', () => {
    const body = JSON.stringify({ model: 'mine', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] })
    const { request } = planned({ path: paths.messages, body, to: { form: 'chat', name: 'gpt-35-turbo' } })
    expect(JSON.parse(request.body.toString())).toMatchObject({ model: 'gpt-35-turbo' })
  })

  const refused = (asked: Asked): ServiceError => {
    const result = plan(asked)
    if (!('status' in result)) throw new Error('not refused')
    return result
  }

  it.each<[string, string, object]>([
    [
      'invalid JSON',
      '{"input":',
      { status: 400, message: expect.stringContaining('could not parse the JSON body') as unknown },
    ],
    ['another value than an object', '[]', { status: 400 }],
  ])('is refused with %s', (_, body, error) => {
    expect(refused({ path: paths.responses, body, ...responses })).toMatchObject(error)
  })

  it('asks for no usage of a stream if the deployment drops it', () => {
    const drop = new Set(['stream_options.include_usage'])
    const to = { form: 'chat', name: 'prod', drop } as const
    const body = bodyOf({ path: paths.responses, body: '{"input":"Hi","stream":true}', to })
    expect(JSON.parse(body)).toMatchObject({ stream: true })
    expect(body).not.toContain('stream_options')
  })

  it('is refused without a model', () => {
    expect(refused({ path: paths.responses, body: '{"input":"Hi"}', to: { form: 'chat' } })).toMatchObject({
      status: 400,
      message: 'you must provide a model parameter',
    })
  })

  it('is refused with the name of the parameter that the API of the upstream does not have, unless it is dropped', () => {
    const body = JSON.stringify({ model: 'mine', input: 'Hi', previous_response_id: 'resp_1' })
    expect(refused({ path: paths.responses, body, ...responses })).toMatchObject({
      status: 400,
      param: 'previous_response_id',
      code: 'unsupported_parameter',
    })
    expect(
      bodyOf({
        path: paths.responses,
        body,
        to: { ...responses.to, drop: new Set(['previous_response_id']) },
      }),
    ).not.toContain('resp_1')
  })

  it('is refused for operations that only one API has', () => {
    for (const path of ['/v1/responses/input_tokens', '/v1/responses/compact']) {
      expect(refused({ path, body: '{"model":"m","input":"Hi"}', ...responses })).toMatchObject({
        status: 400,
        code: 'unsupported_operation',
        message: expect.stringContaining('chat completions') as unknown,
      })
    }
    expect(
      refused({ path: '/anthropic/v1/messages/count_tokens', body: '{"model":"gpt-4o"}' }),
    ).toMatchObject({ status: 400 })
    expect(
      planned({ path: '/v1/responses/input_tokens', body: '{"model":"gpt-4o"}' }).convert,
    ).toBeUndefined()
  })
})
