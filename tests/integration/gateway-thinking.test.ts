import type { ServerResponse } from 'node:http'
import OpenAI from 'openai'
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { ResponseInput } from 'openai/resources/responses/responses'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { JsonMembers } from '../../src/wire/conversion.ts'
import { startFakeUpstream, type FakeUpstream } from '../support/fake-upstream.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const thinking = { type: 'thinking', thinking: 'Two cities — two calls.', signature: 'EqQBCgIYAhIM' }
const redacted = { type: 'redacted_thinking', data: 'EmwKAhgBEgy3' }
const calls = ['Rome', 'Oslo'].map((city) => ({
  type: 'tool_use',
  id: `toolu_${city}`,
  name: 'weather',
  input: { city },
}))
const firstContent = [thinking, redacted, { type: 'text', text: 'I look.' }, ...calls]
const lastContent = [{ type: 'text', text: 'Sunny in both.' }]

type Block = JsonMembers & { readonly type: string }
interface SentMessages {
  readonly stream?: boolean
  readonly thinking?: object
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Block[] }[]
}

/** Claude with two parallel calls before its answer. */
let claude: FakeUpstream
beforeAll(async () => {
  claude = await startFakeUpstream(({ body }, response) => {
    const { stream, messages } = JSON.parse(body.toString()) as SentMessages
    const isFirst = messages.length === 1
    const content = (isFirst ? firstContent : lastContent) as readonly Block[]
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5',
      content,
      stop_reason: isFirst ? 'tool_use' : 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 5, output_tokens: 7 },
    }
    if (stream === true) return sendStream(response, message)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(message))
  })
})
afterAll(() => claude.close())
beforeEach(() => void claude.received.splice(0))

