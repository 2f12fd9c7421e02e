import { createAzure } from '@ai-sdk/azure'
import { generateText, streamText } from 'ai'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

type Members = Readonly<Record<string, unknown>>
interface Item {
  readonly [name: string]: unknown
  readonly id: string
  readonly type: string
  readonly action?: Members
  readonly content?: readonly { readonly text: string; readonly annotations: readonly Members[] }[]
}
interface Answer {
  readonly id: string
  readonly status: string
  readonly output: readonly Item[]
  readonly usage: {
    readonly input_tokens: number
    readonly output_tokens: number
    readonly total_tokens: number
  }
  readonly incomplete_details: { readonly reason: string } | null
  readonly error?: { readonly message: string; readonly param: string | null }
}

const input = 'Find the latest news about solar power.'

const start = (env: Record<string, string> = {}) => {
  const { app, post } = createTestSimulator({ env: { SIMULATOR_SEED: 'results', ...env } })
  const send = async (body: Members, headers: Record<string, string> = {}, status = 200): Promise<Answer> => {
    const request = { model: 'gpt-4.1', input, tool_choice: 'required', ...body }
    const response = await post('/openai/v1/responses', request, headers)
    expect(response.status).toBe(status)
    return (await response.json()) as Answer
  }
  return { app, post, send }
}

/** The events of a stream. */
const streamOf = async (body: Members): Promise<Members[]> => {
  const response = await start().post('/openai/v1/responses', body)
  const frames = (await response.text()).split('\n\n').filter((frame) => frame !== '')
  return frames.map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as Members)
}

const typesOf = ({ output }: Answer): string[] => output.map(({ type }) => type)
const itemOf = ({ output }: Answer, type: string): Item => output.find((item) => item.type === type) as Item
const partOf = (answer: Answer) => itemOf(answer, 'message').content![0]!

/** Width, height and number of bytes of a PNG file. */
const sizeOf = (base64: unknown) => {
  const png = Buffer.from(String(base64), 'base64')
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  return [png.readUInt32BE(16), png.readUInt32BE(20)]
}

describe('web search', () => {
  const tools = [{ type: 'web_search', filters: { allowed_domains: ['news.example'] } }]

  it('cites a page of the allowed domains with a link in the text', async () => {
    const answer = await start().send({ tools })
    const { text, annotations } = partOf(answer)
    const [citation] = annotations as [Members & { start_index: number; end_index: number; url: string }]
    expect(Object.keys(citation)).toEqual(['type', 'end_index', 'start_index', 'title', 'url'])
    expect(citation.url).toMatch(/^https:\/\/news\.example\//)
    expect(text.slice(citation.start_index, citation.end_index)).toBe(`[news.example](${citation.url})`)
  })

  it('searches for words of the question, and includes its sources', async () => {
    const { send } = start()
    const query = 'Find the latest news about solar power'
    expect(itemOf(await send({ tools }), 'web_search_call').action).toEqual({
      type: 'search',
      queries: [query],
      query,
    })
    const include = ['web_search_call.action.sources']
    const { action } = itemOf(await send({ tools, include }), 'web_search_call')
    expect(action?.['sources']).toContainEqual({
      type: 'url',
      url: expect.stringMatching(/^https:\/\/news\.example\//) as unknown,
    })
  })

  it('opens pages and finds text on reasoning models', async () => {
    const { send } = start()
    const seen = new Set<unknown>()
    for (let i = 0; i < 12; i++) {
      const answer = await send({ model: 'gpt-5-mini', reasoning: { effort: 'minimal' }, tools })
      for (const { type, action } of answer.output) if (type === 'web_search_call') seen.add(action?.['type'])
    }
    expect(seen).toEqual(new Set(['search', 'open_page', 'find_in_page']))
  })

  it('is billed the tokens of its results as input', async () => {
    const { send } = start()
    const plain = await send({ tools, tool_choice: 'none' })
    const { usage } = await send({ tools })
    expect(usage.input_tokens - plain.usage.input_tokens).toBe(5_000)
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens)
  })

  it('streams the annotation before the end of the text', async () => {
    const body = { model: 'gpt-4.1', input, tools, tool_choice: 'required', stream: true }
    const events = await streamOf(body)
    const types = events.map((event) => event['type'])
    const at = types.indexOf('response.output_text.annotation.added')
    expect(types[at - 1]).toBe('response.output_text.delta')
    expect(types[at + 1]).toBe('response.output_text.done')
  })
})

describe('file search', () => {
  const tools = [{ type: 'file_search', vector_store_ids: ['vs_1'], max_num_results: 1 }]

  it('has queries, and results only if they are included', async () => {
    const { send } = start()
    expect(itemOf(await send({ tools }), 'file_search_call')).toMatchObject({ results: null })
    const answer = await send({ tools, include: ['file_search_call.results'] })
    const { queries, results } = itemOf(answer, 'file_search_call') as Item & { results: Members[] }
    expect(queries).toContain('Find the latest news about solar power')
    expect(results).toHaveLength(1)
    const { text, annotations } = partOf(answer)
    const { file_id, filename } = results[0]!
    expect(annotations).toEqual([{ type: 'file_citation', file_id, filename, index: text.length - 1 }])
  })
})

describe('code interpreter', () => {
  const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }]
  const include = ['code_interpreter_call.outputs']

  it('has the output of its program only if it is included', async () => {
    const { send } = start()
    expect(itemOf(await send({ tools }), 'code_interpreter_call')).toMatchObject({ outputs: null })
    const call = itemOf(await send({ tools, include }), 'code_interpreter_call')
    expect(call).toMatchObject({
      outputs: [{ type: 'logs', logs: expect.stringMatching(/\d\n$/) as unknown }],
    })
    expect(call['container_id']).toMatch(/^cntr_[0-9a-f]{48}$/)
  })

  it('draws a picture for a question about a chart', async () => {
    const answer = await start().send({ tools, include, input: 'Plot a chart of 1, 2, 3.' })
    const { outputs } = itemOf(answer, 'code_interpreter_call') as Item & { outputs: { url?: string }[] }
    const [, image] = outputs
    expect(sizeOf(image?.url?.replace('data:image/png;base64,', ''))).toEqual([512, 512])
  })

  it('uses the container of the request', async () => {
    const own = [{ type: 'code_interpreter', container: 'cntr_mine' }]
    expect(itemOf(await start().send({ tools: own }), 'code_interpreter_call')).toMatchObject({
      container_id: 'cntr_mine',
    })
  })
})

