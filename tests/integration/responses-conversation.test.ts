import { describe, expect, it } from 'vitest'
import { createTestSimulator, type TestSettings } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const user = { role: 'user', content: 'What time is it?' }
const later = { role: 'user', content: 'And now?' }
const tools = [{ type: 'function', name: 'now', parameters: { type: 'object', properties: {} } }]

interface Item {
  readonly id: string
  readonly type: string
  readonly call_id?: string
  readonly encrypted_content?: string
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly id: string
    readonly output: readonly Item[]
    readonly error: { readonly message: string; readonly param: string | null; readonly code: string | null }
  }
}

interface Fault {
  readonly status: number
  readonly param: string | null
  readonly code: string | null
}

function startConversation(settings?: TestSettings, fields: object = {}) {
  const { post } = createTestSimulator(settings)
  const base = { model: 'gpt-5-mini', reasoning: { effort: 'low' }, ...fields }
  const send = async (request: object, at = path, headers = {}): Promise<Answer> => {
    const response = await post(at, { ...base, ...request }, headers)
    return { status: response.status, body: (await response.json()) as Answer['body'] }
  }
  /** An answer with reasoning and a message. */
  const answered = async (): Promise<[reasoning: Item, message: Item, id: string]> => {
    const { body } = await send({ input: [user] })
    const [reasoning, message] = body.output
    return [reasoning!, message!, body.id]
  }
  /** An answer with reasoning and a call, and the output of the call. */
  const called = async (): Promise<[reasoning: Item, call: Item, output: object]> => {
    const { body } = await send({ input: [user], tools, tool_choice: 'required' })
    const reasoning = body.output.find(({ type }) => type === 'reasoning')!
    const call = body.output.find(({ type }) => type === 'function_call')!
    return [reasoning, call, { type: 'function_call_output', call_id: call.call_id, output: 'noon' }]
  }
  const ask = async (input: readonly object[], more: object = {}): Promise<object> => {
    const { status, body } = await send({ input, ...more })
    return { status, error: body.error }
  }
  return { send, answered, called, ask }
}

const accepted = { status: 200, error: null }
const fault = (message: string, { status = 400, param = 'input', code = null }: Partial<Fault> = {}) => ({
  status,
  error: { message, type: 'invalid_request_error', param, code },
})

const reference = ({ id }: Item) => ({ type: 'item_reference', id })
const withoutId = (item: Item) => ({ ...item, id: undefined })

