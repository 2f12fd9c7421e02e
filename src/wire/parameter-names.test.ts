import { describe, expect, it } from 'vitest'
import type { ApiForm } from './conversion.ts'
import { withCallersName } from './parameter-names.ts'

describe('withCallersName', () => {
  it.each<[ApiForm, ApiForm, string, object, string]>([
    ['responses', 'chat', 'max_output_tokens', { max_completion_tokens: 5 }, 'max_completion_tokens'],
    ['responses', 'chat', 'max_output_tokens', { max_tokens: 5 }, 'max_tokens'],
    ['responses', 'chat', 'reasoning.effort', { reasoning_effort: 'x' }, 'reasoning_effort'],
    ['responses', 'chat', 'text.format', { response_format: {} }, 'response_format'],
    [
      'responses',
      'chat',
      'text.format.schema',
      { response_format: {} },
      'response_format.json_schema.schema',
    ],
    ['responses', 'chat', 'input[2].content[0].text', { messages: [] }, 'messages'],
    ['responses', 'chat', 'tools[0].name', { functions: [] }, 'functions'],
    ['chat', 'responses', 'max_completion_tokens', { max_output_tokens: 5 }, 'max_output_tokens'],
    ['chat', 'responses', 'reasoning_effort', { reasoning: {} }, 'reasoning.effort'],
    ['chat', 'responses', 'messages[1].content', { input: 'Hi' }, 'input'],
    ['chat', 'responses', 'response_format.json_schema.schema', { text: {} }, 'text.format.schema'],
    ['chat', 'messages', 'max_completion_tokens', { max_tokens: 5 }, 'max_tokens'],
    ['chat', 'messages', 'stop', { stop_sequences: [] }, 'stop_sequences'],
    ['responses', 'messages', 'max_output_tokens', { max_tokens: 5 }, 'max_tokens'],
    ['messages', 'responses', 'max_tokens', { max_output_tokens: 5 }, 'max_output_tokens'],
  ])('names a parameter in an error of %s for a client of %s: %s', (from, to, param, body, name) => {
    const error = { code: 'invalid_value', message: `Invalid '${param}': too small.`, param }
    expect(withCallersName(error, { ...body }, from, to)).toEqual({
      code: 'invalid_value',
      message: `Invalid '${name}': too small.`,
      param: name,
    })
  })

  it.each<[ApiForm, string, object, string]>([
    ['chat', 'max_tokens: 90000 > 64000', { max_completion_tokens: 90_000 }, 'max_completion_tokens'],
    ['chat', 'messages.1.content.0.type: Expected', { messages: [] }, 'messages'],
    ['chat', 'thinking.enabled.budget_tokens: Input', { reasoning_effort: 'low' }, 'reasoning_effort'],
    ['responses', 'system: text content blocks', { input: 'Hi', instructions: ' ' }, 'input'],
  ])(
    'reads the name at the start of a message of Anthropic for a client of %s: %s',
    (to, message, body, name) => {
      const rest = message.slice(message.indexOf(':'))
      expect(withCallersName({ message }, { ...body }, 'messages', to)).toEqual({
        message: name + rest,
        param: name,
      })
    },
  )

  it('leaves an error that names no parameter of the request', () => {
    for (const error of [
      { message: 'Overloaded: try later' },
      { message: "Invalid 'model'.", param: 'model' },
      { message: "Invalid 'other'.", param: 'other' },
    ]) {
      expect(withCallersName(error, { model: 'a', input: 'Hi' }, 'chat', 'responses')).toEqual(error)
    }
  })
})
