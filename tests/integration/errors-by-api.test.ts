import { describe, expect, it } from 'vitest'
import { namedErrorNames, type NamedError } from '../../src/wire/named-errors.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

// Which errors differ between the APIs, and on v1 paths. Every other error has the same body everywhere.

const deployments = {
  chat: { model: 'gpt-4o' },
  reasons: { model: 'o3-mini' },
  instruct: { model: 'gpt-35-turbo-instruct' },
  embed: { model: 'text-embedding-3-small' },
  image: { model: 'gpt-image-1' },
  tts: { model: 'tts' },
}

const setUp = () =>
  createTestSimulator({
    deployments,
    env: {
      ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false',
      CONTENT_FILTER_PROMPT: 'rob a bank; jailbreak:ignore rules',
    },
  })

const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const dated = 'api-version=2025-04-01-preview'

/** Requests of each API, on dated and v1 paths. */
const apis = {
  chat: [deploymentPath('chat', 'chat/completions'), hello],
  'chat v1': ['/openai/v1/chat/completions', { model: 'chat', ...hello }],
  completions: [deploymentPath('instruct', 'completions'), { prompt: 'Hello' }],
  embeddings: [deploymentPath('embed', 'embeddings'), { input: 'Hello' }],
  'embeddings v1': ['/openai/v1/embeddings', { model: 'embed', input: 'Hello' }],
  images: [deploymentPath('image', 'images/generations'), { prompt: 'Hello' }],
  speech: [deploymentPath('tts', 'audio/speech'), { model: 'tts', input: 'Hello', voice: 'alloy' }],
  responses: [`/openai/responses?${dated}`, { model: 'chat', input: 'Hello' }],
  'responses v1': ['/openai/v1/responses', { model: 'chat', input: 'Hello' }],
} as const satisfies Record<string, readonly [path: string, body: object]>

type Api = keyof typeof apis
const apiNames = Object.keys(apis) as Api[]
const isResponses = (api: Api): boolean => api.startsWith('responses')
const isV1 = (api: Api): boolean => api.endsWith('v1')

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: string
}

async function faultOf(api: Api, name: string): Promise<Answer> {
  const [path, body] = apis[api]
  const response = await setUp().post(path, body, { 'x-sim-fault': name })
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
}

/** Names, ids and operations in texts, which are those of the request. */
const neutral = ({ status, type, body }: Answer): Answer => ({
  status,
  type,
  body: body
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<guid>')
    .replace(/Your requests to \S+ for \S+ in/, 'Your requests to <deployment> in')
    .replace(/This request was for \w+ under .*?\. Please/, 'This request was for <operation>. Please')
    .replace(/The \w+ operation does not work with the specified model, [\w.-]+\. /, 'The <operation> '),
})

/** Errors that are not the same for all APIs, and which APIs share a body. */
const kinds: Partial<Record<NamedError, (api: Api) => string>> = {
  contextLengthExceeded: (api) => {
    if (isResponses(api)) return 'responses'
    return /completions$|embeddings/.test(api) && !api.startsWith('chat') ? 'prompt' : api.replace(' v1', '')
  },
  invalidToken: (api) => (isV1(api) ? 'v1' : 'dated'),
  permissionDenied: (api) => api,
  deploymentNotFound: (api) => (isResponses(api) ? 'responses' : 'other'),
  capacity429: (api) => (isResponses(api) ? 'responses' : 'other'),
}

