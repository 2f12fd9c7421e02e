import OpenAI from 'openai'
import type { Response as ModelResponse, ResponseInputItem } from 'openai/resources/responses/responses'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const model = 'gpt-4.1'
const input = 'Find the latest news about solar power.'
type Body = Readonly<Record<string, unknown>>
type Sent = Body & { readonly type: string }

const createClient = (headers: Record<string, string> = {}, env: Record<string, string> = {}): OpenAI => {
  const { app } = createTestSimulator({
    env: { SIMULATOR_SEED: 'hosted', TOOL_CALL_PROBABILITY: '0', ...env },
  })
  return new OpenAI({
    baseURL: 'http://simulator.test/openai/v1',
    apiKey: testKey,
    maxRetries: 0,
    defaultHeaders: headers,
    fetch: async (url, init) => app.request(new Request(url, init)),
  })
}

const respond = (body: Body, client = createClient()): Promise<ModelResponse> =>
  client.responses.create({ model, input, tool_choice: 'required', ...body } as never)

/** The types of the events of a stream, without `response.` and without repeated deltas, and the last response. */
async function streamOf(body: Body, client = createClient()) {
  const request = { model, input, tool_choice: 'required', stream: true, ...body }
  const stream = (await client.responses.create(request as never)) as unknown as AsyncIterable<Sent>
  const types: string[] = []
  const events: Sent[] = []
  for await (const event of stream) {
    events.push(event)
    const type = event.type.replace('response.', '')
    if (types.at(-1) !== type) types.push(type)
  }
  return { types, events, final: events.at(-1)?.['response'] as ModelResponse }
}

const typesOf = ({ output }: ModelResponse): string[] => output.map(({ type }) => type)
const itemEvents = (types: readonly string[]): readonly string[] =>
  types.slice(types.indexOf('output_item.added') + 1, types.indexOf('output_item.done'))

