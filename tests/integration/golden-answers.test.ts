import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AnswerOverride } from '../../src/pipeline/exchange.ts'
import type { Hook } from '../../src/pipeline/stage.ts'
import { bodyOf, messageRequests, operationRequests } from '../support/operation-requests.ts'
import {
  createExtendedSimulator,
  createTestSimulator,
  deploymentPath,
  testKey,
} from '../support/test-simulator.ts'

const chatPath = deploymentPath('gpt-4o', 'chat/completions')
const responsesPath = '/openai/v1/responses'
const hello = [{ role: 'user', content: 'Hello' }]
const weather = {
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
}
const tools = [{ type: 'function', function: weather }]
const custom = [{ type: 'custom', custom: { name: 'free' } }]
const usage = { streamOptions: { include_usage: true } }
const refusal = { refusal: 'I cannot do that: "é👩‍🚀".' }
const text = { text: 'Hello 👩‍🚀,\n"read this": é' }
/** A request that can be answered by parallel calls. */
const parallel = { messages: hello, tools: [...tools, ...custom], tool_choice: 'required' }

/** A request with an answer that is compared byte for byte. */
interface Case {
  readonly name: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>> | string | FormData
  readonly headers?: Readonly<Record<string, string>>
  readonly forced?: AnswerOverride
  /** Requests for the response that the first request created: a method and the end of a path. */
  readonly followedBy?: readonly string[]
}

/** A request, whole and streamed. `streamOptions` apply to the stream. */
const both = (
  name: string,
  path: string,
  { streamOptions, ...body }: Record<string, unknown>,
  more: Partial<Case> = {},
): Case[] => [
  { name, path, body, ...more },
  {
    name: `${name}, streamed`,
    path,
    body: { ...body, stream: true, ...(streamOptions !== undefined && { stream_options: streamOptions }) },
    ...more,
  },
]

const chat = (name: string, body: Record<string, unknown>, more: Partial<Case> = {}): Case[] =>
  both(`chat ${name}`, chatPath, { messages: hello, max_tokens: 12, ...body }, more)

const responses = (name: string, body: Record<string, unknown>, more: Partial<Case> = {}): Case[] =>
  both(
    `responses ${name}`,
    responsesPath,
    { model: 'gpt-4o', input: 'Hello', max_output_tokens: 16, ...body },
    more,
  )

