import OpenAI from 'openai'
import type { ResponseInputItem, ResponseOutputItem } from 'openai/resources/responses/responses'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey, type TestSettings } from '../support/test-simulator.ts'

const model = 'gpt-4o'
const question = { role: 'user' as const, content: 'Check the temperature, then play music that matches.' }
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const names = ['current-temperature', 'play-music'] as const
type Tools = readonly string[]

const clientFor = (env: TestSettings['env'] = {}, headers: Record<string, string> = {}): OpenAI => {
  const { app } = createTestSimulator({ env: { SIMULATOR_SEED: 'calls', ...env } })
  return new OpenAI({
    baseURL: 'http://simulator.test/openai/v1',
    apiKey: testKey,
    maxRetries: 0,
    defaultHeaders: headers,
    fetch: async (url, init) => app.request(new Request(url, init)),
  })
}

/** Runs an agent loop on chat completions. Returns the called tools of each answer, and the text at the end. */
async function chatLoop(client: OpenAI, tools: Tools, stream: boolean, more: object = {}) {
  const messages: OpenAI.ChatCompletionMessageParam[] = [question]
  const rounds: string[][] = []
  for (let step = 0; step < 10; step++) {
    const body = {
      model,
      messages,
      tools: tools.map((name) => ({ type: 'function' as const, function: { name, parameters: city } })),
      ...more,
    }
    const answer = stream
      ? await client.chat.completions.stream(body).finalChatCompletion()
      : await client.chat.completions.create(body)
    const { content, tool_calls: calls = [] } = answer.choices[0]!.message
    if (calls.length === 0) return { rounds, text: content }
    rounds.push(calls.flatMap((call) => (call.type === 'function' ? call.function.name : [])))
    messages.push({ role: 'assistant', content, tool_calls: calls })
    for (const { id } of calls) messages.push({ role: 'tool', tool_call_id: id, content: '22' })
  }
  throw new Error('The loop did not end.')
}

/** The same on the Responses API. The conversation is in the input, or continued with the id of the previous response. */
async function responsesLoop(
  client: OpenAI,
  tools: Tools,
  state: 'stored' | 'sent',
  stream = false,
  more: object = {},
) {
  const items: ResponseInputItem[] = [question]
  let input = items
  let previous: string | undefined
  const rounds: string[][] = []
  for (let step = 0; step < 10; step++) {
    const body = {
      model,
      input,
      tools: tools.map((name) => ({ type: 'function' as const, name, parameters: city, strict: false })),
      ...(previous !== undefined && { previous_response_id: previous }),
      ...more,
    }
    const answer = stream
      ? await client.responses.stream(body).finalResponse()
      : await client.responses.create(body)
    const output: readonly ResponseOutputItem[] = answer.output
    const calls = output.filter((item) => item.type === 'function_call')
    if (calls.length === 0) return { rounds, text: answer.output_text }
    rounds.push(calls.map(({ name }) => name))
    const outputs = calls.map(({ call_id }): ResponseInputItem => {
      return { type: 'function_call_output', call_id, output: '22' }
    })
    items.push(...(output as ResponseInputItem[]), ...outputs)
    input = state === 'sent' ? items : outputs
    if (state === 'stored') previous = answer.id
  }
  throw new Error('The loop did not end.')
}

const loops = {
  'chat, whole': (client: OpenAI, tools: Tools, more?: object) => chatLoop(client, tools, false, more),
  'chat, streamed': (client: OpenAI, tools: Tools, more?: object) => chatLoop(client, tools, true, more),
  'responses, sent': (client: OpenAI, tools: Tools, more?: object) =>
    responsesLoop(client, tools, 'sent', false, more),
  'responses, stored': (client: OpenAI, tools: Tools, more?: object) =>
    responsesLoop(client, tools, 'stored', false, more),
  'responses, streamed': (client: OpenAI, tools: Tools, more?: object) =>
    responsesLoop(client, tools, 'stored', true, more),
}

