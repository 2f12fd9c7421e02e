import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../tokens/encoding.ts'
import { findModel } from '../models/model-catalogue.ts'
import { countResponsesInput } from './responses-request.ts'
import type { ResponsesItem } from './responses-item.ts'
import { chatMessagesOf, chatRequestOf } from './responses-to-chat.ts'

const user = (content: string): ResponsesItem => ({ type: 'message', role: 'user', content })
const instructions = 'You are a helpful assistant.'

describe('Responses request as a chat request', () => {
  // Usage of OpenAI's API in recordings of openllmetry and opentelemetry-python-contrib.
  it.each([
    ['gpt-4o-mini', 22, { instructions }, [user('Say this is a test')]],
    ['gpt-4o-mini', 20, { instructions }, [user('Say hi.')]],
    ['gpt-4.1-nano', 14, {}, [user('What is the capital of France?')]],
    ['gpt-5-nano', 11, { reasoning: { effort: 'low' } }, [user("Count r's in strawberry")]],
    [
      'gpt-4.1-nano',
      40,
      {},
      [
        user('Come up with an adjective in English. Respond with just one word.'),
        { role: 'assistant', content: [{ type: 'output_text', text: 'Luminous' }] },
        user('Can you explain why you chose that word?'),
      ] satisfies ResponsesItem[],
    ],
  ])('for %s counts the billed %i tokens', (name, billed, request, items) => {
    const model = findModel(name)!
    const tokens = countResponsesInput({ input: items, ...request }, model, loadEncoding(model.encoding))
    expect(tokens).toBe(billed)
  })

  it('has one message for consecutive calls, and one for each output', () => {
    const call = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' }) as const
    const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: 'x' }) as const
    const items = [user('go'), call('a'), call('b'), output('a'), output('b'), call('c'), output('c')]
    const messages = chatMessagesOf(items)
    expect(messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
      'tool',
    ])
    expect(messages[1]?.tool_calls?.map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('omits reasoning and tools that the service executes', () => {
    const items: ResponsesItem[] = [{ type: 'reasoning', id: 'rs_1', summary: [] }, user('hi')]
    const chat = chatRequestOf({ input: items, tools: [{ type: 'web_search' }] }, items)
    expect(chat.messages).toEqual([{ role: 'user', content: 'hi' }])
    expect(chat.tools).toBeUndefined()
  })
})