describe('reasoning in the input of a response', () => {
  it('is accepted with the item that follows it, as items and as references', async () => {
    const { answered, called, ask } = startConversation()
    const [reasoning, message] = await answered()
    expect(await ask([user, reasoning, message, later])).toEqual(accepted)
    expect(await ask([user, reference(reasoning), reference(message), later])).toEqual(accepted)
    const [thought, call, output] = await called()
    expect(await ask([user, thought, call, output])).toEqual(accepted)
    expect(await ask([user, reference(thought), reference(call), output, later])).toEqual(accepted)
  })

  it('is accepted before a call without an id, as the AI SDK sends it', async () => {
    const { called, ask } = startConversation()
    const [thought, call, output] = await called()
    expect(await ask([user, reference(thought), withoutId(call), output])).toEqual(accepted)
    expect(await ask([user, thought, withoutId(call), output, later])).toEqual(accepted)
  })

  it('is refused for a model that does not reason, also in the previous response', async () => {
    const { answered, ask } = startConversation()
    const [reasoning, message, id] = await answered()
    const model = { model: 'gpt-4.1', reasoning: undefined }
    const refused = fault(
      'Reasoning input items can only be provided to a reasoning or computer use model. Remove reasoning items from your input and try again.',
    )
    expect(await ask([user, reasoning, message, later], model)).toEqual(refused)
    expect(await ask([user, reference(reasoning), reference(message), later], model)).toEqual(refused)
    expect(await ask([later], { ...model, previous_response_id: id })).toEqual(refused)
    expect(await ask([user, withoutId(message), later], model)).toEqual(accepted)
    expect(await ask([user, reasoning, message, later], { model: 'gpt-5.5' })).toEqual(accepted)
  })

  it('is refused without its following item', async () => {
    const { answered, called, ask } = startConversation()
    const [reasoning, message] = await answered()
    const [thought, , output] = await called()
    const alone = (id: string) =>
      `Item '${id}' of type 'reasoning' was provided without its required following item.`
    expect(await ask([user, reasoning])).toEqual(fault(alone(reasoning.id)))
    expect(await ask([user, reasoning, later])).toEqual(fault(alone(reasoning.id)))
    expect(await ask([user, reference(reasoning), later])).toEqual(fault(alone(reasoning.id)))
    expect(await ask([user, reasoning, withoutId(message), later])).toEqual(fault(alone(reasoning.id)))
    expect(await ask([user, reasoning, thought, message, later])).toEqual(fault(alone(reasoning.id)))
    expect(await ask([user, thought, output])).toEqual(fault(alone(thought.id)))
  })

  it('is refused by reference without its following item if it was stored with encrypted content', async () => {
    const { answered, ask } = startConversation(undefined, {
      include: ['reasoning.encrypted_content'],
    })
    const [reasoning, message] = await answered()
    expect(await ask([user, reference(reasoning), withoutId(message), later])).toEqual(
      fault(`Item '${reasoning.id}' of type 'reasoning' was provided without its required following item.`),
    )
    expect(await ask([user, reasoning, withoutId(message), later])).toEqual(accepted)
  })

  it('is required by the items of its response that the service has stored', async () => {
    const { answered, called, ask } = startConversation()
    const [reasoning, message] = await answered()
    const [thought, call, output] = await called()
    const missing = ({ id, type }: Item, { id: needed }: Item) =>
      `Item '${id}' of type '${type}' was provided without its required 'reasoning' item: '${needed}'.`
    expect(await ask([user, message, later])).toEqual(fault(missing(message, reasoning)))
    expect(await ask([user, reference(message), later])).toEqual(fault(missing(message, reasoning)))
    expect(await ask([user, call, output])).toEqual(fault(missing(call, thought)))
    expect(await ask([user, reference(call), output])).toEqual(fault(missing(call, thought)))
  })

  it('is not required by items without an id, of other services, or that were not stored', async () => {
    const { answered, called, ask, send } = startConversation()
    const [, message] = await answered()
    const [, call, output] = await called()
    expect(await ask([user, withoutId(message), later])).toEqual(accepted)
    expect(await ask([user, withoutId(call), output])).toEqual(accepted)
    expect(await ask([user, { ...message, id: `msg_${'1'.repeat(50)}` }, later])).toEqual(accepted)
    const { body } = await send({ input: [user], store: false })
    expect(await ask([user, body.output[1]!, later])).toEqual(accepted)
  })

  it('is not required of models that do not reason', async () => {
    const { send, ask } = startConversation(undefined, { model: 'gpt-4o', reasoning: null })
    const { body } = await send({ input: [user] })
    expect(await ask([user, ...body.output, later])).toEqual(accepted)
  })

  it('is found by the previous response: its items must not be sent again', async () => {
    const { answered, ask } = startConversation()
    const [reasoning, message, id] = await answered()
    expect(await ask([later], { previous_response_id: id })).toEqual(accepted)
    const twice = (item: Item) =>
      `Duplicate item found with id ${item.id}. Remove duplicate items from your input and try again.`
    expect(await ask([message, later], { previous_response_id: id })).toEqual(fault(twice(message)))
    expect(await ask([user, reasoning, message, reasoning, later])).toEqual(fault(twice(reasoning)))
    expect(await ask([user, reasoning, message, reference(message)])).toEqual(fault(twice(message)))
    expect(
      await ask([
        { ...user, id: 'msg_1' },
        { ...later, id: 'msg_1' },
      ]),
    ).toEqual(
      fault('Duplicate item found with id msg_1. Remove duplicate items from your input and try again.'),
    )
  })

  it('is unknown by its id if it was not stored', async () => {
    const { send, ask } = startConversation()
    const { body } = await send({ input: [user], store: false })
    const [reasoning, message] = body.output
    expect(await ask([user, reasoning!, message!, later])).toEqual(
      fault(
        `Item with id '${reasoning!.id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
        { status: 404 },
      ),
    )
  })
})

describe('encrypted content in the input of a response', () => {
  const stateless = { store: false, include: ['reasoning.encrypted_content'] }

  it('is accepted if the simulator has issued it, also by another process', async () => {
    const { answered, called, ask } = startConversation(undefined, stateless)
    const [reasoning, message] = await answered()
    expect(await ask([user, reasoning, message, later])).toEqual(accepted)
    expect(await ask([user, withoutId(reasoning), withoutId(message), later])).toEqual(accepted)
    const [thought, call, output] = await called()
    expect(await ask([user, thought, call, output])).toEqual(accepted)
    const other = startConversation({ env: { SIMULATOR_SEED: 'another' } }, stateless)
    expect(await other.ask([user, reasoning, message, later])).toEqual(accepted)
    expect(await other.ask([user, thought, call, output])).toEqual(accepted)
  })

  it('is refused if another service has issued it', async () => {
    const { answered, ask } = startConversation(undefined, stateless)
    const [reasoning, message] = await answered()
    const code = { param: null, code: 'invalid_encrypted_content' }
    const reason = 'could not be verified. Reason: Encrypted content could not be decrypted or parsed.'
    const foreign = { type: 'reasoning', summary: [], encrypted_content: 'gAAAAnotmine=' }
    expect(await ask([user, foreign, later])).toEqual(
      fault(`The encrypted content gAAA...ine= ${reason}`, code),
    )
    const changed = { ...reasoning, encrypted_content: reasoning.encrypted_content?.replace(/.==$/, '!==') }
    expect(await ask([user, changed, message, later])).toEqual(
      fault(`The encrypted content for item ${reasoning.id} ${reason}`, code),
    )
    const summary = { type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAAother==' }
    expect(await ask([summary, later])).toEqual(fault(`The encrypted content for item cmp_1 ${reason}`, code))
  })

  it('is refused if another resource has issued it', async () => {
    const resources = { west: { deployments: { 'gpt-5-mini': { model: 'gpt-5-mini' } } } }
    const { answered, send } = startConversation({ resources }, stateless)
    const [reasoning, message] = await answered()
    const input = [user, reasoning, message, later]
    const { status, body } = await send({ input }, `/west${path}`, { 'api-key': 'west-key' })
    expect(status).toBe(400)
    expect(body.error.message).toContain('created under a different Azure OpenAI resource')
  })

  it('is accepted from every service with ENCRYPTED_CONTENT_CHECK=off', async () => {
    const { ask } = startConversation({ env: { ENCRYPTED_CONTENT_CHECK: 'off' } }, stateless)
    const foreign = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAAnotmine=' }
    const answer = { type: 'message', id: 'msg_1', role: 'assistant', content: 'noon' }
    expect(await ask([user, foreign, answer, later])).toEqual(accepted)
  })

  it('with an id is refused at the end of a turn, since nothing belongs to it', async () => {
    const { answered, ask } = startConversation(undefined, stateless)
    const [reasoning] = await answered()
    const alone = `Item '${reasoning.id}' of type 'reasoning' was provided without its required following item.`
    expect(await ask([user, reasoning, later])).toEqual(fault(alone))
    expect(await ask([user, reasoning])).toEqual(fault(alone))
    expect(await ask([user, withoutId(reasoning), later])).toEqual(accepted)
  })
})