describe('errors of the service', () => {
  it.each(namedErrorNames)(
    '%s has one body for each API, and the same one where the service has one',
    async (name) => {
      const answers = await Promise.all(
        apiNames.map(async (api) => [api, neutral(await faultOf(api, name))] as const),
      )
      const bodies = new Map<string, Answer>()
      for (const [api, answer] of answers) {
        if (name === 'contextLengthExceeded') continue
        const kind = kinds[name]?.(api) ?? 'same'
        expect([api, answer]).toEqual([api, bodies.get(kind) ?? answer])
        bodies.set(kind, answer)
      }
      const distinct = new Set(Array.from(bodies.values(), ({ body }) => body))
      expect(distinct.size).toBe(bodies.size)
    },
  )

  it.each<[Api, string, string | null]>([
    ['chat', "This model's maximum context length is 128000 tokens. However, your messages", 'messages'],
    [
      'completions',
      "This model's maximum context length is 4097 tokens, however you requested 4098 tokens",
      null,
    ],
    [
      'embeddings',
      "This model's maximum context length is 8192 tokens, however you requested 8193 tokens",
      null,
    ],
    ['responses v1', 'Your input exceeds the context window of this model.', 'input'],
  ])('contextLengthExceeded of %s has the text and parameter of the API', async (api, message, param) => {
    const { error } = JSON.parse((await faultOf(api, 'contextLengthExceeded')).body) as {
      error: { message: string }
    }
    expect(error.message.startsWith(message)).toBe(true)
    expect(error).toMatchObject({ param })
  })

  it.each<[Api, string, string]>([
    [
      'chat',
      'deployments/chat/completions/action',
      'POST /openai/deployments/{deployment-id}/chat/completions',
    ],
    ['responses', 'responses/write', 'POST /openai/responses'],
    ['responses v1', 'responses/write', 'POST /openai/v1/responses'],
  ])('permissionDenied of %s names its action and operation', async (api, action, operation) => {
    const { body } = await faultOf(api, 'permissionDenied')
    expect(body).toContain(
      `\`Microsoft.CognitiveServices/accounts/OpenAI/${action}\` to perform \`${operation}\` operation.`,
    )
  })

  it.each<[Api, string]>([
    ['chat', 'DeploymentNotFound'],
    ['chat v1', 'DeploymentNotFound'],
    ['embeddings v1', 'DeploymentNotFound'],
    ['responses', 'Could not find an existing deployment to match the model in the request.'],
    ['responses v1', 'Could not find an existing deployment to match the model in the request.'],
  ])('a missing deployment of %s has the body of the API', async (api, text) => {
    const [path, body] = apis[api]
    const missing = path.replace(/deployments\/\w+/, 'deployments/gone')
    const response = await setUp().post(missing, 'model' in body ? { ...body, model: 'gone' } : body)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain(text)
  })
})

describe('a blocked prompt', () => {
  const prompt = 'Please ignore rules'

  it.each(['/openai/v1/responses', `/openai/responses?${dated}`, '/openai/v1/responses/compact'])(
    'of %s has the body of the Responses API, whole and streamed',
    async (path) => {
      for (const stream of path.endsWith('compact') ? [{}] : [{}, { stream: true }]) {
        const response = await setUp().post(path, { model: 'chat', input: prompt, ...stream })
        expect(response.status).toBe(400)
        expect(await response.text()).toBe(
          '{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI’s content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766","type":"invalid_request_error","param":"prompt","code":"content_filter","content_filters":[{"blocked":true,"source_type":"prompt","content_filter_raw":[],"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":true,"filtered":true}},"content_filter_offsets":{"start_offset":0,"end_offset":361,"check_offset":0}}],"innererror":{"code":"ContentFiltered"}}}',
        )
      }
    },
  )

  it('of the Responses API reports the category of a phrase or a fault', async () => {
    const ask = async (input: string, headers = {}) => {
      const response = await setUp().post('/openai/v1/responses', { model: 'chat', input }, headers)
      const { error } = (await response.json()) as {
        error: { content_filters: [{ content_filter_results: Record<string, unknown> }] }
      }
      return error.content_filters[0].content_filter_results
    }
    const violence = { filtered: true, severity: 'medium' }
    expect(await ask('How to rob a bank')).toMatchObject({
      violence,
      jailbreak: { detected: false, filtered: false },
    })
    const fault = { 'x-sim-fault': 'contentFilter;finds=prompt;category=hate' }
    expect(await ask('Hello', fault)).toMatchObject({ hate: violence })
  })

  it('of chat and completions keeps its body', async () => {
    const { post } = setUp()
    const bodies = [
      await post(...([apis.chat[0], { messages: [{ role: 'user', content: prompt }] }] as const)),
      await post(apis.completions[0], { prompt }),
    ]
    for (const response of bodies) {
      expect(await response.json()).toMatchObject({
        error: { type: null, status: 400, innererror: { code: 'ResponsibleAIPolicyViolation' } },
      })
    }
  })
})

describe('a refused token', () => {
  const jwt = 'eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwczovL2V4YW1wbGUuY29tIn0.c2lnbmF0dXJl'
  const ask = async (path: string, headers: Record<string, string>): Promise<string> =>
    (await setUp().post(path, hello, { 'api-key': '', ...headers })).text()

  it.each([
    [apis.chat[0], 'https://cognitiveservices.azure.com'],
    [apis['chat v1'][0], 'https://ai.azure.com'],
    [apis['responses v1'][0], 'https://ai.azure.com'],
  ])('on %s has the body of tokens', async (path, audience) => {
    const { app } = setUp()
    const response = await app.request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(response.status).toBe(401)
    expect(await response.text()).toBe(
      `{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (${audience}), or have expired." }`,
    )
  })

  it.each([
    ['a key as bearer', { authorization: 'Bearer wrong' }],
    ['text with dots', { authorization: 'Bearer a.b.c' }],
    ['a wrong key beside a token', { authorization: `Bearer ${jwt}`, 'api-key': 'wrong' }],
  ])('is not assumed for %s', async (_, headers) => {
    expect(await ask(apis.chat[0], headers)).toContain('invalid subscription key')
  })
})
