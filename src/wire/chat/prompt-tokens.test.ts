import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { findModel } from '../models/model-catalogue.ts'
import { countChatPrompt } from './prompt-tokens.ts'
import type { ChatMessage, ChatRequest } from './chat-request.ts'
import { countResponsesInput } from '../responses/responses-request.ts'

function count(name: string, request: ChatRequest): number {
  const model = findModel(name)!
  return countChatPrompt(request, model, loadEncoding(model.encoding))
}

const user = (content: string): ChatMessage => ({ role: 'user', content })
const system = (content: string): ChatMessage => ({ role: 'system', content })
const result = (content: string): ChatMessage => ({ role: 'tool', content, tool_call_id: 'x' })
const call = (name: string, args: string) => ({
  id: 'x',
  type: 'function' as const,
  function: { name, arguments: args },
})
const calls = (...list: ReturnType<typeof call>[]): ChatMessage => ({ role: 'assistant', tool_calls: list })
const tool = (name: string, description: string, parameters: Record<string, unknown>) => ({
  type: 'function' as const,
  function: { name, description, parameters },
})

const nothing = { type: 'object', properties: {} }
const question = 'What is the largest city in the user country?'
const place = { type: 'object', properties: { city: { type: 'string' }, country: { type: 'string' } } }
const countryTools = [
  tool('get_user_country', '', nothing),
  tool('final_result', 'The final response which ends this conversation', {
    ...place,
    required: ['city', 'country'],
  }),
]