describe('image generation', () => {
  it('returns a PNG file in the requested size, with the options of the request', async () => {
    const tools = [{ type: 'image_generation', size: '1024x1536', quality: 'low', background: 'transparent' }]
    const call = itemOf(await start().send({ tools }), 'image_generation_call')
    expect(call).toMatchObject({
      size: '1024x1536',
      quality: 'low',
      background: 'transparent',
      output_format: 'png',
    })
    expect(sizeOf(call['result'])).toEqual([1024, 1536])
    expect(call['revised_prompt']).toContain(input)
  })

  it.each([
    [{}, 1],
    [{ partial_images: 3 }, 3],
  ])('streams partial images: %j', async (option, count) => {
    const tools = [{ type: 'image_generation', ...option }]
    const body = { model: 'gpt-4.1', input, tools, tool_choice: 'required', stream: true }
    const events = await streamOf(body)
    const partial = events.filter(({ type }) => type === 'response.image_generation_call.partial_image')
    expect(partial.map((event) => event['partial_image_index'])).toEqual(
      Array.from({ length: count }, (_, i) => i),
    )
    for (const event of partial) expect(sizeOf(event['partial_image_b64'])).toEqual([1024, 1024])
  })
})

describe('a remote server (MCP)', () => {
  const server = { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.example.com' }
  const asked = async (approve: boolean) => {
    const { send } = start()
    const first = await send({ tools: [server] })
    const request = itemOf(first, 'mcp_approval_request')
    const approval = { type: 'mcp_approval_response', approval_request_id: request.id, approve }
    const turn = { tools: [server], tool_choice: 'auto', input: [approval] }
    return { send, request, turn, first, second: await send({ ...turn, previous_response_id: first.id }) }
  }

  it('calls an approved tool with its arguments, and lists the tools once', async () => {
    const { request, second } = await asked(true)
    expect(typesOf(second)).toEqual(['mcp_call', 'message'])
    const { arguments: sent, name } = request
    expect(second.output[0]).toMatchObject({
      approval_request_id: request.id,
      arguments: sent,
      name,
      error: null,
    })
  })

  it('answers a rejected approval in text', async () => {
    expect(typesOf((await asked(false)).second)).toEqual(['message'])
  })

  it('rejects the approval of an unknown request', async () => {
    const { send, turn } = await asked(true)
    expect((await send(turn, {}, 400)).error).toMatchObject({ param: 'input' })
  })

  it.each([
    ['never', 'mcp_call'],
    [{ never: { tool_names: ['search'] } }, 'mcp_call'],
    [{ always: { tool_names: ['other'] } }, 'mcp_call'],
    [{ always: { tool_names: ['search'] } }, 'mcp_approval_request'],
    ['always', 'mcp_approval_request'],
  ])('needs approval by require_approval: %j', async (rule, type) => {
    const tools = [{ ...server, allowed_tools: ['search'], require_approval: rule }]
    expect(itemOf(await start().send({ tools }), type)).toMatchObject({
      name: 'search',
      server_label: 'docs',
    })
  })

  it('lists its allowed tools in every answer of a new conversation', async () => {
    const tools = [{ ...server, allowed_tools: { tool_names: ['a', 'b'] } }]
    const list = itemOf(await start().send({ tools, tool_choice: 'none' }), 'mcp_list_tools')
    expect(list['tools']).toMatchObject([{ name: 'a' }, { name: 'b', input_schema: { type: 'object' } }])
  })
})

describe('computer use', () => {
  it('starts with a screenshot, and then acts within the display', async () => {
    const { send } = start({ TOOL_CALL_ROUNDS: '2', TOOL_CALL_PROBABILITY: '1' })
    const display = { display_width: 10, display_height: 10, environment: 'browser' }
    const body = {
      tools: [{ type: 'computer_use_preview', ...display }],
      truncation: 'auto',
      tool_choice: 'auto',
    }
    const first = await send(body)
    const call = itemOf(first, 'computer_call')
    expect(call).toMatchObject({ action: { type: 'screenshot' }, pending_safety_checks: [] })
    const screenshot = { type: 'computer_screenshot', image_url: 'data:image/png;base64,AA==' }
    const output = { type: 'computer_call_output', call_id: call['call_id'], output: screenshot }
    const second = await send({ ...body, input: [output], previous_response_id: first.id })
    expect(itemOf(second, 'computer_call').action?.['type']).not.toBe('screenshot')
  })
})

describe('several hosted tools', () => {
  const tools = [
    { type: 'web_search' },
    { type: 'code_interpreter', container: { type: 'auto' } },
    { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
  ]

  it('are called in the order of x-sim-tool-calls, before functions', async () => {
    const headers = { 'x-sim-tool-calls': 'code_interpreter, f, web_search' }
    expect(typesOf(await start().send({ tools, tool_choice: 'auto' }, headers))).toEqual([
      'code_interpreter_call',
      'web_search_call',
      'function_call',
    ])
  })

  it('are limited by max_tool_calls', async () => {
    const headers = { 'x-sim-tool-calls': 'web_search,code_interpreter,web_search' }
    const body = { tools, tool_choice: 'auto', max_tool_calls: 2 }
    expect(typesOf(await start().send(body, headers))).toEqual([
      'web_search_call',
      'code_interpreter_call',
      'message',
    ])
  })

  it('are limited to the allowed ones', async () => {
    const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'code_interpreter' }] }
    const { send } = start()
    for (let i = 0; i < 5; i++) {
      expect(typesOf(await send({ tools, tool_choice: allowed }))).toEqual([
        'code_interpreter_call',
        'message',
      ])
    }
  })

  it.each([16, 40, 80])('keep to max_output_tokens %i', async (max_output_tokens) => {
    const answer = await start().send({ tools: tools.slice(1, 2), max_output_tokens })
    expect(answer.usage.output_tokens).toBeLessThanOrEqual(max_output_tokens)
    expect(answer).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })
})

