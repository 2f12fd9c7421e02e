import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { advanceUntil } from '../support/advance-until.ts'
import { namedEventsOf } from '../support/response-events.ts'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const hello = { model: 'gpt-4o', input: 'Say hello.', max_output_tokens: 16 }

function setUp(settings?: TestSettings) {
  const { app, post, clock } = createTestSimulator(settings)
  const get = async (id: string, query: string): Promise<Response> =>
    app.request(`${path}/${id}${query}`, { headers: { 'api-key': testKey } })
  const create = async (body: object, headers?: Record<string, string>): Promise<string> =>
    (await post(path, body, headers)).text()
  return { app, post, clock, get, create }
}

const framesOf = (text: string): string[] => text.split('\n\n').slice(0, -1)
const idOf = (text: string): string => /"id": ?"(resp_[^"]*)"/.exec(text)?.[1] ?? ''

const weather = {
  type: 'function',
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: false,
}

const hostedTools = [
  { type: 'web_search' },
  { type: 'file_search', vector_store_ids: ['vs_1'] },
  { type: 'code_interpreter', container: { type: 'auto' } },
  { type: 'image_generation', partial_images: 2 },
  { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.example.com', require_approval: 'never' },
]

describe('a stored response as a stream', () => {
  it.each<[string, object, Record<string, string>?]>([
    ['a text', hello],
    ['a text of many tokens', { ...hello, max_output_tokens: 300 }],
    [
      'reasoning with a summary',
      { model: 'gpt-5', input: 'Hi', reasoning: { effort: 'low', summary: 'auto' } },
    ],
    ['a function call', { model: 'gpt-4o', input: 'Hi', tools: [weather], tool_choice: 'required' }],
    [
      'a custom tool call',
      { model: 'gpt-5', input: 'Hi', tools: [{ type: 'custom', name: 'sql' }], tool_choice: 'required' },
    ],
    [
      'a JSON schema',
      {
        model: 'gpt-4o',
        input: 'Hi',
        text: { format: { type: 'json_schema', name: 'weather', schema: weather.parameters, strict: false } },
      },
    ],
    ['a refusal', hello, { 'x-sim-fault': 'refusal;text=Nein, das kann ich nicht für Sie tun.' }],
    ['a filtered answer', hello, { 'x-sim-fault': 'contentFilter;finds=late' }],
    ...hostedTools.map((tool): [string, object] => [
      `a call of ${tool.type}`,
      { model: 'gpt-4.1', input: 'Hi', tools: [tool], tool_choice: 'required' },
    ]),
    ['a background response', { ...hello, background: true }],
  ])('has the bytes of the original stream for %s, from each number', async (_, body, headers) => {
    const { create, get } = setUp()
    const original = framesOf(await create({ ...body, stream: true }, headers))
    const id = idOf(original[0]!)
    const whole = await get(id, '?stream=true')
    expect(whole.status).toBe(200)
    expect(whole.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(framesOf(await whole.text())).toEqual(original)
    for (const after of [0, 3, original.length - 2]) {
      const rest = await (await get(id, `?stream=true&starting_after=${after}`)).text()
      expect(framesOf(rest)).toEqual(original.slice(after + 1))
    }
  })

  it('has the events of a stream if it was created whole', async () => {
    const { create, get } = setUp()
    const whole = await create(hello)
    const events = namedEventsOf(await (await get(idOf(whole), '?stream=true')).text())
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events[0]!.name).toBe('response.created')
    const deltas = events.filter(({ name }) => name === 'response.output_text.delta')
    expect(deltas).toHaveLength(16)
    expect(events.at(-1)!.data['response']).toEqual(JSON.parse(whole))
  })

  it('is empty after the last number', async () => {
    const { create, get } = setUp()
    const id = idOf(await create(hello))
    for (const after of [999, 1e12]) {
      const response = await get(id, `?stream=true&starting_after=${after}`)
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
  })

  it('has no padding with include_obfuscation=false', async () => {
    const { create, get } = setUp()
    const id = idOf(await create(hello))
    expect(await (await get(id, '?stream=true')).text()).toContain('"obfuscation"')
    expect(await (await get(id, '?stream=true&include_obfuscation=false')).text()).not.toContain(
      '"obfuscation"',
    )
  })

  it('is JSON without stream, or with stream=false', async () => {
    const { create, get } = setUp()
    const whole = await create(hello)
    for (const query of ['', '?stream=false', '?include_obfuscation=true'])
      expect(await (await get(idOf(whole), query)).text()).toBe(whole)
  })

  it.each([
    [
      'stream=yes',
      "Invalid type for 'stream': expected a boolean, but got a string instead.",
      'stream',
      'invalid_type',
    ],
    [
      'stream=1',
      "Invalid type for 'stream': expected a boolean, but got a string instead.",
      'stream',
      'invalid_type',
    ],
    [
      'stream=true&starting_after=x',
      "Invalid type for 'starting_after': expected an integer, but got a string instead.",
      'starting_after',
      'invalid_type',
    ],
    [
      'stream=true&starting_after=1.5',
      "Invalid type for 'starting_after': expected an integer, but got a decimal number instead.",
      'starting_after',
      'invalid_type',
    ],
    [
      'stream=true&starting_after=-1',
      "Invalid 'starting_after': integer below minimum value. Expected a value >= 0, but got -1 instead.",
      'starting_after',
      'integer_below_min_value',
    ],
    [
      'starting_after=1',
      "The 'starting_after' parameter is only allowed when 'stream' is enabled.",
      'starting_after',
      null,
    ],
    [
      'stream=true&include_obfuscation=maybe',
      "Invalid type for 'include_obfuscation': expected a boolean, but got a string instead.",
      'include_obfuscation',
      'invalid_type',
    ],
  ])('is refused with %s', async (query, message, param, code) => {
    const { create, get } = setUp()
    const response = await get(idOf(await create(hello)), `?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: { message, type: 'invalid_request_error', param, code } })
  })

  it('is not found if it is not stored, or not finished in the foreground', async () => {
    const { get, post, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const running = post(path, { ...hello, stream: true })
    const reader = (await advanceUntil(clock, running, 10)).body!.getReader()
    const { value } = await reader.read()
    expect((await get(idOf(Buffer.from(value ?? []).toString()), '?stream=true')).status).toBe(404)
    await reader.cancel()
    const unstored = setUp()
    expect(
      (await unstored.get(idOf(await unstored.create({ ...hello, store: false })), '?stream=true')).status,
    ).toBe(404)
  })
})

describe('include on a stored response', () => {
  it('adds encrypted reasoning, always the same, also in the stream', async () => {
    const { create, get } = setUp()
    const id = idOf(await create({ model: 'gpt-5', input: 'Hi', reasoning: { effort: 'low' } }))
    const read = async (query: string) => (await (await get(id, query)).json()) as { output: object[] }
    expect((await read('')).output[0]).not.toHaveProperty('encrypted_content')
    const query = '?include[]=reasoning.encrypted_content'
    const { output } = await read(query)
    expect(output[0]).toMatchObject({ encrypted_content: expect.stringMatching(/^gAAAAA.+==$/) })
    expect((await read('?include=reasoning.encrypted_content')).output).toEqual(output)
    expect(await (await get(id, `${query}&stream=true`)).text()).toContain('"encrypted_content":"gAAAAA')
  })

  it('is refused with an unknown value, and on a model without reasoning', async () => {
    const { create, get } = setUp()
    const id = idOf(await create(hello))
    const unknown = await get(id, '?include[]=bogus')
    expect(await unknown.json()).toMatchObject({
      error: {
        message: expect.stringMatching(/^Invalid value: 'bogus'\. Supported values are: 'file_search/),
        param: 'include[0]',
      },
    })
    const encrypted = await get(id, '?include[]=reasoning.encrypted_content')
    expect(encrypted.status).toBe(400)
  })
})

describe('a running background response', () => {
  const background = { ...hello, background: true, stream: true, max_output_tokens: 200 }
  const slow: TestSettings = { env: { LATENCY_TIME_SCALE: '1' } }

  it('is followed to its end after its first client left', async () => {
    const { app, clock, get } = setUp(slow)
    const left = new AbortController()
    const first = async (): Promise<Response> =>
      app.request(path, {
        method: 'POST',
        headers: { 'api-key': testKey, 'content-type': 'application/json' },
        body: JSON.stringify(background),
        signal: left.signal,
      })
    const reader = (await advanceUntil(clock, first(), 50)).body!.getReader()
    const { value } = await advanceUntil(clock, reader.read(), 50)
    const id = idOf(Buffer.from(value ?? []).toString())
    left.abort()
    await reader.cancel().catch(() => {})
    const state = async () => ((await (await get(id, '')).json()) as { status: string }).status
    expect(await state()).toMatch(/^(queued|in_progress)$/)
    const followed = await advanceUntil(clock, get(id, '?stream=true&starting_after=2'), 50)
    expect(await state()).toMatch(/^(queued|in_progress)$/)
    const text = await advanceUntil(clock, followed.text(), 100)
    const events = namedEventsOf(text)
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index + 3))
    expect(events.at(-1)!.name).toMatch(/^response\.(incomplete|completed)$/)
    expect(await state()).toMatch(/^(incomplete|completed)$/)
    expect(await (await get(id, '?stream=true&starting_after=2')).text()).toBe(text)
  })

  it('sends its events over its remaining time', async () => {
    const { clock, create, get } = setUp(slow)
    const id = idOf(await create({ ...background, stream: false }))
    const reader = (await advanceUntil(clock, get(id, '?stream=true'), 20)).body!.getReader()
    const startMs = clock.nowMs()
    let chunks = 0
    for (;;) {
      const { done } = await advanceUntil(clock, reader.read(), 20)
      if (done) break
      chunks++
    }
    expect(chunks).toBeGreaterThan(20)
    expect(clock.nowMs() - startMs).toBeGreaterThan(500)
  })

  it('ends with response.failed if it was cancelled', async () => {
    const { app, create, get } = setUp(slow)
    const id = idOf(await create({ ...background, stream: false }))
    await app.request(`${path}/${id}/cancel`, { method: 'POST', headers: { 'api-key': testKey } })
    const events = namedEventsOf(await (await get(id, '?stream=true')).text())
    expect(events.map(({ name }) => name)).toEqual([
      'response.created',
      'response.queued',
      'response.in_progress',
      'response.failed',
    ])
    expect(events.at(-1)!.data['response']).toMatchObject({ status: 'cancelled', output: [] })
  })
})

describe('the official client', () => {
  const connect = () => {
    const { app } = setUp()
    return new OpenAI({
      apiKey: testKey,
      baseURL: 'https://example.openai.azure.com/openai/v1',
      fetch: async (url, init) => app.request(new Request(url, init)),
    })
  }

  it('resumes a background stream after a sequence number', async () => {
    const { responses } = connect()
    const stream = await responses.create({ ...hello, background: true, stream: true })
    const first: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of stream) {
      first.push(event)
      if (event.sequence_number === 10) break
    }
    const [created] = first
    const id = created?.type === 'response.created' ? created.response.id : ''
    const resumed = await responses.retrieve(id, { stream: true, starting_after: 10 })
    const numbers: number[] = []
    for await (const event of resumed) numbers.push(event.sequence_number)
    expect(numbers[0]).toBe(11)
    const final = await responses.stream({ response_id: id, starting_after: 10 }).finalResponse()
    expect(final.id).toBe(id)
    expect(final.output_text.length).toBeGreaterThan(0)
  })

  it('streams a stored response by its id', async () => {
    const { responses } = connect()
    const made = await responses.create(hello)
    let text = ''
    const stream = responses.stream({ response_id: made.id })
    stream.on('response.output_text.delta', ({ delta }) => (text += delta))
    const final = await stream.finalResponse()
    expect(final.output_text).toBe(made.output_text)
    expect(text).toBe(made.output_text)
  })
})
