import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { findModel } from '../models/model-catalogue.ts'
import { countResponsesInput } from '../responses/responses-request.ts'
import type { ResponsesItem } from '../responses/responses-item.ts'
import type { ChatMessage, Tool } from './chat-request.ts'
import { countChatPrompt } from './prompt-tokens.ts'

function countChat(name: string, messages: readonly ChatMessage[], tools: readonly Tool[] = []): number {
  const model = findModel(name)!
  return countChatPrompt({ messages, tools }, model, loadEncoding(model.encoding))
}

function countItems(name: string, input: readonly ResponsesItem[]): number {
  const model = findModel(name)!
  return countResponsesInput({ input }, model, loadEncoding(model.encoding))
}

const user = (content: string) => ({ role: 'user' as const, content })
const assistant = (content: string) => ({ role: 'assistant' as const, content })
const result = (content: string): ChatMessage => ({ role: 'tool', content, tool_call_id: 'x' })
const chatCalls = (...calls: [name: string, args: string][]): ChatMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: calls.map(([name, args]) => ({
    id: 'x',
    type: 'function',
    function: { name, arguments: args },
  })),
})
const call = (name: string, args: string, id?: string): ResponsesItem => ({
  type: 'function_call',
  call_id: 'x',
  name,
  arguments: args,
  ...(id !== undefined && { id }),
})
const output = (text: string): ResponsesItem => ({ type: 'function_call_output', call_id: 'x', output: text })
const reasoning = (length: number): ResponsesItem => ({
  type: 'reasoning',
  summary: [],
  encrypted_content: 'g'.repeat(length),
})
const functionTool = (name: string, description: string, properties: Record<string, unknown>): Tool => ({
  type: 'function',
  function: {
    name,
    description,
    parameters: { type: 'object', properties, required: Object.keys(properties) },
  },
})

/** Recorded requests with their usage. Where it says "more", only the difference of two requests with the same tools is known. */
describe('messages', () => {
  it('counts text parts as one text (activeagent, gpt-5)', () => {
    const parts = ['Tell me a fun fact about Ruby programming.', "Now explain why that's interesting."]
    const content = parts.map((text) => ({ type: 'text' as const, text }))
    expect(countChat('gpt-5', [{ role: 'user', content }])).toBe(20)
  })

  it('counts the channel of earlier answers for the gpt-5 family (ruby_llm)', () => {
    const turns = [user('What is 5 + 3?'), assistant('8'), user('Now multiply that by 2')]
    expect(countChat('gpt-5-nano', turns)).toBe(31)
    expect(countItems('gpt-5.4', turns)).toBe(31)
  })

  it('counts the channel of earlier answers for o4-mini, but not for o3-mini and gpt-4o', () => {
    const more = (model: string): number =>
      countChat(model, [user('a'), assistant('b')]) - countChat(model, [user('a'), user('b')])
    expect(['o4-mini', 'o3', 'o3-mini', 'gpt-4o'].map(more)).toEqual([2, 2, 0, 0])
  })

  it('counts a name after a colon, which can be one token (dd-trace-py, gpt-4o-mini)', () => {
    const request = "Please use the provided tool to answer the user's question."
    const messages: ChatMessage[] = [
      {
        role: 'system',
        content: `You are a helpful assistant who talks with a Boston accent but is also very nice. ${request}`,
      },
      user('What is 2 + 2?'),
      { ...chatCalls(['add', '{"a": 2, "b": 2}']), name: 'not_your_average_bostonian' },
      result('Error: BdbQuit()\n Please fix your mistakes.'),
    ]
    const add = functionTool('add', 'Adds two numbers together', {
      a: { type: 'integer' },
      b: { type: 'integer' },
    })
    expect(countChat('gpt-4o-mini', messages, [add])).toBe(123)
    const named = countChat('gpt-4o', [{ ...user('x'), name: 'user' }])
    expect(named - countChat('gpt-4o', [user('x')])).toBe(1)
  })
})