function sendStream(
  response: ServerResponse,
  message: JsonMembers & { readonly content: readonly Block[] },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, members: object): void =>
    void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`)
  send('message_start', { message: { ...message, content: [], stop_reason: null } })
  for (const [index, block] of message.content.entries()) {
    const delta = (members: object): void => send('content_block_delta', { index, delta: members })
    const { type, thinking: thought, signature, text, input } = block
    const start =
      type === 'thinking'
        ? { type, thinking: '', signature: '' }
        : type === 'text'
          ? { type, text: '' }
          : type === 'tool_use'
            ? { ...block, input: {} }
            : block
    send('content_block_start', { index, content_block: start })
    const words = thought ?? text
    for (const piece of (typeof words === 'string' ? words : '').match(/.{1,4}/g) ?? []) {
      delta(
        type === 'thinking'
          ? { type: 'thinking_delta', thinking: piece }
          : { type: 'text_delta', text: piece },
      )
    }
    if (signature !== undefined) delta({ type: 'signature_delta', signature })
    if (input !== undefined) delta({ type: 'input_json_delta', partial_json: JSON.stringify(input) })
    send('content_block_stop', { index })
  }
  send('message_delta', { delta: { stop_reason: message['stop_reason'] }, usage: { output_tokens: 7 } })
  send('message_stop', {})
  response.end()
}

function startClient(): OpenAI {
  const gateway = createTestSimulator({
    deployments: { agent: { model: 'claude-sonnet-4-5', upstream: 'default/prod', form: 'messages' } },
    env: { AZURE_OPENAI_ENDPOINT: claude.url, AZURE_OPENAI_KEY: testKey },
  })
  const fetch: typeof globalThis.fetch = async (url, init) => gateway.app.request(new Request(url, init))
  return new OpenAI({ apiKey: testKey, baseURL: 'http://gateway.test/v1', fetch, maxRetries: 0 })
}

const sent = (): SentMessages[] =>
  claude.received.map(({ body }) => JSON.parse(body.toString()) as SentMessages)

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}
const results = calls.map(({ id, input }) => ({
  type: 'tool_result',
  tool_use_id: id,
  content: `Sunny in ${input.city}`,
}))

interface City {
  readonly city: string
}
const weather = ({ city }: City): string => `Sunny in ${city}`

/** The second request has the first answer as the model wrote it. */
function expectWholeTurn(turn: readonly Block[]): void {
  const [first, second] = sent()
  expect([first?.thinking, second?.thinking]).toEqual(
    Array.from({ length: 2 }, () => ({ type: 'enabled', budget_tokens: 2_048 })),
  )
  expect(second?.messages.slice(1)).toEqual([
    { role: 'assistant', content: turn },
    { role: 'user', content: results },
  ])
}

describe('a client of chat completions with a Claude model that thinks', () => {
  const request = {
    model: 'agent',
    reasoning_effort: 'low' as const,
    messages: [{ role: 'user' as const, content: 'Weather?' }],
  }

  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]

  it.each([false, true])(
    'sends its thinking back with the results of parallel calls, streamed: %s',
    async (stream) => {
      const { completions } = startClient().chat
      const answer = async (messages: ChatCompletionMessageParam[]) => {
        const body = { ...request, tools, messages }
        const { choices } = await (stream
          ? completions.stream(body).finalChatCompletion()
          : completions.create(body))
        return choices[0]!.message
      }
      const message = await answer(request.messages)
      const outputs = (message.tool_calls ?? []).map((called) => ({
        role: 'tool' as const,
        tool_call_id: called.id,
        content: called.type === 'function' ? weather(JSON.parse(called.function.arguments) as City) : '',
      }))
      expect(await answer([...request.messages, message, ...outputs])).toMatchObject({
        content: 'Sunny in both.',
      })
      expectWholeTurn(firstContent)
    },
  )

  it('gets answers of the tool runner, which sends no thinking back', async () => {
    const runner = startClient().chat.completions.runTools({
      ...request,
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: '',
            parameters,
            parse: (json: string) => JSON.parse(json) as City,
            function: weather,
          },
        },
      ],
    })
    expect(await runner.finalContent()).toBe('Sunny in both.')
    expect(sent()[1]).not.toHaveProperty('thinking')
    expect(sent()[1]?.messages.at(-1)?.content).toEqual(results)
  })

  it('gets the same message whole and streamed', async () => {
    const { completions } = startClient().chat
    const whole = await completions.create({ ...request, tools })
    const streamed = await completions.stream({ ...request, tools }).finalChatCompletion()
    expect(whole.choices[0]?.message).toMatchObject({
      reasoning_content: thinking.thinking,
      thinking_blocks: [thinking, redacted],
      content: 'I look.',
    })
    expect(streamed.choices[0]?.message).toMatchObject({
      thinking_blocks: [thinking, redacted],
      content: 'I look.',
    })
  })

  it('gets an answer without thinking if it does not send the thinking back', async () => {
    const { completions } = startClient().chat
    const { choices } = await completions.create({ ...request, tools })
    const { tool_calls: asked = [] } = choices[0]!.message
    await completions.create({
      ...request,
      tools,
      messages: [
        ...request.messages,
        { role: 'assistant', tool_calls: asked },
        ...asked.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: 'Sunny' })),
      ],
    })
    expect(sent()[1]).not.toHaveProperty('thinking')
  })
})

describe('a client of the Responses API with a Claude model that thinks', () => {
  const request = {
    model: 'agent',
    store: false,
    reasoning: { effort: 'low' as const, summary: 'auto' as const },
    tools: [{ type: 'function' as const, name: 'weather', parameters, strict: true }],
  }
  const include = ['reasoning.encrypted_content' as const]
  const input: ResponseInput = [{ role: 'user', content: 'Weather?' }]

  it.each([false, true])(
    'sends its reasoning items back with the results of parallel calls, streamed: %s',
    async (stream) => {
      const { responses } = startClient()
      const body = { ...request, include }
      const answer = async (given: ResponseInput) =>
        stream
          ? responses.stream({ ...body, input: given }).finalResponse()
          : responses.create({ ...body, input: given })
      const { output } = await answer(input)
      expect(output).toMatchObject([
        {
          type: 'reasoning',
          summary: [{ type: 'summary_text', text: thinking.thinking }],
          encrypted_content: thinking.signature,
        },
        { type: 'reasoning', summary: [] },
        { type: 'message' },
        { type: 'function_call' },
        { type: 'function_call' },
      ])
      const outputs = output.flatMap((item) =>
        item.type === 'function_call'
          ? [
              {
                type: 'function_call_output' as const,
                call_id: item.call_id,
                output: `Sunny in ${(JSON.parse(item.arguments) as { city: string }).city}`,
              },
            ]
          : [],
      )
      const last = await answer([...input, ...(output as ResponseInput), ...outputs])
      expect(last.output_text).toBe('Sunny in both.')
      expectWholeTurn(firstContent)
    },
  )

  it.each([false, true])(
    'gets no encrypted reasoning that it did not ask for, streamed: %s',
    async (stream) => {
      const { responses } = startClient()
      const { output } = stream
        ? await responses.stream({ ...request, input }).finalResponse()
        : await responses.create({ ...request, input })
      expect(output.map(({ type }) => type)).toEqual([
        'reasoning',
        'message',
        'function_call',
        'function_call',
      ])
      expect(output[0]).not.toHaveProperty('encrypted_content')
    },
  )

  it('is refused with reasoning of another model, unless the deployment drops it', async () => {
    const { responses } = startClient()
    const item = { type: 'reasoning' as const, id: 'rs_1', summary: [], encrypted_content: 'gAAAAABother' }
    await expect(responses.create({ ...request, input: [...input, item, ...input] })).rejects.toMatchObject({
      status: 400,
      param: 'input[1]',
    })
  })
})