const mcp = { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.example.com' }
const computer = {
  type: 'computer_use_preview',
  display_width: 800,
  display_height: 600,
  environment: 'browser',
}

/** A tool, the items of its answer, and the events of its first item between the first and the last one. */
const cases: readonly (readonly [Body, readonly string[], readonly string[], Body?])[] = [
  [
    { type: 'web_search_preview' },
    ['web_search_call', 'message'],
    ['web_search_call.in_progress', 'web_search_call.searching', 'web_search_call.completed'],
  ],
  [
    { type: 'web_search', search_context_size: 'low' },
    ['web_search_call', 'message'],
    ['web_search_call.in_progress', 'web_search_call.searching', 'web_search_call.completed'],
  ],
  [
    { type: 'file_search', vector_store_ids: ['vs_1'] },
    ['file_search_call', 'message'],
    ['file_search_call.in_progress', 'file_search_call.searching', 'file_search_call.completed'],
  ],
  [
    { type: 'code_interpreter', container: { type: 'auto' } },
    ['code_interpreter_call', 'message'],
    [
      'code_interpreter_call.in_progress',
      'code_interpreter_call_code.delta',
      'code_interpreter_call_code.done',
      'code_interpreter_call.interpreting',
      'code_interpreter_call.completed',
    ],
  ],
  [
    { type: 'image_generation', partial_images: 2 },
    ['image_generation_call', 'message'],
    [
      'image_generation_call.in_progress',
      'image_generation_call.generating',
      'image_generation_call.partial_image',
      'image_generation_call.completed',
    ],
  ],
  [
    { ...mcp, require_approval: 'never' },
    ['mcp_list_tools', 'mcp_call', 'message'],
    ['mcp_list_tools.in_progress', 'mcp_list_tools.completed'],
  ],
  [
    mcp,
    ['mcp_list_tools', 'mcp_approval_request'],
    ['mcp_list_tools.in_progress', 'mcp_list_tools.completed'],
  ],
  [computer, ['computer_call'], [], { truncation: 'auto' }],
  [{ type: 'computer' }, ['computer_call'], []],
  [
    { type: 'shell' },
    ['shell_call'],
    ['shell_call_command.added', 'shell_call_command.delta', 'shell_call_command.done'],
    { model: 'gpt-5.2', reasoning: { effort: 'none' } },
  ],
  [
    { type: 'shell', environment: { type: 'container_auto' } },
    ['shell_call', 'shell_call_output', 'message'],
    ['shell_call_command.added', 'shell_call_command.delta', 'shell_call_command.done'],
    { model: 'gpt-5.2', reasoning: { effort: 'none' } },
  ],
  [
    { type: 'apply_patch' },
    ['apply_patch_call'],
    ['apply_patch_call_operation_diff.delta', 'apply_patch_call_operation_diff.done'],
    { model: 'gpt-5.2', reasoning: { effort: 'none' } },
  ],
  [{ type: 'local_shell' }, ['reasoning', 'local_shell_call'], [], { model: 'codex-mini' }],
]

describe.each(cases.map(([tool, items, events, more]) => ({ tool, items, events, more })))(
  'the tool $tool.type ($tool)',
  ({ tool, items, events, more = {} }) => {
    const body = { tools: [tool], ...more }

    it('makes its items in an answer that requires a tool', async () => {
      const whole = await respond(body)
      expect(typesOf(whole)).toEqual(items)
      expect(whole.status).toBe('completed')
      const named = { type: tool['type'], ...(tool['type'] === 'mcp' && { server_label: 'docs' }) }
      expect(typesOf(await respond({ ...body, tool_choice: named }))).toEqual(items)
      const allowed = { type: 'allowed_tools', mode: 'required', tools: [named] }
      expect(typesOf(await respond({ ...body, tool_choice: allowed }))).toEqual(items)
    })

    it('has its events in a stream, and the same items at the end', async () => {
      const { types, final, events: sent } = await streamOf(body)
      expect(typesOf(final)).toEqual(items)
      expect(itemEvents(types)).toEqual(events)
      expect(sent.map((event) => event['sequence_number'])).toEqual(sent.map((_, index) => index))
      const done = sent
        .filter(({ type }) => type === 'response.output_item.done')
        .map((event) => event['item'])
      expect(done).toEqual(final.output)
    })

    it('is stored, accepted in the next turn, and the same for the same seed', async () => {
      const client = createClient()
      const made = await respond(body, client)
      expect((await client.responses.retrieve(made.id)).output).toEqual(made.output)
      expect((await respond(body)).output).toEqual(made.output)
      const answers = made.output.flatMap((item): ResponseInputItem[] => {
        if (item.type === 'computer_call') {
          const output = { type: 'computer_screenshot', image_url: 'data:image/png;base64,AA==' } as const
          return [{ type: 'computer_call_output', call_id: item.call_id, output }]
        }
        if (item.type === 'mcp_approval_request') {
          return [{ type: 'mcp_approval_response', approval_request_id: item.id, approve: true }]
        }
        if (item.type === 'shell_call' && items.length === 1) {
          const outcome = { type: 'exit', exit_code: 0 } as const
          const output = [{ outcome, stdout: 'ok', stderr: '' }]
          return [{ type: 'shell_call_output', call_id: item.call_id, output }]
        }
        if (item.type === 'apply_patch_call') {
          return [{ type: 'apply_patch_call_output', call_id: item.call_id, status: 'completed' }]
        }
        return item.type === 'local_shell_call'
          ? [{ type: 'local_shell_call_output', id: item.call_id, output: 'ok' }]
          : []
      })
      const next = answers.length > 0 ? answers : [{ role: 'user', content: 'Thanks' }]
      const turn = { ...body, tool_choice: 'auto', input: next, previous_response_id: made.id }
      expect(typesOf(await respond(turn, client)).at(-1)).toBe('message')
      const sent = [{ role: 'user', content: input }, ...made.output, ...next]
      expect(typesOf(await respond({ ...body, tool_choice: 'auto', input: sent }, client)).at(-1)).toBe(
        'message',
      )
    })

    it('is not called with tool_choice none, and drawn by TOOL_CALL_PROBABILITY with auto', async () => {
      const called = items.filter((type) => !['message', 'mcp_list_tools', 'reasoning'].includes(type))
      const callsOf = (response: ModelResponse) => typesOf(response).filter((type) => called.includes(type))
      expect(callsOf(await respond({ ...body, tool_choice: 'none' }))).toEqual([])
      expect(callsOf(await respond({ ...body, tool_choice: 'auto' }))).toEqual([])
      const eager = createClient({}, { TOOL_CALL_PROBABILITY: '1' })
      expect(callsOf(await respond({ ...body, tool_choice: 'auto' }, eager))).toEqual(called)
    })
  },
)
