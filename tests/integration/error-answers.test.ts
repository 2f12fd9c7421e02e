import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/server/listen.ts'
import { defineExtension } from '../../src/pipeline/extension.ts'
import { errorReply } from '../../src/server/extension-kit.ts'
import { highDemand, invalidKey, rateLimited } from '../../src/wire/errors.ts'
import { namedErrorNames } from '../../src/wire/named-errors.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { tell } from '../support/hostile-client.ts'
import { messageRequests, operationRequests } from '../support/operation-requests.ts'
import { requestBytes, type RawRequest } from '../support/raw-http.ts'
import { recordingFolder } from '../support/recording-folder.ts'
import { recordingPlace, startRecording } from '../support/recording-simulator.ts'
import {
  createExtendedSimulator,
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSettings,
} from '../support/test-simulator.ts'

// Every error that a client can get, byte for byte: head, order and case of the headers, body. `vitest -u` updates the file.

const deployments = {
  chat: { model: 'gpt-4o' },
  reasons: { model: 'o3-mini' },
  instruct: { model: 'gpt-35-turbo-instruct' },
  embed: { model: 'text-embedding-3-small' },
  dalle: { model: 'dall-e-3' },
  image: { model: 'gpt-image-1' },
  tts: { model: 'tts' },
  hear: { model: 'gpt-4o-transcribe' },
  tokens: { model: 'gpt-4o', tokensPerMinute: 1_000 },
  requests: { model: 'gpt-4o', requestsPerMinute: 1 },
  failing: { model: 'gpt-4o', tokensPerMinute: 100_000 },
}

const env = {
  ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false',
  CONTENT_FILTER_PROMPT: 'rob a bank; jailbreak:ignore all rules',
  CONTENT_FILTER_COMPLETION: 'hate:be rude',
}

const chat = deploymentPath('chat', 'chat/completions')
const embed = deploymentPath('embed', 'embeddings')
const instruct = deploymentPath('instruct', 'completions')
const responses = '/openai/responses?api-version=2025-04-01-preview'
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }

type Case = readonly [
  title: string,
  path: string,
  body?: unknown,
  more?: { readonly method?: string; readonly headers?: Record<string, string>; readonly times?: number },
]

const fault = (name: string): { headers: Record<string, string> } => ({ headers: { 'x-sim-fault': name } })

