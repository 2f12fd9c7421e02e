import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const hello = { model: 'gpt-4o', input: 'Say hello.', max_output_tokens: 16 }
const unknownId = `resp_${'0'.repeat(50)}`

interface Body {
  id: string
  status: string
  output: { id: string; type: string; call_id?: string }[]
  usage: { input_tokens: number; input_tokens_details: { cached_tokens: number }; output_tokens: number }
  data: { id: string; role?: string; content?: { text: string }[] }[]
  first_id: string | null
  has_more: boolean
  error: { message: string; param: string | null; code: string | null }
}

function startSimulator(settings?: TestSettings) {
  const { app, post, clock } = createTestSimulator(settings)
  const ask = async (
    method: string,
    suffix: string,
  ): Promise<{ status: number; body: Body; text: string }> => {
    const response = await app.request(`${path}/${suffix}`, { method, headers: { 'api-key': testKey } })
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Body, text }
  }
  const create = async (body: object): Promise<Body> => (await (await post(path, body)).json()) as Body
  return { ask, create, post, clock }
}

describe('a stored response', () => {
  it('is returned byte for byte', async () => {
    const { ask, post } = startSimulator()
    const text = await (await post(path, hello)).text()
    const { id } = JSON.parse(text) as Body
    expect((await ask('GET', id)).text).toBe(text)
  })

  it('is not found after it was deleted', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create(hello)
    expect((await ask('DELETE', id)).text).toBe(
      `{\n  "id": "${id}",\n  "object": "response",\n  "deleted": true\n}`,
    )
    expect((await ask('GET', id)).status).toBe(404)
    expect((await ask('DELETE', id)).status).toBe(404)
  })

  it('expires after 30 days', async () => {
    const { ask, create, clock } = startSimulator()
    const { id } = await create(hello)
    await clock.advance(30 * 86_400_000 - 1)
    expect((await ask('GET', id)).status).toBe(200)
    await clock.advance(1)
    expect((await ask('GET', id)).status).toBe(404)
  })

  it('does not exist if store is false', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create({ ...hello, store: false })
    expect((await ask('GET', id)).body.error.message).toBe(`Response with id '${id}' not found.`)
  })

  it.each([
    ['GET', unknownId, 404, `Response with id '${unknownId}' not found.`],
    ['DELETE', unknownId, 404, `Response with id '${unknownId}' not found.`],
    ['POST', `${unknownId}/cancel`, 404, `Response with id '${unknownId}' not found.`],
    ['GET', `${unknownId}/input_items`, 404, `Response with id '${unknownId}' not found.`],
    ['GET', 'abc', 400, "Invalid 'response_id': 'abc'. Expected an ID that begins with 'resp'."],
  ])('that was never created is not found: %s %s', async (method, suffix, status, message) => {
    const { ask } = startSimulator()
    const answer = await ask(method, suffix)
    expect(answer.status).toBe(status)
    expect(answer.body.error.message).toBe(message)
  })

  it('requires the key', async () => {
    const { app } = createTestSimulator()
    expect((await app.request(`${path}/${unknownId}`)).status).toBe(401)
  })

  it('is continued by the next request, which bills it again', async () => {
    const { create } = startSimulator()
    const first = await create(hello)
    const second = await create({ ...hello, previous_response_id: first.id })
    // 4 tokens for each message and its text, for both messages of the first request. The answer has 16.
    expect(second.usage.input_tokens).toBe(first.usage.input_tokens + (first.usage.input_tokens - 3) + 4 + 16)
    const third = await create({ ...hello, input: 'More.', previous_response_id: second.id })
    expect(third.usage.input_tokens).toBeGreaterThan(second.usage.input_tokens + 16)
  })

  it('is cached when a long one is continued', async () => {
    const { create } = startSimulator()
    const first = await create({ ...hello, input: 'word '.repeat(2_000) })
    const second = await create({ ...hello, previous_response_id: first.id })
    const { input_tokens: tokens, input_tokens_details: details } = second.usage
    expect(details.cached_tokens % 128).toBe(0)
    expect(tokens - details.cached_tokens).toBeLessThan(256)
  })

  it('has at most the truncated input as cached tokens', async () => {
    const { create } = startSimulator()
    const request = { model: 'gpt-4o', truncation: 'auto', max_output_tokens: 16 }
    const { id } = await create({ ...request, input: 'word '.repeat(130_000) })
    const { usage } = await create({ ...request, input: 'Go on', previous_response_id: id })
    expect(usage.input_tokens).toBe(127_999)
    expect(usage.input_tokens_details.cached_tokens).toBe(127_872)
  })

  it('cannot be continued if it is unknown', async () => {
    const { create } = startSimulator()
    expect((await create({ ...hello, previous_response_id: unknownId })).error).toEqual({
      message: `Previous response with id '${unknownId}' not found.`,
      type: 'invalid_request_error',
      param: 'previous_response_id',
      code: 'previous_response_not_found',
    })
  })

  it('has items that later requests can reference', async () => {
    const { create } = startSimulator()
    const { output } = await create(hello)
    const reference = { type: 'item_reference', id: output[0]?.id }
    const whole = await create({ ...hello, input: [reference, { role: 'user', content: 'And?' }] })
    const alone = await create({ ...hello, input: [{ role: 'user', content: 'And?' }] })
    expect(whole.usage.input_tokens).toBe(alone.usage.input_tokens + 4 + 16)
    const lost = await create({ ...hello, input: [{ type: 'item_reference', id: 'msg_lost' }] })
    expect(lost.error).toMatchObject({ param: 'input', code: null })
    expect(lost.error.message).toMatch(/^Item with id 'msg_lost' not found\. Items are not persisted when/)
  })

  it('that ends with a call is continued with the call output, and then answers in text', async () => {
    const { create } = startSimulator()
    const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }]
    const called = await create({ model: 'gpt-4o', input: 'Go.', tools, tool_choice: 'required' })
    const callIds = called.output.flatMap(({ call_id: id }) => (id ? [id] : []))
    const outputs = callIds.map((id) => ({ type: 'function_call_output', call_id: id, output: '7' }))
    const next = { model: 'gpt-4o', tools, previous_response_id: called.id }
    const answered = await create({ ...next, input: outputs })
    expect(answered.output.map(({ type }) => type)).toEqual(['message'])
    const skipped = await create({ ...next, input: 'Never mind.' })
    expect(skipped.error.message).toBe(`No tool output found for function call ${callIds[0]}.`)
    const invented = await create({
      model: 'gpt-4o',
      input: [{ type: 'function_call_output', call_id: 'call_x', output: '7' }],
    })
    expect(invented.error.message).toBe('No tool call found for function call output with call_id call_x.')
  })

  it('is removed when its client leaves before the end', async () => {
    const { post, ask, clock } = startSimulator({ env: { LATENCY_TIME_SCALE: '1' } })
    const pending = post(path, { ...hello, stream: true })
    await clock.advance(60_000)
    const reader = (await pending).body?.getReader()
    const first = new TextDecoder().decode((await reader?.read())?.value as Uint8Array)
    const id = /resp_[0-9a-f]{50}/.exec(first)?.[0] ?? ''
    expect((await ask('GET', id)).body.status).toBe('in_progress')
    await reader?.cancel()
    expect((await ask('GET', id)).status).toBe(404)
  })
})

