import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, type TestSettings } from '../support/test-simulator.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({ deployments: { chat: { model: 'gpt-4o' } }, ...settings })
  const ask = (headers: Record<string, string>, body: object = {}) =>
    simulator.post(path, { ...hello, ...body }, headers)
  const choiceOf = async (headers: Record<string, string>, body: object = {}) => {
    const { choices, usage } = (await (await ask(headers, body)).json()) as {
      choices: { finish_reason: string; message: { content: string } }[]
      usage: { completion_tokens: number }
    }
    return { ...choices[0]!, tokens: usage.completion_tokens }
  }
  return { ...simulator, ask, choiceOf }
}

describe('x-sim- headers of a request', () => {
  it('require the key', async () => {
    const { ask } = setUp()
    expect((await ask({ 'x-sim-fault': 'serverError', 'api-key': 'wrong' })).status).toBe(401)
  })

  it('are ignored with SIM_HEADERS=off, even if invalid', async () => {
    const { ask } = setUp({ env: { SIM_HEADERS: 'off' } })
    expect((await ask({ 'x-sim-fault': 'serverError', 'x-sim-nonsense': '1' })).status).toBe(200)
  })

  it.each([
    ['x-sim-fault', 'serverErorr', 'Did you mean serverError?'],
    ['x-sim-fault', 'stall;ms=soon', 'x-sim-fault.ms must be a number of milliseconds'],
    ['x-sim-fault', 'errorEvent', 'Set \\"stream\\": true in the request.'],
    ['x-sim-delay-ms', '-5', "expected a number from 0 to 3600000, but got '-5' instead."],
    ['x-sim-ttft-ms', '1e3', 'expected a number from 0 to 3600000'],
    ['x-sim-tokens', '1.5', 'expected an integer from 1 to 1000000'],
    ['x-sim-tokens', '0', 'expected an integer from 1 to 1000000'],
    ['x-sim-finish-reason', 'tool_calls', 'expected one of stop, length, content_filter'],
    ['x-sim-delay', '5', "Unknown header 'x-sim-delay'. Did you mean x-sim-delay-ms?"],
  ])('are refused with the error envelope of the service: %s: %s', async (name, value, message) => {
    const { ask } = setUp({ deployments: { chat: { model: 'gpt-4o', requestsPerMinute: 1 } } })
    const response = await ask({ [name]: value })
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text).toContain(message)
    expect(JSON.parse(text)).toMatchObject({
      error: { type: 'invalid_request_error', param: name, code: 'invalid_value' },
    })
    expect((await ask({})).status, 'a refused request is not charged').toBe(200)
  })

  it('refuse a fault that the operation does not support', async () => {
    const { post } = setUp()
    const response = await post(
      deploymentPath('embedding', 'embeddings'),
      { input: 'a' },
      { 'x-sim-fault': 'refusal' },
    )
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(
      'applies to chatCompletions, responses, messages, not to embeddings',
    )
  })

  it('can name a configured fault, whatever its probability', async () => {
    const { ask } = setUp({ faults: [{ name: 'flaky', probability: 0, fault: 'gatewayTimeout' }] })
    expect((await ask({})).status).toBe(200)
    expect((await ask({ 'x-sim-fault': 'flaky' })).status).toBe(504)
  })

  it('take precedence over configured faults', async () => {
    const { ask } = setUp({ faults: [{ probability: 1, fault: 'gatewayTimeout' }] })
    expect((await ask({ 'x-sim-fault': 'overloaded503' })).status).toBe(503)
    expect((await ask({ 'x-sim-tokens': '5' })).status).toBe(504)
  })

  it('delay answers and errors, even when latency is off', async () => {
    const { ask, clock } = setUp()
    const times: number[] = []
    for (const fault of [{}, { 'x-sim-fault': 'serverError' }]) {
      const startMs = clock.nowMs()
      const asked = ask({ 'x-sim-delay-ms': '1500', ...fault }).then(() => clock.nowMs() - startMs)
      await clock.advance(10_000)
      times.push(await asked)
    }
    expect(times).toEqual([1_500, 1_500])
  })

  it('set the time to the first token and keep the time between tokens', async () => {
    const { ask, clock } = setUp({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { chat: { model: 'gpt-4o', latency: { firstToken: 800, perToken: 10 } } },
    })
    const asked = ask({ 'x-sim-ttft-ms': '50' }, { stream: true, max_tokens: 11 }).then(async (response) => {
      const firstMs = clock.nowMs()
      await response.text()
      return [firstMs, clock.nowMs()]
    })
    await clock.advance(10_000)
    expect(await asked).toEqual([50, 150])
  })

  it('set the length of an answer, which then ends by itself', async () => {
    const { choiceOf } = setUp()
    expect(await choiceOf({ 'x-sim-tokens': '37' })).toMatchObject({ finish_reason: 'stop', tokens: 37 })
    expect(await choiceOf({ 'x-sim-tokens': '37' }, { max_tokens: 100 })).toMatchObject({ tokens: 37 })
    expect(await choiceOf({ 'x-sim-tokens': '37' }, { max_tokens: 20 })).toMatchObject({
      finish_reason: 'length',
      tokens: 20,
    })
  })

  it('set the finish reason', async () => {
    const { choiceOf } = setUp()
    expect(await choiceOf({ 'x-sim-finish-reason': 'stop' }, { max_tokens: 20 })).toMatchObject({
      finish_reason: 'stop',
      tokens: 19,
    })
    expect(
      await choiceOf({ 'x-sim-finish-reason': 'length', 'x-sim-tokens': '9' }, { max_tokens: 20 }),
    ).toMatchObject({ finish_reason: 'length', tokens: 9 })
    expect(await choiceOf({ 'x-sim-finish-reason': 'content_filter' })).toMatchObject({
      finish_reason: 'content_filter',
      message: { content: '' },
    })
  })

  it('cut JSON in the middle for finish reason length', async () => {
    const { choiceOf } = setUp()
    const body = { response_format: { type: 'json_object' }, messages: [{ role: 'user', content: 'JSON' }] }
    const cut = await choiceOf({ 'x-sim-finish-reason': 'length' }, body)
    expect(cut.finish_reason).toBe('length')
    expect(() => JSON.parse(cut.message.content)).toThrow(SyntaxError)
  })
})