describe('calls and results in chat', () => {
  it('counts the arguments of a single call as JSON without spaces (dd-trace-py, gpt-3.5-turbo)', () => {
    const student = {
      name: 'David Nguyen',
      major: 'computer science',
      school: 'Stanford University',
      grades: 3.8,
      clubs: ['Chess Club', 'South Asian Student Association'],
    }
    const indent = '\n    '
    const question = [
      '',
      'David Nguyen is a sophomore majoring in computer science at Stanford University and has a GPA of 3.8.',
      "David is an active member of the university's Chess Club and the South Asian Student Association.",
      'He hopes to pursue a career in software engineering after graduating.',
      '',
    ].join(indent)
    const messages = [
      user(question),
      chatCalls(['extract_student_info', JSON.stringify(student, null, 2)]),
      result('{"status": "success", "gpa_verified": true}'),
      user("Can you summarize the student's academic performance?"),
    ]
    expect(countChat('gpt-35-turbo', messages)).toBe(143)
  })

  it('counts the results of parallel calls as one JSON array (activeagent, gpt-4o-mini)', () => {
    const messages = [
      user("What's the weather in NYC and what's 5 plus 3?"),
      chatCalls(
        ['get_weather', '{"location": "New York City"}'],
        ['calculate', '{"operation": "add", "a": 5, "b": 3}'],
      ),
      result('{"location":"New York City","temperature":"72°F","conditions":"sunny"}'),
      result('{"operation":"add","a":5,"b":3,"result":8}'),
    ]
    const number = { type: 'number' }
    const operation = { type: 'string', enum: ['add', 'subtract', 'multiply', 'divide'] }
    const tools = [
      functionTool('get_weather', 'Get the current weather', { location: { type: 'string' } }),
      functionTool('calculate', 'Perform basic arithmetic', { operation, a: number, b: number }),
    ]
    expect(countChat('gpt-4o-mini', messages.slice(0, 1), tools)).toBe(93)
    expect(countChat('gpt-4o-mini', messages, tools)).toBe(207)
  })

  it('counts a call of gpt-5-mini with its channel (pydantic-ai)', () => {
    const question = user("What's the weather in Paris?")
    const answered = [question, chatCalls(['get_weather', '{"city":"Paris"}']), result('Sunny, 22C in Paris')]
    const more = countChat('gpt-5-mini', answered) - countChat('gpt-5-mini', [question])
    expect(more).toBe(167 - 132)
  })

  it('counts a `function_call` like a call, and its result with the name as author', () => {
    const called = { name: 'add', arguments: '{"a": 1}' }
    const older: ChatMessage[] = [
      { role: 'assistant', content: null, function_call: called },
      { role: 'function', name: 'add', content: '2' },
    ]
    const newer = [chatCalls(['add', '{"a": 1}']), result('2')]
    expect(countChat('gpt-35-turbo', newer) - countChat('gpt-35-turbo', older)).toBe(3)
  })

  it('counts a text before calls as a message', () => {
    const calls = chatCalls(['add', '{}'])
    const more = countChat('gpt-4o', [{ ...calls, content: 'hello' }]) - countChat('gpt-4o', [calls])
    expect(more).toBe(5)
  })

  it('counts JSON as it is after the first 256 KiB of a request', () => {
    const turn = [chatCalls(['add', `{"a": [${'1, '.repeat(33_000)}1]}`]), result('')]
    const [one, four] = [1, 4].map((turns) =>
      countChat('gpt-4o', Array.from({ length: turns }, () => turn).flat()),
    ) as [number, number]
    expect(four).toBeGreaterThan(4 * one + 60_000)
  })

  it('accepts arguments and results that are not JSON, too long, or deeply nested', () => {
    const deep = '['.repeat(50_000)
    const texts = ['{', '', deep, `${deep}${']'.repeat(50_000)}`, `["${'a '.repeat(100_000)}"]`]
    for (const text of texts) {
      const messages = [chatCalls(['add', text], ['add', text]), result(text), result(text)]
      expect(countChat('gpt-4o', messages)).toBeGreaterThan(40)
      expect(countChat('gpt-4o', [chatCalls(['add', text]), result(text)])).toBeGreaterThan(15)
    }
  })
})

