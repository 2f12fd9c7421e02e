import { describe, expect, it } from 'vitest'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const functionOf = (name: string, fields: object = {}): object => ({
  type: 'function',
  name,
  description: `Description of ${name}`,
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  ...fields,
})
const deferred = { defer_loading: true }
const search = { type: 'tool_search' }
const crm = { type: 'namespace', name: 'crm', description: 'Customers', tools: [functionOf('find_customer')] }

interface ResponseBody {
  output: { type: string; name?: string; namespace?: string }[]
  tools: { type: string }[]
  usage: { input_tokens: number }
  prompt?: object
  error?: { message: string; param: string | null }
}

async function respond(fields: object, status = 200): Promise<ResponseBody> {
  const { post } = createTestSimulator()
  const response = await post(path, { model: 'gpt-5.4', input: 'Find customer 7.', ...fields })
  expect(response.status).toBe(status)
  return (await response.json()) as ResponseBody
}

async function callsOf(fields: object): Promise<ResponseBody['output']> {
  const { output } = await respond({ tool_choice: 'required', parallel_tool_calls: false, ...fields })
  return output.filter(({ type }) => type.endsWith('_call'))
}

describe('tool search in the Responses API', () => {
  it('is echoed with deferred tools and namespaces', async () => {
    const { tools } = await respond({ tools: [search, crm, functionOf('delete_customer', deferred)] })
    expect(tools).toMatchObject([search, crm, { name: 'delete_customer', ...deferred }])
  })

  it('calls a tool of a namespace with the namespace', async () => {
    expect(await callsOf({ tools: [crm] })).toMatchObject([
      { type: 'function_call', name: 'find_customer', namespace: 'crm' },
    ])
    const custom = { type: 'custom', name: 'query', ...deferred }
    const input = [
      { role: 'user', content: 'Find customer 7.' },
      {
        type: 'tool_search_output',
        call_id: null,
        execution: 'server',
        tools: [{ ...crm, tools: [custom] }],
      },
    ]
    expect(await callsOf({ tools: [search], input })).toMatchObject([
      { type: 'custom_tool_call', name: 'query', namespace: 'crm' },
    ])
  })

  it('calls a tool without a namespace as before', async () => {
    const [call] = await callsOf({ tools: [functionOf('find_order')] })
    expect(call).not.toHaveProperty('namespace')
  })

  it.each([
    [
      'a tool search',
      { type: 'tool_search_output', call_id: 'call_1', execution: 'client', status: 'completed' },
    ],
    ['the client', { type: 'additional_tools', role: 'developer' }],
  ])('calls deferred tools only after %s has loaded them', async (_, item) => {
    const find = functionOf('find_customer', deferred)
    const tools = [search, find]
    const output = (await respond({ tools, tool_choice: 'none' })).output
    expect(output.map(({ type }) => type)).toEqual(['message'])
    const input = [
      { role: 'user', content: 'Find customer 7.' },
      { type: 'tool_search_call', call_id: 'call_1', execution: 'client', arguments: { goal: 'find' } },
      { ...item, tools: [find] },
    ]
    expect(await callsOf({ tools, input })).toMatchObject([{ name: 'find_customer' }])
  })

  it('loads one deferred tool in the answer, and calls it with its name or namespace as the namespace', async () => {
    const find = functionOf('find_customer', deferred)
    const { output } = await respond({ tools: [search, find], tool_choice: 'required' })
    expect(output).toMatchObject([
      {
        type: 'tool_search_call',
        status: 'completed',
        arguments: { paths: ['find_customer'] },
        call_id: null,
      },
      {
        type: 'tool_search_output',
        status: 'completed',
        execution: 'server',
        tools: [{ ...find, strict: true }],
      },
      { type: 'function_call', name: 'find_customer', namespace: 'find_customer' },
    ])
    const hidden = { ...crm, tools: [find] }
    expect((await respond({ tools: [search, hidden], tool_choice: 'required' })).output).toMatchObject([
      { arguments: { paths: ['crm'] } },
      { tools: [{ type: 'namespace', name: 'crm' }] },
      { type: 'function_call', name: 'find_customer', namespace: 'crm' },
    ])
  })

  it('asks the client to search, once after a message of the user', async () => {
    const parameters = { type: 'object', properties: { goal: { type: 'string' } }, required: ['goal'] }
    const tools = [{ ...search, execution: 'client', parameters }]
    const { output } = await respond({ tools, tool_choice: 'required' })
    const call = { type: 'tool_search_call', status: 'completed', execution: 'client' }
    expect(output).toMatchObject([{ ...call, arguments: { goal: expect.any(String) as unknown } }])
    const [{ call_id: callId } = {}] = output as { call_id?: string }[]
    expect(callId).toMatch(/^call_/)
    const found = {
      type: 'tool_search_output',
      call_id: callId,
      execution: 'client',
      tools: [functionOf('f')],
    }
    const input = [{ role: 'user', content: 'Hello' }, ...output, found]
    expect(await callsOf({ tools, input })).toMatchObject([{ type: 'function_call', name: 'f' }])
  })

  it('counts the loaded tools, and not the deferred ones', async () => {
    const tokensOf = async (fields: object): Promise<number> => (await respond(fields)).usage.input_tokens
    const plain = await tokensOf({})
    const find = functionOf('find_customer', deferred)
    const user = { role: 'user', content: 'Find customer 7.' }
    expect(await tokensOf({ tools: [search, find] })).toBe(plain)
    expect(
      await tokensOf({ input: [user, { type: 'additional_tools', role: 'developer', tools: [find] }] }),
    ).toBe(await tokensOf({ tools: [functionOf('find_customer')] }))
  })

  it.each([
    [{ tools: [{ type: 'namespace', tools: [] }] }, 'tools[0].name'],
    [{ tools: [{ type: 'namespace', name: 'crm' }] }, 'tools[0].tools'],
    [{ tools: [{ ...crm, tools: [search] }] }, 'tools[0].tools[0].type'],
    [{ tools: [{ ...crm, tools: [{ type: 'function' }] }] }, 'tools[0].tools[0].name'],
    [{ tools: [functionOf('f', { defer_loading: 'yes' })] }, 'tools[0].defer_loading'],
    [{ input: [{ type: 'tool_search_output' }] }, 'input[0].tools'],
    [{ input: [{ type: 'additional_tools', role: 'user', tools: [] }] }, 'input[0].role'],
    [
      { input: [{ type: 'additional_tools', role: 'developer', tools: [{ type: 'function' }] }] },
      'input[0].tools[0].name',
    ],
  ])('rejects invalid tools: %j', async (fields, param) => {
    const { error } = await respond(fields, 400)
    expect(error?.param).toBe(param)
  })
})

describe('a stored prompt', () => {
  const prompt = { id: 'pmpt_1', version: '2', variables: { city: 'Paris' } }

  it('replaces the input, and is echoed', async () => {
    const answer = await respond({ input: undefined, prompt })
    expect(answer.prompt).toEqual(prompt)
    expect(answer.output.map(({ type }) => type)).toEqual(['message'])
  })

  it('can have an input, too', async () => {
    const { usage } = await respond({ prompt })
    expect(usage.input_tokens).toBe((await respond({})).usage.input_tokens)
  })

  it('can contain the word JSON', async () => {
    const { output } = await respond({ input: 'Answer.', prompt, text: { format: { type: 'json_object' } } })
    expect(output.map(({ type }) => type)).toEqual(['message'])
  })

  it('needs an id, and a request without it needs an input', async () => {
    expect((await respond({ prompt: {} }, 400)).error?.param).toBe('prompt.id')
    expect((await respond({ input: undefined }, 400)).error?.param).toBe('input')
    expect((await respond({ input: undefined, prompt: null }, 400)).error?.param).toBe('input')
  })
})
