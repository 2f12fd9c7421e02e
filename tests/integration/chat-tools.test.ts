import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { chat, chatStream, type WireCall } from '../support/chat-wire.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 0 } },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
}
const time = { type: 'function', function: { name: 'get_time' } }
const ask = { messages: [{ role: 'user', content: 'What is the weather?' }], tools: [weather] }
const forced = { ...ask, tool_choice: 'required', parallel_tool_calls: false }

const count = (text: string): number => loadEncoding('o200k_base').count(text)

function checkWeather(call: WireCall | undefined): void {
  const input = JSON.parse(call?.function?.arguments ?? '') as { city: unknown; days: unknown }
  expect(typeof input.city).toBe('string')
  expect(Number.isInteger(input.days)).toBe(true)
}

describe('tool calls', () => {
  it('have the bytes of the service with compact arguments, and bill names, arguments and framing', async () => {
    const body = await chat(createTestSimulator(), { ...forced, tools: [time] })
    expect(JSON.stringify(body.choices)).toMatch(
      /^\[\{"content_filter_results":\{\},"finish_reason":"tool_calls","index":0,"logprobs":null,"message":\{"annotations":\[\],"content":null,"refusal":null,"role":"assistant","tool_calls":\[\{"function":\{"arguments":"\{\}","name":"get_time"\},"id":"call_[A-Za-z0-9]{24}","type":"function"\}\]\}\}\]$/,
    )
    expect(body.usage.completion_tokens).toBe(7 + count('get_time') + count('{}'))
  })

  it('match the schema of the tool', async () => {
    const simulator = createTestSimulator()
    for (let i = 0; i < 20; i++) {
      const [choice] = (await chat(simulator, forced)).choices
      expect(choice?.message.tool_calls).toHaveLength(1)
      checkWeather(choice?.message.tool_calls?.[0])
      expect(choice?.message.tool_calls?.[0]?.function?.arguments).toMatch(/^\{"city":"[^"]*","days":\d+\}$/)
    }
  })

  it('finish with stop when the request names the function', async () => {
    const choice = { type: 'function', function: { name: 'get_time' } }
    const body = await chat(createTestSimulator(), { ...ask, tools: [weather, time], tool_choice: choice })
    expect(body.choices[0]?.finish_reason).toBe('stop')
    expect(body.choices[0]?.message.tool_calls?.map((it) => it.function?.name)).toEqual(['get_time'])
  })

  it.each(['required', 'auto'])('stay within the allowed tools (%s)', async (mode) => {
    const simulator = createTestSimulator()
    const allowed = { mode, tools: [{ type: 'function', function: { name: 'get_time' } }] }
    const body = {
      ...ask,
      tools: [weather, time],
      tool_choice: { type: 'allowed_tools', allowed_tools: allowed },
    }
    const names = new Set<string | undefined>()
    for (let i = 0; i < 20; i++) {
      const calls = (await chat(simulator, body)).choices[0]?.message.tool_calls ?? []
      for (const call of calls) names.add(call.function?.name)
    }
    expect([...names]).toEqual(['get_time'])
  })

  it.each([
    ['0', 0, 0],
    ['0.5', 60, 140],
    ['1', 200, 200],
  ])('are returned in a share of %s of the answers when the model decides', async (share, least, most) => {
    const simulator = createTestSimulator({ env: { TOOL_CALL_PROBABILITY: share } })
    const body = await chat(simulator, { ...ask, n: 100 })
    const more = await chat(simulator, { ...ask, n: 100 })
    const calling = [...body.choices, ...more.choices].filter((choice) => choice.message.tool_calls)
    expect(calling.length).toBeGreaterThanOrEqual(least)
    expect(calling.length).toBeLessThanOrEqual(most)
  })

  it('do not follow a tool result unless they are forced, and are never made with tool_choice none', async () => {
    const simulator = createTestSimulator({ env: { TOOL_CALL_PROBABILITY: '1' } })
    const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }
    const messages = [
      ...ask.messages,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    ]
    expect((await chat(simulator, { ...ask, messages })).choices[0]?.message.content).toMatch(/\w/)
    expect((await chat(simulator, { ...forced, messages })).choices[0]?.message.tool_calls).toHaveLength(1)
    const none = await chat(simulator, { ...ask, tool_choice: 'none' })
    expect(none.choices[0]?.message).not.toHaveProperty('tool_calls')
  })

  it('of a single tool are never parallel', async () => {
    const { choices } = await chat(createTestSimulator(), { ...ask, tool_choice: 'required', n: 100 })
    expect(choices.every((choice) => choice.message.tool_calls?.length === 1)).toBe(true)
  })

  it('of several tools are parallel in some answers, with spaces in their arguments', async () => {
    const { parameters } = weather.function
    const tools = ['a', 'b', 'c'].map((name) => ({ type: 'function', function: { name, parameters } }))
    const { choices } = await chat(createTestSimulator(), { ...ask, tools, tool_choice: 'required', n: 100 })
    const several = choices.filter((choice) => (choice.message.tool_calls?.length ?? 0) > 1)
    expect(several.length).toBeGreaterThan(12)
    expect(several.length).toBeLessThan(40)
    for (const { message, finish_reason } of several) {
      expect(finish_reason).toBe('tool_calls')
      expect(new Set(message.tool_calls?.map((call) => call.id)).size).toBe(message.tool_calls?.length)
      expect(new Set(message.tool_calls?.map((call) => call.function?.name)).size).toBe(
        message.tool_calls?.length,
      )
      for (const call of message.tool_calls ?? []) {
        checkWeather(call)
        expect(call.function?.arguments).toMatch(/^\{"city": "[^"]*", "days": \d+\}$/)
      }
    }
  })

  it('are never parallel for strict tools or with parallel_tool_calls false', async () => {
    const simulator = createTestSimulator()
    const strict = [{ ...weather, function: { ...weather.function, strict: true } }]
    for (const body of [{ ...ask, tools: strict, tool_choice: 'required' }, forced]) {
      const { choices } = await chat(simulator, { ...body, n: 60 })
      expect(choices.every((choice) => choice.message.tool_calls?.length === 1)).toBe(true)
    }
  })

  it('for many choices do not block other requests', async () => {
    const simulator = createTestSimulator()
    const order: string[] = []
    const many = chat(simulator, { ...forced, n: 128 }).then(() => order.push('many'))
    const one = chat(simulator, { messages: ask.messages, max_tokens: 1 }).then(() => order.push('one'))
    await Promise.all([many, one])
    expect(order).toEqual(['one', 'many'])
  })

  it('are cut by max_tokens and billed at most that many tokens', async () => {
    for (const max_tokens of [1, 9, 12]) {
      const body = await chat(createTestSimulator(), { ...forced, max_tokens })
      expect(body.choices[0]?.finish_reason).toBe('length')
      expect(body.usage.completion_tokens).toBe(max_tokens)
    }
  })

  it('pass free text to custom tools', async () => {
    const custom = [{ type: 'custom', custom: { name: 'run_code' } }]
    const body = await chat(createTestSimulator(), { ...forced, tools: custom })
    const [call] = body.choices[0]?.message.tool_calls ?? []
    expect(Object.keys(call ?? {})).toEqual(['custom', 'id', 'type'])
    expect(call).toMatchObject({ type: 'custom', custom: { name: 'run_code' } })
    expect(call?.custom?.input).toMatch(/\w/)
    const chunks = await chatStream(createTestSimulator(), { ...forced, tools: custom })
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
    expect(deltas[0]).toMatchObject({ index: 0, type: 'custom', custom: { input: '', name: 'run_code' } })
    expect(deltas.map((delta) => delta.custom?.input).join('')).toMatch(/\w/)
  })
})

describe('a prompt that exceeds the context of the model', () => {
  it('is refused with separate token counts for messages and functions', async () => {
    const { post } = createTestSimulator()
    const long = { ...ask, messages: [{ role: 'user', content: 'word '.repeat(9_000) }] }
    const response = await post(deploymentPath('gpt-4', 'chat/completions'), long)
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string; code: string } }
    expect(error.code).toBe('context_length_exceeded')
    const [total, inMessages, inFunctions] =
      /in (\d+) tokens \((\d+) in the messages, (\d+) in the functions\)/
        .exec(error.message)
        ?.slice(1)
        .map(Number) ?? [0, 0, 0]
    expect(inFunctions).toBeGreaterThan(10)
    expect((inMessages ?? 0) + (inFunctions ?? 0)).toBe(total)
  })
})