describe('calls and results in the Responses API', () => {
  it('counts a call and its result as a message each (dd-trace-py, gpt-4.1)', () => {
    const items = [
      user("What's the weather like in San Francisco?"),
      call('get_weather', '{"location": "San Francisco, CA"}'),
      output('{"temperature": "72°F", "conditions": "sunny", "humidity": "65%"}'),
    ]
    expect(countItems('gpt-4.1', items)).toBe(60)
  })

  it('counts 3 more for a call with the id of a stored item (activeagent, gpt-4o)', () => {
    const question = user("What's the weather in Boston?")
    const args = '{"location":"Boston, MA"}'
    const answer = output('{"location":"Boston, MA","temperature":"72°F","conditions":"sunny"}')
    const stored = [question, call('get_weather', args, 'fc_0452fc132dd2530e'), answer]
    expect(countItems('gpt-4o', stored) - countItems('gpt-4o', [question])).toBe(91 - 49)
    expect(countItems('gpt-4o', [question, call('get_weather', args), answer])).toBe(
      countItems('gpt-4o', stored) - 3,
    )
  })

  it.each([
    ['gpt-5.4', 'roll', '1', 79 - 55],
    ['gpt-5.4', 'get_current_date', '2024-01-01', 91 - 58],
    ['gpt-4o-mini', 'get_date', '2026-05-12', 74 - 52],
  ])(
    'counts more tokens for a call without arguments, as %s bills it (chatlas)',
    (model, name, text, billed) => {
      const question = user('x')
      const more =
        countItems(model, [question, call(name, '{}'), output(text)]) - countItems(model, [question])
      expect(more).toBe(billed)
    },
  )

  it.each([
    ['gpt-5.2', undefined, 17],
    ['gpt-5.2', 'fc_0f19077ea087b45d', 20],
    ['gpt-5.4', undefined, 20],
    ['gpt-5.4', 'fc_0f19077ea087b45d', 20],
  ])('counts the mark of a call for %s with the id %s (pydantic-ai, chatlas)', (model, id, tokens) => {
    const more = countItems(model, [user('x'), call('bar', '{"x":1}', id), output('1')])
    // The name twice, the arguments and the result.
    expect(more - countItems(model, [user('x')])).toBe(tokens + 2 + 5 + 1)
  })

  it('counts parallel calls of gpt-5.4 as one call with an array, and each result (chatlas)', () => {
    const calls = [call('test_tool', '{"user":"Joe"}'), call('test_tool', '{"user":"Hadley"}')]
    const more = countItems('gpt-5.4', [user('x'), ...calls, output('red'), output('red')])
    expect(more - countItems('gpt-5.4', [user('x')])).toBe(123 - 52)
  })

  it('counts each of the parallel calls of gpt-4.1 (chatlas)', () => {
    const calls = [call('test_tool', '{"user":"Joe"}'), call('test_tool', '{"user":"Hadley"}')]
    const rejected = "Tool call failed with error: 'Tool call rejected. Joe denied the request.'"
    const more = countItems('gpt-4.1', [user('x'), ...calls, output(rejected), output('red')])
    expect(more - countItems('gpt-4.1', [user('x')])).toBe(140 - 82)
  })

  it('does not count reasoning before the last message of the user (ruby_llm, gpt-5-nano)', () => {
    const answer = 'Yukihiro Matsumoto (often called "Matz") is the creator of the Ruby programming language.'
    const turns = [
      user('Who is the creator of the programming language Ruby?'),
      reasoning(2488),
      assistant(answer),
      user('What year did he create Ruby?'),
    ]
    expect(countItems('gpt-5-nano', turns)).toBe(56)
  })

  it.each([
    ['gpt-5-nano', 2212, 330 - 87],
    ['gpt-5-nano', 3172, 458 - 87],
    ['gpt-5-nano', 1508, 240 - 85],
  ])(
    'estimates the reasoning before a call of %s from its encrypted content: %i',
    (model, length, billed) => {
      const items = [
        user('x'),
        reasoning(length),
        call('weather', '{"latitude":"52.5200","longitude":"13.4050"}'),
        output('Current weather at 52.5200, 13.4050: 15°C, Wind: 10 km/h'),
      ]
      const more = countItems(model, items) - countItems(model, [user('x')])
      expect(Math.abs(more - billed)).toBeLessThan(0.1 * billed)
    },
  )
})