describe.each(Object.entries(loops))('tool calls (%s)', (_, loop) => {
  it('of a single tool are one call in one round', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const client = clientFor({ SIMULATOR_SEED: `${seed}`, TOOL_CALL_PROBABILITY: '1' })
      const { rounds, text } = await loop(client, ['current-temperature'])
      expect(rounds).toEqual([['current-temperature']])
      expect(text).toMatch(/\w/)
    }
  })

  it('repeat for TOOL_CALL_ROUNDS answers, each with tools that are not called yet', async () => {
    const env = { TOOL_CALL_PROBABILITY: '1', TOOL_CALL_ROUNDS: '2', TOOL_CALLS_PER_ANSWER: '1' }
    const { rounds } = await loop(clientFor(env), names)
    expect(rounds).toHaveLength(2)
    expect(rounds.flat().toSorted()).toEqual(names)
  })

  it('have the number and the rounds of the headers, independent of the settings', async () => {
    const env = { TOOL_CALL_PROBABILITY: '0', TOOL_CALL_ROUNDS: '1', TOOL_CALLS_PER_ANSWER: '1' }
    const headers = { 'x-sim-tool-calls': '2', 'x-sim-tool-rounds': '3' }
    const { rounds, text } = await loop(clientFor(env, headers), names)
    expect(rounds.map((round) => round.toSorted())).toEqual([names, names, names])
    expect(text).toMatch(/\w/)
  })

  it('are those that the header names, in its order', async () => {
    const called = [names[1], names[0], names[1]]
    const client = clientFor({}, { 'x-sim-tool-calls': called.join(', ') })
    expect((await loop(client, names)).rounds).toEqual([called])
  })

  it('are one with parallel_tool_calls false, whatever the header and the settings say', async () => {
    const client = clientFor({ TOOL_CALLS_PER_ANSWER: '3' }, { 'x-sim-tool-calls': '2' })
    const { rounds } = await loop(client, names, { parallel_tool_calls: false })
    expect(rounds.map((round) => round.length)).toEqual([1])
  })

  it('are none with tool_choice none, with 0 calls or with 0 rounds', async () => {
    const client = clientFor({ TOOL_CALL_PROBABILITY: '1' })
    const [none, noCalls, noRounds] = await Promise.all([
      loop(clientFor({}, { 'x-sim-tool-calls': '2' }), names, { tool_choice: 'none' }),
      loop(clientFor({ TOOL_CALL_PROBABILITY: '1' }, { 'x-sim-tool-calls': '0' }), names),
      loop(clientFor({ TOOL_CALL_PROBABILITY: '1' }, { 'x-sim-tool-rounds': '0' }), names),
    ])
    expect([none.rounds, noCalls.rounds, noRounds.rounds]).toEqual([[], [], []])
    expect((await loop(client, names)).rounds).toHaveLength(1)
  })

  it('are the same for the same seed', async () => {
    const env = { TOOL_CALL_PROBABILITY: '0.5', TOOL_CALLS_PER_ANSWER: '1,2,2', TOOL_CALL_ROUNDS: '2' }
    const tools = ['a', 'b', 'c']
    const run = async (client: OpenAI) =>
      [await loop(client, tools), await loop(client, tools), await loop(client, tools)].map(
        ({ rounds }) => rounds,
      )
    expect(await run(clientFor(env))).toEqual(await run(clientFor(env)))
  })
})

describe('the number of tool calls in an answer', () => {
  const tools = names.map((name) => ({ type: 'function' as const, function: { name, parameters: city } }))
  const countsOf = async (setting: string, choice: OpenAI.ChatCompletionToolChoiceOption = 'required') => {
    const { choices } = await clientFor({ TOOL_CALLS_PER_ANSWER: setting }).chat.completions.create({
      model,
      messages: [question],
      tools,
      tool_choice: choice,
      n: 100,
    })
    const counts = new Map<number, number>()
    for (const { message } of choices) {
      const count = message.tool_calls?.length ?? 0
      counts.set(count, (counts.get(count) ?? 0) + 1)
    }
    return Object.fromEntries([...counts].toSorted(([a], [b]) => a - b))
  }

  it('is drawn from the list of TOOL_CALLS_PER_ANSWER', async () => {
    expect(await countsOf('3')).toEqual({ 3: 100 })
    const { 1: one = 0, 4: four = 0, ...rest } = await countsOf('1,1,1,4')
    expect(rest).toEqual({})
    expect(one).toBeGreaterThan(60)
    expect(four).toBeGreaterThan(10)
  })

  it('is mostly one by default', async () => {
    expect((await countsOf('auto'))[1]).toBeGreaterThan(60)
  })

  it('is one for a named tool', async () => {
    expect(await countsOf('3', { type: 'function', function: { name: 'play-music' } })).toEqual({ 1: 100 })
  })
})

describe('x-sim-tool-calls', () => {
  const tools = names.map((name) => ({ type: 'function' as const, function: { name, parameters: city } }))
  const ask = (value: string, more: object = {}) =>
    clientFor({}, { 'x-sim-tool-calls': value }).chat.completions.create({
      model,
      messages: [question],
      tools,
      ...more,
    })

  it.each(['', 'a,,b', '33', '1,2,'])('is refused with the value %j', async (value) => {
    await expect(ask(value)).rejects.toMatchObject({ status: 400, param: 'x-sim-tool-calls' })
  })

  it('is refused with a tool that the request does not have or does not allow', async () => {
    await expect(ask('get_weather')).rejects.toThrow(
      "the request does not allow a call of 'get_weather'. It allows current-temperature, play-music.",
    )
    const named = { type: 'function', function: { name: names[1] } }
    await expect(ask(names[0], { tool_choice: named })).rejects.toThrow('It allows play-music.')
  })

  it('has no effect on a request without tools, or with tool_choice none', async () => {
    const { choices } = await ask('get_weather', { tools: undefined })
    expect(choices[0]?.finish_reason).toBe('stop')
    expect((await ask('get_weather', { tool_choice: 'none' })).choices[0]?.message.tool_calls).toBeUndefined()
  })

  it('chooses among the allowed tools only', async () => {
    const allowed = {
      type: 'allowed_tools',
      allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: names[1] } }] },
    }
    const { choices } = await ask('2', { tool_choice: allowed })
    expect(choices[0]?.message.tool_calls).toMatchObject([
      { function: { name: names[1] } },
      { function: { name: names[1] } },
    ])
  })
})