describe('streamed tool calls', () => {
  it('begin with role and header in one delta, followed by one token of arguments each', async () => {
    const chunks = await chatStream(createTestSimulator(), forced)
    const [first, ...rest] = chunks
    expect(JSON.stringify(first?.choices[0]?.delta)).toMatch(
      /^\{"content":null,"refusal":null,"role":"assistant","tool_calls":\[\{"function":\{"arguments":"","name":"get_weather"\},"id":"call_[A-Za-z0-9]{24}","index":0,"type":"function"\}\]\}$/,
    )
    const finish = rest.pop()?.choices[0]
    expect(finish).toMatchObject({ delta: {}, finish_reason: 'tool_calls' })
    const pieces = rest.map((chunk) => chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '')
    for (const piece of pieces) expect(count(piece)).toBe(1)
    expect(Object.keys(rest[0]?.choices[0]?.delta.tool_calls?.[0] ?? {})).toEqual(['function', 'index'])
    checkWeather({ function: { arguments: pieces.join('') } })
    for (const chunk of chunks) expect(chunk.choices[0]?.content_filter_results).toEqual({})
  })

  it('in parallel: the role, then header and arguments of each call, one call after another', async () => {
    const simulator = createTestSimulator({ env: { TOOL_CALLS_PER_ANSWER: '2' } })
    const chunks = await chatStream(simulator, { ...ask, tool_choice: 'required' })
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta)
    expect(deltas[0]).toEqual({ content: null, refusal: null, role: 'assistant' })
    const calls = deltas.slice(1, -1).map((delta) => delta?.tool_calls?.[0])
    const order = calls.map((call) => call?.index ?? -1)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(new Set(order)).toEqual(new Set([0, 1]))
    for (const index of new Set(order)) {
      const [header, ...rest] = calls.filter((call) => call?.index === index)
      expect(header).toMatchObject({ type: 'function', function: { name: 'get_weather', arguments: '' } })
      checkWeather({ function: { arguments: rest.map((call) => call?.function?.arguments).join('') } })
    }
  })
})