/** Recorded requests with their usage, from pydantic-ai, hmarr/openai-chat-tokens and openai-messages-token-helper. */
describe('countChatPrompt', () => {
  it.each([
    ['gpt-35-turbo', 8, { messages: [user('hello')] }],
    ['o3-mini', 7, { messages: [user('hello')] }],
    ['gpt-5', 8, { messages: [user('Say hello')] }],
    [
      'o4-mini',
      22,
      { messages: [system('You are a helpful assistant.'), user("What's the capital of France?")] },
    ],
    [
      'gpt-35-turbo',
      27,
      {
        messages: [
          system("# Important: you're the best robot"),
          user('hello robot'),
          { role: 'assistant', content: 'hello world' },
        ],
      },
    ],
  ] satisfies [string, number, ChatRequest][])(
    'counts messages as %s bills them: %i',
    (name, billed, request) => {
      expect(count(name, request)).toBe(billed)
    },
  )

  it('counts tools and tool calls as gpt-4o bills them', () => {
    const firstTurn = [user(question)]
    expect(count('gpt-4o', { messages: firstTurn, tools: countryTools })).toBe(68)
    const answered = [...firstTurn, calls(call('get_user_country', '{}')), result('Mexico')]
    expect(count('gpt-4o', { messages: answered, tools: countryTools })).toBe(89)
  })

  it('counts less for tools if there is a system message, which then contains them', () => {
    const temperature = tool('get_temperature', '', {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    })
    const messages = [system('You are a helpful assistant.'), user('What is the temperature in Tokyo?')]
    expect(count('gpt-4.1-mini', { messages, tools: [temperature] })).toBe(50)
  })

  it('counts parallel calls as one call with an array', () => {
    const messages = [
      system("You're a helpful assistant."),
      user("What's the weather in Seattle and San Francisco today?"),
      calls(
        call('get_current_weather', '{"location": "Seattle, WA"}'),
        call('get_current_weather', '{"location": "San Francisco, CA"}'),
      ),
      result('50 degrees and raining'),
      result('70 degrees and sunny'),
    ]
    expect(count('gpt-4o-mini', { messages })).toBe(99)
  })

  it('counts `functions` with their calls and results', () => {
    const functions = [{ name: 'foo', description: 'Do a foo', parameters: nothing }]
    expect(count('gpt-35-turbo', { messages: [user('hello')], functions })).toBe(36)
    const back: ChatMessage = { role: 'function', name: 'do_stuff', content: '{}' }
    expect(count('gpt-35-turbo', { messages: [user('hello world'), back] })).toBe(15)
  })

  it('counts the schema of a response format, with and without tools', () => {
    const schema = { ...place, required: ['city', 'country'], additionalProperties: false }
    const format = { name: 'CityLocation', description: 'A city and its country.', schema }
    const request = {
      messages: [user(question)],
      tools: countryTools.slice(0, 1),
      response_format: { type: 'json_schema' as const, json_schema: format },
    }
    expect(count('gpt-4o', request)).toBe(79)
  })

  it.each([
    ['none', 67],
    ['auto', 66],
    [{ type: 'function' as const, function: { name: 'search_sources' } }, 75],
  ] as const)('charges for the choice of a tool: %j', (choice, billed) => {
    const search = tool('search_sources', 'Retrieve sources from the Azure AI Search index', {
      type: 'object',
      properties: {
        search_query: {
          type: 'string',
          description: "Query string to retrieve documents from azure search eg: 'Health care plan'",
        },
      },
      required: ['search_query'],
    })
    const request = { messages: [system('You are a bot.')], tools: [search], tool_choice: choice }
    expect(count('gpt-35-turbo', request)).toBe(billed)
  })

  it('accepts parameters that are not a schema, deeply nested, or named like properties of Object', () => {
    let deep: Record<string, unknown> = {}
    for (let i = 0; i < 20_000; i++) deep = { type: 'array', items: deep }
    const tools = [tool('constructor', '__proto__', deep), tool('b', '', { properties: 7 })]
    expect(count('gpt-4o', { messages: [user('x')], tools })).toBeGreaterThan(0)
  })

  it('counts the same tools only once (cache)', () => {
    const tools = Array.from({ length: 128 }, (_, i) => tool(`tool_${i}`, 'Does something useful', place))
    const request = { messages: [user('x')], tools }
    const first = count('gpt-4o', request)
    const encoding = loadEncoding('o200k_base')
    const counted: string[] = []
    const watching = { ...encoding, count: (text: string) => (counted.push(text), encoding.count(text)) }
    const again = JSON.parse(JSON.stringify(request)) as ChatRequest
    expect(countChatPrompt(again, findModel('gpt-4o')!, watching)).toBe(first)
    expect(Math.max(...counted.map((text) => text.length))).toBeLessThan(100)
  })

  it('estimates audio and documents from their size', () => {
    const audio = { data: 'A'.repeat(64_000), format: 'wav' }
    const message = (part: unknown): ChatMessage => ({ role: 'user', content: [part] }) as ChatMessage
    expect(count('gpt-audio', { messages: [message({ type: 'input_audio', input_audio: audio })] })).toBe(17)
    const text = `data:text/plain;base64,${Buffer.from('hello world').toString('base64')}`
    expect(count('gpt-4o', { messages: [message({ type: 'file', file: { file_data: text } })] })).toBe(9)
  })

  // Bills of PDFs of 325 and 1,209 bytes (crewAI, 2026-02; activeagent, 2025-10), and of documents (ruby_llm, chatlas, 2026).
  it.each([
    ['an empty PDF', pdfOf(1, 325), 4, 1_030],
    ['a PDF with a short text', pdfOf(1, 1_209), 105, 1_131],
    ['a PDF with two full pages', pdfOf(2, 30_000), 2 + 2 + 1_200, 4 + 1_200 + 2 * 1_026],
    ['a PDF with compressed objects', pdfOf(0, 120_000), 4 + 1_800, 4 + 1_800 + 3 * 1_026],
    ['another document', Buffer.alloc(5_100), 42, 42],
    ['a larger document', Buffer.alloc(24_000), 42 + 900, 42 + 900],
  ])('estimates the tokens of %s, in Responses and Chat', (_, bytes, responses, chat) => {
    const file_data = `data:application/octet-stream;base64,${bytes.toString('base64')}`
    const part = { type: 'file' as const, file: { file_data, filename: 'document.pdf' } }
    const messages: ChatMessage[] = [{ role: 'user', content: [part] }]
    const model = findModel('gpt-4o')!
    const encoding = loadEncoding(model.encoding)
    expect(countChatPrompt({ messages }, model, encoding, 'responses') - 7).toBe(responses)
    expect(countChatPrompt({ messages }, model, encoding) - 7).toBe(chat)
  })
})

function pdfOf(pages: number, size: number): Buffer {
  const objects = '/Type /Page /Parent 2 0 R'.repeat(pages)
  return Buffer.from(`%PDF-1.4 /Type /Pages ${objects}`.padEnd(size))
}

describe('countResponsesInput', () => {
  const model = findModel('gpt-4o-mini')!
  const encoding = loadEncoding(model.encoding)

  it('counts instructions as a system message, for input as a string and as items', () => {
    const instructions = 'You are a helpful assistant.'
    expect(countResponsesInput({ input: 'Say this is a test', instructions }, model, encoding)).toBe(22)
    const content = [{ type: 'input_text' as const, text: 'Say this is a test' }]
    const items = [{ role: 'user' as const, content }]
    expect(countResponsesInput({ input: items, instructions }, model, encoding)).toBe(22)
  })

  it('counts less for tools than chat, and the same for a required single tool as for a named one', () => {
    const timeTool = { type: 'function', name: 'get_current_time', description: 'Get the current time' }
    const request = { input: 'What time is it?', tools: [{ ...timeTool, parameters: nothing }] }
    expect(countResponsesInput(request, model, encoding)).toBe(36)
    const named = { ...request, tool_choice: { type: 'function', name: 'get_current_time' } }
    const required = { ...request, tool_choice: 'required' as const }
    expect(countResponsesInput(required, model, encoding)).toBe(countResponsesInput(named, model, encoding))
  })
})