describe('the input items of a response', () => {
  const input = ['one', 'two', 'three', 'four', 'five'].map((content) => ({ role: 'user', content }))

  it('are returned newest first, with stable ids', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create({ ...hello, input })
    const { body, text } = await ask('GET', `${id}/input_items`)
    expect(Object.keys(body)).toEqual(['object', 'data', 'first_id', 'last_id', 'has_more'])
    expect(body.data.map(({ content }) => content?.[0]?.text)).toEqual([
      'five',
      'four',
      'three',
      'two',
      'one',
    ])
    expect(Object.keys(body.data[0] ?? {})).toEqual(['id', 'type', 'status', 'content', 'role'])
    expect((await ask('GET', `${id}/input_items`)).text).toBe(text)
  })

  it('are paginated in both directions', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create({ ...hello, input })
    const page = async (query: string): Promise<Body> => (await ask('GET', `${id}/input_items?${query}`)).body
    const texts = ({ data }: Body): unknown[] => data.map(({ content }) => content?.[0]?.text)
    const first = await page('limit=2&order=asc')
    expect(texts(first)).toEqual(['one', 'two'])
    expect(first.has_more).toBe(true)
    const rest = await page(`order=asc&after=${first.data[1]?.id}`)
    expect(texts(rest)).toEqual(['three', 'four', 'five'])
    expect(rest.has_more).toBe(false)
    expect(texts(await page(`limit=1&order=asc&before=${rest.data[2]?.id}`))).toEqual(['four'])
  })

  it.each([
    ['limit=0', 'integer_below_min_value'],
    ['limit=101', 'integer_above_max_value'],
    ['limit=x', 'invalid_type'],
    ['order=up', 'invalid_value'],
    ['after=msg_lost', 'invalid_value'],
  ])('are refused for %s', async (query, code) => {
    const { ask, create } = startSimulator()
    const { id } = await create(hello)
    const { status, body } = await ask('GET', `${id}/input_items?${query}`)
    expect([status, body.error.code]).toEqual([400, code])
  })
})

describe('a background response', () => {
  const background = { ...hello, background: true, max_output_tokens: 100 }

  it('is queued, in progress and done on its schedule while a client polls', async () => {
    const { ask, post, clock } = startSimulator({ env: { LATENCY_TIME_SCALE: '1' } })
    const created = (await (await post(path, background)).json()) as Body
    expect(created).toMatchObject({ status: 'queued', output: [], usage: null, completed_at: null })
    const seen = new Set<string>()
    let last: Body = created
    for (let polls = 0; polls < 2_000 && last.status !== 'incomplete'; polls++) {
      seen.add(last.status)
      await clock.advance(20)
      last = (await ask('GET', created.id)).body
    }
    expect([...seen]).toEqual(['queued', 'in_progress'])
    expect(last).toMatchObject({ status: 'incomplete', usage: { output_tokens: 100 } })
  })

  it('is completed immediately without latency', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create({ ...background, max_output_tokens: null })
    expect((await ask('GET', id)).body).toMatchObject({ status: 'completed', completed_at: 1_767_225_600 })
  })

  it('can be cancelled repeatedly until it has ended', async () => {
    const { ask, create, clock } = startSimulator({ env: { LATENCY_TIME_SCALE: '1' } })
    const { id } = await create(background)
    for (const _ of [1, 2]) {
      expect((await ask('POST', `${id}/cancel`)).body).toMatchObject({ status: 'cancelled', output: [] })
    }
    await clock.advance(600_000)
    expect((await ask('GET', id)).body.status).toBe('cancelled')
    const late = await create(background)
    await clock.advance(600_000)
    expect((await ask('POST', `${late.id}/cancel`)).body.status).toBe('incomplete')
  })

  it('is the only kind of response that can be cancelled', async () => {
    const { ask, create } = startSimulator()
    const { id } = await create(hello)
    const { status, body } = await ask('POST', `${id}/cancel`)
    expect([status, body.error.message]).toEqual([400, 'Cannot cancel a synchronous response.'])
  })

  it('must be stored', async () => {
    const { create } = startSimulator()
    expect((await create({ ...background, store: false })).error.param).toBe('background')
  })
})