describe('functions, the legacy form of tools', () => {
  const older = { messages: ask.messages, functions: [weather.function] }

  it('return function_call and finish with function_call, or with stop when the request names one', async () => {
    const simulator = createTestSimulator({ env: { TOOL_CALL_PROBABILITY: '1' } })
    const [free] = (await chat(simulator, { ...older, function_call: 'auto' })).choices
    expect(free).toMatchObject({ finish_reason: 'function_call', content_filter_results: {} })
    expect(JSON.stringify(free?.message)).toMatch(
      /^\{"annotations":\[\],"content":null,"function_call":\{"arguments":".+","name":"get_weather"\},"refusal":null,"role":"assistant"\}$/,
    )
    checkWeather({ function: free?.message.function_call ?? { arguments: '' } })
    const [named] = (await chat(simulator, { ...older, function_call: { name: 'get_weather' } })).choices
    expect(named).toMatchObject({
      finish_reason: 'stop',
      message: { function_call: { name: 'get_weather' } },
    })
  })

  it('are streamed as function_call', async () => {
    const simulator = createTestSimulator({ env: { TOOL_CALL_PROBABILITY: '1' } })
    const deltas = (await chatStream(simulator, older)).map((chunk) => chunk.choices[0]?.delta)
    expect(deltas[0]).toEqual({
      content: null,
      function_call: { arguments: '', name: 'get_weather' },
      refusal: null,
      role: 'assistant',
    })
    checkWeather({ function: { arguments: deltas.map((it) => it?.function_call?.arguments ?? '').join('') } })
  })
})