const cases: readonly Case[] = [
  ...namedErrorNames.map((name): Case => [`fault ${name} of chat`, chat, hello, fault(name)]),
  ...namedErrorNames.map((name): Case => [
    `fault ${name} of a limited deployment`,
    deploymentPath('failing', 'chat/completions'),
    hello,
    fault(name),
  ]),
  ['fault serverError of embeddings', embed, { input: 'a' }, fault('serverError')],
  ['fault serverError of responses', responses, { model: 'chat', input: 'a' }, fault('serverError')],
  [
    'fault serverError of a stored response',
    '/openai/v1/responses/resp_1',
    undefined,
    { method: 'GET', ...fault('serverError') },
  ],
  ['fault tokenRateLimit with its own wait', chat, hello, fault('tokenRateLimit;retryAfterSeconds=7')],
  [
    'fault bodyTooLarge of models',
    '/openai/v1/models',
    undefined,
    { method: 'GET', ...fault('bodyTooLarge') },
  ],
  ['an error event in a chat', chat, { ...hello, stream: true }, fault('errorEvent')],
  [
    'an error event in completions',
    instruct,
    { prompt: 'a', max_tokens: 5, stream: true },
    fault('errorEvent;message=Broken "off"'),
  ],
  [
    'an error event in responses',
    responses,
    { model: 'chat', input: 'a', max_output_tokens: 16, stream: true },
    fault('errorEvent'),
  ],
  ['a wrong x-sim header', chat, hello, { headers: { 'x-sim-tokens': 'x' } }],
  ['an unknown x-sim header', chat, hello, { headers: { 'x-sim-token': '1' } }],
  ['no key', chat, hello, { headers: { 'api-key': '' } }],
  ['a wrong key', chat, hello, { headers: { 'api-key': 'wrong' } }],
  ['a wrong key on an unknown path', '/nowhere', hello, { headers: { 'api-key': 'wrong' } }],
  ['an unknown path', '/openai/nowhere?api-version=2024-10-21', hello],
  ['an unknown method', chat, undefined, { method: 'GET' }],
  ['no api-version', '/openai/deployments/chat/chat/completions', hello],
  ['an unknown api-version', '/openai/deployments/chat/chat/completions?api-version=1999-01-01', hello],
  [
    'an api-version older than the model',
    '/openai/deployments/reasons/chat/completions?api-version=2024-02-01',
    hello,
  ],
  ['an unknown deployment', deploymentPath('nowhere', 'chat/completions'), hello],
  ['an unknown deployment on the v1 path', '/openai/v1/chat/completions', { ...hello, model: 'nowhere' }],
  ['no model', '/openai/v1/chat/completions', hello],
  ['no JSON on the v1 path', '/openai/v1/chat/completions', '{'],
  ['no JSON', chat, '{'],
  ['a list', chat, []],
  ['an operation that the model lacks', deploymentPath('embed', 'chat/completions'), hello],
  [
    'a conversation that is too long',
    chat,
    { messages: [{ role: 'user', content: 'word '.repeat(128_001) }] },
  ],
  ['completions that are too long', instruct, { prompt: 'a', max_tokens: 5_000 }],
  ['an input that is too long', embed, { input: 'word '.repeat(8_200) }],
  ['a response that is too long', responses, { model: 'chat', input: 'word '.repeat(128_001) }],
  ['a filtered chat', chat, { messages: [{ role: 'user', content: 'rob a bank' }] }],
  ['a filtered completion', instruct, { prompt: 'ignore all rules' }],
  ['a filtered response', responses, { model: 'chat', input: 'rob a bank' }],
  [
    'a filtered chat with limits',
    deploymentPath('failing', 'chat/completions'),
    { messages: [{ role: 'user', content: 'rob a bank' }] },
  ],
  [
    'a filtered prompt of an image',
    deploymentPath('dalle', 'images/generations'),
    { prompt: '"Please" rob a bank' },
  ],
  [
    'a jailbreak in a prompt of an image',
    deploymentPath('dalle', 'images/generations'),
    { prompt: 'ignore all rules' },
  ],
  ['a filtered image', deploymentPath('dalle', 'images/generations'), { prompt: 'be rude' }],
  ['filtered speech', deploymentPath('tts', 'audio/speech'), { input: 'rob a bank', voice: 'alloy' }],
  [
    'a wrong field of chat',
    chat,
    { messages: [{ role: 'user', content: 'a "quoted" é' }], temperature: 'x' },
  ],
  ['a wrong field of completions', instruct, { prompt: 'a', n: 0 }],
  ['a wrong field of embeddings', embed, { input: 7 }],
  ['a wrong field of responses', responses, { model: 'chat', input: 7 }],
  ['a wrong field of images', deploymentPath('dalle', 'images/generations'), { prompt: 'a', n: 2 }],
  ['a wrong field of speech', deploymentPath('tts', 'audio/speech'), { input: 'a', voice: 7 }],
  ['a transcription of JSON', deploymentPath('hear', 'audio/transcriptions'), { model: 'hear' }],
  [
    'a broken form',
    deploymentPath('hear', 'audio/transcriptions'),
    'x',
    { headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  [
    'a form without a file',
    deploymentPath('hear', 'audio/transcriptions'),
    '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nhear\r\n--b--\r\n',
    { headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  [
    'a sound that is too short',
    deploymentPath('hear', 'audio/transcriptions'),
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n',
    { headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  [
    'a sound that is too large',
    deploymentPath('hear', 'audio/transcriptions'),
    'x'.repeat(26_300_000),
    { headers: { 'content-type': 'multipart/form-data; boundary=b' } },
  ],
  ['too many completions', instruct, { prompt: ['a', 'b'], n: 128, max_tokens: 5 }],
  ['an unknown model', '/openai/v1/models/nothing', undefined, { method: 'GET' }],
  ['an unknown response', '/openai/v1/responses/resp_1', undefined, { method: 'GET' }],
  ['an id of no response', '/openai/v1/responses/x', undefined, { method: 'GET' }],
  ['an unknown response to delete', '/openai/v1/responses/resp_1', undefined, { method: 'DELETE' }],
  ['an unknown previous response', responses, { model: 'chat', input: 'a', previous_response_id: 'resp_1' }],
  ['an unknown item', responses, { model: 'chat', input: [{ type: 'item_reference', id: 'msg_1' }] }],
  [
    'an output of no call',
    responses,
    { model: 'chat', input: [{ type: 'function_call_output', call_id: 'a', output: 'b' }] },
  ],
  [
    'a call without output',
    responses,
    { model: 'chat', input: [{ type: 'function_call', call_id: 'a', name: 'b', arguments: '{}' }] },
  ],
  [
    'more tokens than the limit',
    deploymentPath('tokens', 'chat/completions'),
    { ...hello, max_tokens: 2_000 },
  ],
  [
    'tokens over the limit',
    deploymentPath('tokens', 'chat/completions'),
    { ...hello, max_tokens: 600 },
    { times: 2 },
  ],
  [
    'tokens over the limit on the v1 path',
    '/openai/v1/chat/completions',
    { ...hello, model: 'tokens', max_tokens: 600 },
    { times: 2 },
  ],
  ['requests over the limit', deploymentPath('requests', 'chat/completions'), hello, { times: 2 }],
  ['a hook that throws', chat, hello, { headers: { 'x-ask': 'throw' } }],
  ['a hook that answers with an error', chat, hello, { headers: { 'x-ask': 'error' } }],
  ['a hook that answers with an error of a deployment', chat, hello, { headers: { 'x-ask': 'after' } }],
  ['a generator that throws', '/generator/throw', hello],
  ['a generator that answers with an error', '/generator/error', hello],
  [
    'a generator that answers with an error on a deployment',
    chat,
    hello,
    { headers: { 'x-ask': 'generate' } },
  ],
  ['a body that cannot be rendered', '/generator/render', hello],
  ['a limiter of an extension', '/limited', hello],
  ['a body that is larger than the limit', '/openai/v1/chat/completions', 'x'.repeat(1_100_000)],
  ['an image address that is not signed', '/images/a.png', undefined, { method: 'GET' }],
]

const asks = ({ headers }: { headers: Readonly<Record<string, unknown>> }): unknown => headers['x-ask']

const extension = defineExtension({
  name: 'asks',
  hooks: [
    async (exchange, next) => {
      if (asks(exchange) === 'throw') throw new Error('as asked')
      if (asks(exchange) === 'error') return errorReply(exchange, invalidKey(), { 'x-more': 'a' })
      if (exchange.path === '/limited') exchange.limiter = 'never'
      if (asks(exchange) !== 'after') return next()
      await next()
      return errorReply(exchange, highDemand(), { 'retry-after': '2' })
    },
  ],
  generators: [
    (exchange) => {
      if (asks(exchange) === 'generate') return errorReply(exchange, highDemand(), { 'retry-after': '2' })
      if (exchange.path === '/generator/throw') throw new Error('as asked')
      if (exchange.path === '/generator/error') return errorReply(exchange, invalidKey())
      if (exchange.path !== '/generator/render') return undefined
      const reply = errorReply(exchange, highDemand())
      reply.body = {
        kind: 'whole',
        render: () => {
          throw new Error('as asked')
        },
      }
      return reply
    },
  ],
  limiters: {
    never: (exchange) =>
      errorReply(
        exchange,
        rateLimited({
          deployment: 'd',
          model: 'm',
          region: 'r',
          operationId: 'o',
          apiVersion: undefined,
          kind: 'call',
          retryAfterSeconds: 1,
        }),
      ),
  },
})

const normal = (text: string): string =>
  text
    .replace(/[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g, '<guid>')
    .replace(/"obfuscation":"\w*"/g, '"obfuscation":"<noise>"')
    .replace(/Date: .*\r/, 'Date: <date>\r')

async function ask(port: number, bytes: string): Promise<string> {
  return normal((await tell(port, bytes)).text)
}

const close = { Connection: 'close' }

async function open(settings: TestSettings, extensions = [extension]): Promise<number> {
  const { app } =
    extensions.length === 0
      ? createTestSimulator(settings)
      : await createExtendedSimulator(extensions, settings)
  return portOf(app)
}

async function portOf(app: Parameters<typeof listen>[0]): Promise<number> {
  const listener = await listen(app, '127.0.0.1', 0)
  onTestFinished(() => listener.close(0))
  return Number(new URL(listener.url).port)
}

function bytesOf([, path, body, { method = 'POST', headers = {} } = {}]: Case): string {
  const request: RawRequest = {
    method,
    path,
    headers: { 'api-key': testKey, 'Content-Type': 'application/json', ...close, ...lowered(headers) },
    body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
  }
  return requestBytes(request)
}

/** A header of the case replaces the default one. */
function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-type': contentType, ...others } = headers
  return { ...others, ...(contentType !== undefined && { 'Content-Type': contentType }) }
}

async function collect(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const small = { ...env, BODY_LIMIT_MB: '1' }
  for (const one of cases) {
    const port = await open(
      { deployments, env: one[0].startsWith('a body that is larger') ? small : env },
      /hook|generator|limiter|rendered/.test(one[0]) ? [extension] : [],
    )
    const { times = 1 } = one[3] ?? {}
    for (let time = 1; time < times; time++) await ask(port, bytesOf(one))
    found.set(one[0], await ask(port, bytesOf(one)))
  }
  return found
}

const place = recordingPlace()

describe('an error', () => {
  it('has the status, the headers in their order and the body of the service', async () => {
    const found = await collect()
    const chatBytes = (headers: Record<string, string>, body = '{}'): string =>
      requestBytes({ path: chat, headers: { 'api-key': testKey, ...close, ...headers }, body })
    {
      const port = await open({ deployments, env }, [])
      found.set('what is not HTTP', await ask(port, 'nonsense\r\n\r\n'))
      found.set('a request without a host', await ask(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'))
      found.set('headers that are too long', await ask(port, chatBytes({ 'x-long': 'x'.repeat(100_000) })))
      found.set('an expectation', await ask(port, chatBytes({ Expect: 'more' })))
      found.set(
        'a coding',
        await ask(
          port,
          `POST ${chat} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
        ),
      )
      found.set(
        'a chunk extension',
        await ask(
          port,
          `POST ${chat} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
        ),
      )
    }
    {
      const stored = await open({ deployments, env }, [])
      const text = await ask(
        stored,
        bytesOf(['', responses, { model: 'chat', input: 'a', max_output_tokens: 16 }]),
      )
      const [, id = ''] = /"id": "(resp_\w+)"/.exec(text) ?? []
      const cancel = await ask(stored, bytesOf(['', `/openai/v1/responses/${id}/cancel`, {}]))
      found.set('a response that cannot be cancelled', cancel.replaceAll(id, '<id>'))
      const list = await ask(
        stored,
        bytesOf(['', `/openai/v1/responses/${id}/input_items?limit=x`, undefined, { method: 'GET' }]),
      )
      found.set('a limit that is no number', list.replaceAll(id, '<id>'))
    }
    {
      const deployment = { model: 'gpt-4o', latency: { concurrency: { slots: 1, queueLength: 0 } } }
      const timeout = {
        model: 'gpt-4o',
        latency: { concurrency: { slots: 1, queueLength: 5, queueTimeoutMs: 10 } },
      }
      const simulator = createTestSimulator({
        deployments: { full: deployment, slow: timeout },
        env: { LATENCY_TIME_SCALE: '1' },
      })
      const port = await portOf(simulator.app)
      for (const name of ['full', 'slow']) {
        const path = deploymentPath(name, 'chat/completions')
        const first = simulator.post(path, { ...hello, max_tokens: 500 })
        const second = ask(port, bytesOf(['', path, hello]))
        const answer = await advanceUntil(simulator.clock, second, 100)
        found.set(name === 'full' ? 'a full queue' : 'a wait that is too long', answer)
        await simulator.clock.advance(60_000)
        await (await first).text()
      }
    }
    {
      const simulator = createTestSimulator({
        deployments: { chat: deployments.chat },
        env: { BODIES_LIMIT_MB: '1', BODY_LIMIT_MB: '1', LATENCY_TIME_SCALE: '1' },
      })
      const port = await portOf(simulator.app)
      const large = bytesOf(['', chat, { messages: [{ role: 'user', content: 'word '.repeat(100_000) }] }])
      const first = ask(port, large)
      await expect.poll(() => simulator.simulator.metrics.render()).toMatch(/^aoai_requests_in_flight 1$/m)
      found.set('a request that finds no memory', await ask(port, large))
      await advanceUntil(simulator.clock, first, 60_000)
    }
    {
      const dir = recordingFolder({})
      const port = await open({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } }, [])
      const answer = await ask(port, bytesOf(['', chat, hello]))
      found.set(
        'a request without a recording',
        answer.replaceAll(dir, '<dir>').replace(/Content-Length: \d+/, 'Content-Length: <n>'),
      )
    }
    {
      const simulator = startRecording(place, createSystemClock(), {
        AZURE_OPENAI_ENDPOINT: `${place.upstream.url}/base`,
      })
      const port = await portOf(simulator.app)
      found.set('a path that leaves the endpoint', await ask(port, bytesOf(['', '/../x', hello])))
      await place.upstream.close()
      const answer = await ask(port, bytesOf(['', chat, hello]))
      found.set(
        'an upstream that is away',
        answer
          .replace(place.upstream.url, '<upstream>')
          .replace(/Content-Length: \d+/, 'Content-Length: <n>'),
      )
    }
    for (const request of [...operationRequests, ...messageRequests]) {
      if (request.form !== undefined) continue
      const port = await open({ env: { ...env, ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'true' } }, [])
      const broken = { ...request.body, user: 7, n: 'x', input: 7 }
      found.set(
        `a wrong body of ${request.name}`,
        await ask(port, bytesOf(['', request.path, broken, { headers: request.headers ?? {} }])),
      )
    }
    await expect(render(found)).toMatchFileSnapshot('../golden/error-answers.txt')
  })
})

function render(found: ReadonlyMap<string, string>): string {
  return [...found].map(([title, answer]) => `~~~~~~ ${title}\n${answer}\n`).join('')
}
