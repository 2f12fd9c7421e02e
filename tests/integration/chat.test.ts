import { describe, expect, it } from 'vitest'
import { codePointLength } from '../../src/wire/sse.ts'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { createTestSimulator, deploymentPath, eventsOf } from '../support/test-simulator.ts'

const hello = { messages: [{ role: 'user', content: 'Tell me a joke about opentelemetry' }] }
const path = deploymentPath('gpt-4o-mini', 'chat/completions')

interface ChatBody {
  choices: { finish_reason: string; index: number; message: { content: string } }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

interface ChatChunk {
  choices: { delta: { content?: string; role?: string }; finish_reason: string | null; index: number }[]
  obfuscation?: string
  usage?: object | null
}

describe('chat completions', () => {
  it.each(['system', 'developer', 'user', 'tool', 'function'])(
    'ignores calls, and whatever else only other roles have, on a message of the role %s',
    async (role) => {
      const { post, log } = createTestSimulator()
      const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }
      const asked = { role: 'assistant', content: null, tool_calls: [call] }
      const prompt = 'x '.repeat(2_000)
      const ask = async (members: object): Promise<unknown> => {
        const message = { role, content: prompt, ...(role === 'tool' && { tool_call_id: 'a' }), ...members }
        if (role === 'function') Object.assign(message, { name: 'f' })
        const messages = [{ role: 'user', content: 'Hi' }, ...(role === 'tool' ? [asked] : []), message]
        const response = await post(path, { messages, max_tokens: 1 })
        const { usage } = (await response.json()) as ChatBody
        return [response.status, usage.prompt_tokens]
      }
      const plain = await ask({})
      const values = [
        'x',
        5,
        true,
        null,
        [],
        {},
        [1],
        [null],
        [{}],
        [[]],
        { name: 'f' },
        { name: 5, arguments: {} },
      ]
      const broken = [
        [{ function: {} }],
        [{ type: 'custom' }],
        [{ function: { name: 5, arguments: [] } }],
        [call],
      ]
      for (const key of ['tool_calls', 'function_call', 'audio', 'refusal', 'reasoning_content']) {
        for (const value of [...values, ...broken]) {
          expect([key, value, await ask({ [key]: value })]).toEqual([key, value, plain])
        }
      }
      // Each of the two fields is checked with other roles than this one.
      const foreign = role === 'tool' ? 'name' : 'tool_call_id'
      for (const value of values) expect([value, await ask({ [foreign]: value })]).toEqual([value, plain])
      expect(log).toEqual([])
    },
  )

  it('accepts tool call arguments with deep nesting, because they are text', async () => {
    const { post } = createTestSimulator()
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const calls = ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: deep } }))
    const messages = [
      { role: 'assistant', content: null, tool_calls: calls },
      ...calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'x' })),
    ]
    expect((await post(path, { messages, max_tokens: 1 })).status).toBe(200)
  })

  it('accepts an audio part of the model with any content', async () => {
    const { post } = createTestSimulator()
    const content = [
      { type: 'text', text: 'x '.repeat(2_000) },
      { type: 'audio', audio: { id: 'a' } },
    ]
    const response = await post(path, { messages: [{ role: 'user', content }], max_tokens: 1 })
    expect(response.status).toBe(200)
  })

  it('returns the bytes of the current service', async () => {
    const { post } = createTestSimulator()
    const response = await post(path, { ...hello, max_tokens: 5 })
    expect(response.status).toBe(200)
    const text = (await response.text())
      .replace(/"id":"chatcmpl-[A-Za-z0-9]{29}"/, '"id":"ID"')
      .replace(/"content":"[^"]+"/, '"content":"TEXT"')
      .replace(/"fp_[0-9a-f]{10}"/, '"FP"')
      .replace(/"d\d{14}-[0-9a-f]{8}-default-r1-dp0-default"/, '"REPLICA"')
    expect(text).toBe(
      '{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"detected":false,"filtered":false},"protected_material_text":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},"finish_reason":"length","index":0,"logprobs":null,"message":{"annotations":[],"content":"TEXT","refusal":null,"role":"assistant"}}],"created":1767225600,"id":"ID","model":"gpt-4o-mini-2024-07-18","object":"chat.completion","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}],"routing":{"serving_pipereplica":"REPLICA"},"service_tier":"default","system_fingerprint":"FP","usage":{"completion_tokens":5,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,"rejected_prediction_tokens":0},"latency_checkpoint":{"engine_tbt_ms":0,"engine_ttft_ms":0,"engine_ttlt_ms":0,"pre_inference_ms":0,"service_tbt_ms":0,"service_ttft_ms":0,"service_ttlt_ms":0,"user_visible_ttft_ms":0},"prompt_tokens":16,"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},"total_tokens":21}}\n',
    )
  })

  it('returns the headers of the current service', async () => {
    const { post } = createTestSimulator({
      deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 10_000 } },
    })
    const response = await post(deploymentPath('chat', 'chat/completions'), hello, {
      'x-ms-client-request-id': 'my-id',
    })
    expect([...response.headers.keys()].toSorted()).toEqual([
      'apim-request-id',
      'azureai-fe-is-streaming',
      'azureai-fe-offer-type',
      'azureml-model-session',
      'content-length',
      'content-type',
      'date',
      'skip-error-remapping',
      'strict-transport-security',
      'x-accel-buffering',
      'x-content-type-options',
      'x-ms-client-request-id',
      'x-ms-deployment-name',
      'x-ms-is-spilled-over',
      'x-ms-rai-invoked',
      'x-ms-region',
      'x-ms-served-model',
      'x-ratelimit-abusepenalty-active',
      'x-ratelimit-key',
      'x-ratelimit-limit-requests',
      'x-ratelimit-limit-tokens',
      'x-ratelimit-remaining-requests',
      'x-ratelimit-remaining-tokens',
      'x-ratelimit-renewalperiod-requests',
      'x-ratelimit-renewalperiod-tokens',
      'x-ratelimit-reset-requests',
      'x-ratelimit-reset-tokens',
      'x-request-id',
    ])
    expect(response.headers.get('x-ms-client-request-id')).toBe('my-id')
    expect(response.headers.get('x-request-id')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/,
    )
  })

  it.each([1, 2, 7, 100, 1_000])('writes exactly %i tokens for max_tokens', async (tokens) => {
    const { post } = createTestSimulator()
    const body = (await (await post(path, { ...hello, max_tokens: tokens })).json()) as ChatBody
    const content = body.choices[0]?.message.content ?? ''
    expect(loadEncoding('o200k_base').count(content)).toBe(tokens)
    expect(body.usage.completion_tokens).toBe(tokens)
    expect(body.choices[0]?.finish_reason).toBe('length')
  })

  it('ends by itself without max_tokens', async () => {
    const { post } = createTestSimulator()
    const body = (await (await post(path, hello)).json()) as ChatBody
    const tokens = loadEncoding('o200k_base').count(body.choices[0]?.message.content ?? '')
    expect(body.choices[0]?.finish_reason).toBe('stop')
    expect(body.usage.completion_tokens).toBe(tokens)
  })

  it('streams filter results, a role, one token per chunk, the end, the usage and [DONE]', async () => {
    const { post } = createTestSimulator()
    const body = { ...hello, max_tokens: 4, stream: true, stream_options: { include_usage: true } }
    const response = await post(path, body)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const events = eventsOf(await response.text())
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as ChatChunk)
    const [filter, role, ...rest] = chunks
    expect(filter?.choices).toEqual([])
    expect(filter).not.toHaveProperty('usage')
    expect(role?.choices[0]?.delta).toEqual({ content: '', refusal: null, role: 'assistant' })
    const tokens = rest.slice(0, 4).map((chunk) => chunk.choices[0]?.delta.content ?? '')
    for (const token of tokens) expect(loadEncoding('o200k_base').count(token)).toBe(1)
    expect(rest[4]?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'length' })
    expect(rest[5]).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 16, completion_tokens: 4, total_tokens: 20 },
    })
    expect(rest).toHaveLength(6)
    expect(rest.slice(0, 5).every((chunk) => chunk.usage === null)).toBe(true)
  })

  it('pads each chunk to a multiple of 16 code points plus 1, without filter results', async () => {
    const { post } = createTestSimulator()
    const body = { ...hello, max_tokens: 60, stream: true, stream_options: { include_usage: true } }
    const events = eventsOf(await (await post(path, body)).text()).slice(1, -1)
    for (const event of events) {
      const chunk = JSON.parse(event) as { choices: Record<string, unknown>[]; obfuscation: string }
      for (const choice of chunk.choices) delete choice['content_filter_results']
      expect(codePointLength(JSON.stringify(chunk)) % 16).toBe(1)
    }
  })

  it('returns the same answers for the same seed and requests', async () => {
    const answer = async (): Promise<string> => (await createTestSimulator().post(path, hello)).text()
    expect(await answer()).toBe(await answer())
  })

  it('returns a different text for each of n choices', async () => {
    const { post } = createTestSimulator()
    const body = (await (await post(path, { ...hello, max_tokens: 20, n: 3 })).json()) as ChatBody
    expect(body.choices.map((choice) => choice.index)).toEqual([0, 1, 2])
    expect(new Set(body.choices.map((choice) => choice.message.content)).size).toBe(3)
    expect(body.usage.completion_tokens).toBe(60)
  })
})