describe('the AI SDK', () => {
  const azure = () => {
    const { app } = start()
    const fetch: typeof globalThis.fetch = async (url, init) => app.request(new Request(url, init))
    return createAzure({ baseURL: 'http://simulator.test/openai/v1', apiKey: testKey, fetch })
  }

  it.each(['web_search_preview', 'code_interpreter', 'file_search', 'image_generation'] as const)(
    'gets the result of the forced tool %s, whole and streamed',
    async (name) => {
      const provider = azure()
      const all = {
        web_search_preview: provider.tools.webSearchPreview({}),
        code_interpreter: provider.tools.codeInterpreter({}),
        file_search: provider.tools.fileSearch({ vectorStoreIds: ['vs_1'] }),
        image_generation: provider.tools.imageGeneration({}),
      }
      const options = {
        model: provider.responses('gpt-4.1'),
        prompt: input,
        tools: { [name]: all[name] } as never,
        toolChoice: { type: 'tool', toolName: name } as never,
      }
      const whole = await generateText(options)
      expect(whole.toolCalls).toMatchObject([{ toolName: name, providerExecuted: true }])
      expect(whole.toolResults).toMatchObject([{ toolName: name }])
      expect(whole.text).toMatch(/\w/)
      const stream = streamText(options)
      expect(await stream.text).toMatch(/\w/)
      // A partial image is a result as well.
      expect((await stream.toolResults).at(-1)).toMatchObject({ toolName: name })
    },
  )
})