const speechForms = [{ response_format: 'mp3' }, { response_format: 'wav', stream_format: 'sse' }]
const transcriptForms: readonly [string, Record<string, string>][] = [
  ['whisper-free', { response_format: 'srt' }],
  ['whisper-free', { response_format: 'vtt' }],
  ['whisper-free', { response_format: 'text' }],
  ['whisper-free', { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' }],
  ['gpt-4o-transcribe', { response_format: 'json', stream: 'true' }],
  ['gpt-4o-transcribe-diarize', { response_format: 'diarized_json', chunking_strategy: 'auto' }],
  [
    'gpt-4o-transcribe-diarize',
    { response_format: 'diarized_json', chunking_strategy: 'auto', stream: 'true' },
  ],
]

const cases: readonly Case[] = [
  ...[...operationRequests, ...messageRequests].map((one) => ({
    name: one.name,
    path: one.path,
    body: bodyOf(one, one.body),
    headers: one.headers ?? {},
  })),
  ...chat('of lorem', usage),
  ...chat('without obfuscation', { streamOptions: { include_usage: false, include_obfuscation: false } }),
  ...chat('with two choices', { n: 2, ...usage }),
  ...chat('with log probabilities', { logprobs: true, top_logprobs: 2, n: 2, max_tokens: 4 }),
  ...chat('as JSON', {
    messages: [{ role: 'user', content: 'Hello in json' }],
    response_format: { type: 'json_object' },
    max_tokens: 30,
  }),
  ...chat('with a call', { tools, tool_choice: 'required', parallel_tool_calls: false, max_tokens: 60 }),
  ...chat('with parallel calls', { ...parallel, max_tokens: 90 }, { forced: { toolCalls: 2 } }),
  ...chat('with calls in two choices', { ...parallel, n: 2, max_tokens: 60 }),
  ...chat('with a custom tool', { tools: custom, tool_choice: 'required', max_tokens: 60 }),
  ...chat('with a function', { functions: [weather], function_call: { name: 'weather' }, max_tokens: 60 }),
  ...chat('with any function', { functions: [weather], max_tokens: 20 }),
  ...chat('that is blocked', { messages: [{ role: 'user', content: 'block me' }], ...usage }),
  ...chat('that is blocked late', { messages: [{ role: 'user', content: 'stop me late' }], ...usage }),
  ...chat('of a given text', { n: 2, max_tokens: 60 }, { forced: text }),
  ...chat('that refuses', { max_tokens: 60 }, { forced: refusal }),
  ...both('chat with thought', deploymentPath('gpt-5-mini', 'chat/completions'), {
    messages: hello,
    reasoning_effort: 'low',
    max_completion_tokens: 120,
    service_tier: 'auto',
    ...usage,
  }),
  ...both('completions with echo', deploymentPath('gpt-35-turbo-instruct', 'completions'), {
    prompt: ['Once é', 'Twice'],
    echo: true,
    max_tokens: 4,
    n: 2,
    logprobs: 2,
    ...usage,
  }),
  ...both('completions that are blocked late', deploymentPath('gpt-35-turbo-instruct', 'completions'), {
    prompt: 'stop me late',
    max_tokens: 6,
    echo: true,
  }),
  ...responses(
    'that is stored',
    { metadata: { a: 'é' }, instructions: 'Be short.' },
    { followedBy: ['GET ', 'GET /input_items', 'POST /cancel', 'DELETE ', 'GET '] },
  ),
  ...responses('in the background', { background: true }, { followedBy: ['GET ', 'POST /cancel'] }),
  ...responses('with thought', {
    model: 'gpt-5-mini',
    reasoning: { effort: 'low', summary: 'auto' },
    include: ['reasoning.encrypted_content'],
    max_output_tokens: 420,
  }),
  ...responses('with a call', {
    tools: [{ type: 'function', ...weather }],
    tool_choice: 'required',
    max_output_tokens: 60,
  }),
  ...responses('with a custom tool', {
    tools: [{ type: 'custom', name: 'free' }],
    tool_choice: 'required',
    max_output_tokens: 60,
  }),
  ...responses('that is blocked', { input: 'block me' }),
  ...responses('that is blocked late', { input: 'stop me late' }),
  ...speechForms.map((form) => ({
    name: `speech as ${JSON.stringify(form)}`,
    path: deploymentPath('tts', 'audio/speech'),
    body: { model: 'tts', input: 'Hi', voice: 'alloy', ...form },
  })),
  ...transcriptForms.map(([deployment, form]) => ({
    name: `transcription as ${JSON.stringify(form)}`,
    path: deploymentPath(deployment, 'audio/transcriptions'),
    body: bodyOf({ name: '', path: '', body: form, form: 'audio' }, form),
  })),
  {
    name: 'images of a GPT model',
    path: '/openai/v1/images/generations',
    body: { model: 'gpt-image-1', prompt: 'A dog', n: 2, quality: 'low' },
  },
  ...responses('of a given text', {}, { forced: text }),
  ...responses('that refuses', { streamOptions: { include_obfuscation: false } }, { forced: refusal }),
]

const env = { CONTENT_FILTER_COMPLETION: 'hate: block me', CONTENT_FILTER_LATE: 'sexual: stop me late' }

const deployments = Object.fromEntries(
  Object.entries({ 'whisper-free': 'whisper', tts: 'gpt-4o-mini-tts' }).map(([name, model]) => [
    name,
    { model },
  ]),
)

/** Images and audio by their hash. */
const shown = (bytes: Buffer, type: string | null): string =>
  type !== null && /^audio|^image/.test(type)
    ? hashOf(bytes)
    : bytes.toString().replace(/[A-Za-z0-9+/]{1000,}=*/g, (data) => hashOf(Buffer.from(data)))

const hashOf = (bytes: Buffer): string => `sha256 ${createHash('sha256').update(bytes).digest('hex')}`

async function answersOf({ path, body, headers: own, forced, followedBy = [] }: Case): Promise<string> {
  const hook: Hook = (exchange, next) => {
    if (forced) exchange.forced = forced
    return next()
  }
  const { app } = await createExtendedSimulator([{ name: 'force', hooks: [hook] }], {
    env: { ...env, SIMULATOR_SEED: 'test' },
    deployments,
  })
  const ask = async (url: string, init: RequestInit): Promise<string> => {
    const response = await app.request(url, init)
    const type = response.headers.get('content-type')
    return `${response.status} ${type}\n${shown(Buffer.from(await response.arrayBuffer()), type)}`
  }
  const sent = body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body)
  const json = body instanceof FormData ? undefined : { 'content-type': 'application/json' }
  const headers = { 'api-key': testKey, ...json, ...own }
  const answers = [await ask(path, { method: 'POST', headers, body: sent })]
  const id = /"id": ?"(resp_[^"]+)"/.exec(answers[0] ?? '')?.[1]
  for (const line of followedBy) {
    const [method = '', end = ''] = line.split(' ')
    answers.push(await ask(`${path}/${id}${end}`, { method, headers: { 'api-key': testKey } }))
  }
  return answers.join('\n--\n')
}

const fileName = (name: string): string => `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.txt`

describe('the bytes of an answer for a seed', () => {
  it.each(['/openai/v1/models', '/openai/v1/models/gpt-4o'])('are unchanged: %s', async (path) => {
    const { app } = createTestSimulator()
    const response = await app.request(path, { headers: { 'api-key': testKey } })
    await expect(await response.text()).toMatchFileSnapshot(`../golden/${fileName(path)}`)
  })

  it.each(cases.map((one) => [one.name, one] as const))('are unchanged: %s', async (name, one) => {
    await expect(await answersOf(one)).toMatchFileSnapshot(`../golden/${fileName(name)}`)
  })
})
