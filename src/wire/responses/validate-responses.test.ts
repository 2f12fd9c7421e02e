import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateResponses } from './validate-responses.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const older = findModel('gpt-4o')!
const thinking = findModel('gpt-5')!

function errorOf(body: unknown, model = older): unknown {
  const error = validateResponses(body, model)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

const fault = (param: string | null, code: string | null, message: string) => ({
  message,
  type: 'invalid_request_error',
  param,
  code,
})

const message = (content: unknown, role = 'user') => ({ role, content })
const itemTypes =
  "'additional_tools', 'apply_patch_call', 'apply_patch_call_output', 'code_interpreter_call', 'compaction', 'compaction_trigger', 'computer_call', 'computer_call_output', 'custom_tool_call', 'custom_tool_call_output', 'file_search_call', 'function_call', 'function_call_output', 'image_generation_call', 'item_reference', 'local_shell_call', 'local_shell_call_output', 'mcp_approval_request', 'mcp_approval_response', 'mcp_call', 'mcp_list_tools', 'message', 'program', 'program_output', 'reasoning', 'shell_call', 'shell_call_output', 'tool_search_call', 'tool_search_output', and 'web_search_call'"

describe('body of a Responses request', () => {
  it.each([
    { input: 'hi' },
    { input: [message('hi')] },
    { input: [message([{ type: 'input_text', text: 'hi' }]), { type: 'item_reference', id: 'msg_1' }] },
    { input: [message([{ type: 'output_text', text: 'hi', annotations: [] }], 'assistant')] },
    { input: [{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }] }] },
    { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null, content: [] }] },
    {
      input: 'hi',
      tools: [{ type: 'web_search_preview' }, { type: 'mcp', server_label: 'x', server_url: 'x' }],
    },
    { input: 'hi', tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search_preview' } },
    {
      input: 'hi',
      text: {
        format: { type: 'json_schema', name: 'x', schema: { type: 'object', properties: {} }, strict: false },
      },
    },
    { input: 'hi', instructions: null, metadata: null, tools: [], reasoning: null, stream_options: null },
    { input: '', max_output_tokens: 16, temperature: 0, top_p: 0.5, background: true, store: true },
    { input: [message('Answer in JSON.')], text: { format: { type: 'json_object' } } },
    {
      input: [{ type: 'reasoning', summary: [] }, message([{ type: 'input_text', text: 'json, please' }])],
      text: { format: { type: 'json_object' } },
    },
    { input: [message('no')], previous_response_id: 'resp_1', text: { format: { type: 'json_object' } } },
    { input: 'x', stream: true, stream_options: { include_obfuscation: false } },
  ])('is accepted: %j', (body) => {
    expect(errorOf(body)).toBeUndefined()
  })

  it.each([
    [{}, 'input', 'missing_required_parameter', "Missing required parameter: 'input'."],
    [
      { input: 7 },
      'input',
      'invalid_type',
      "Invalid type for 'input': expected one of a string or array of objects, but got an integer instead.",
    ],
    [
      { input: ['x'] },
      'input[0]',
      'invalid_type',
      "Invalid type for 'input[0]': expected an object, but got a string instead.",
    ],
    [
      { input: [{ type: 'tool' }] },
      'input[0]',
      'invalid_value',
      `Invalid value: 'tool'. Supported values are: ${itemTypes}.`,
    ],
    [
      { input: [message('x'), message('x', 'tool')] },
      'input[1]',
      'invalid_value',
      "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
    ],
    [
      { input: [{ role: 'user' }] },
      'input[0].content',
      'missing_required_parameter',
      "Missing required parameter: 'input[0].content'.",
    ],
    [
      { input: [message([{ type: 'text', text: 'x' }])] },
      'input[0].content[0]',
      'invalid_value',
      "Invalid value: 'text'. Supported values are: 'input_text', 'input_image', 'output_text', 'refusal', 'input_file', 'computer_screenshot', and 'summary_text'.",
    ],
    [
      { input: [message([{ type: 'input_text', text: 'x' }], 'assistant')] },
      'input[0].content[0]',
      'invalid_value',
      "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
    ],
    [
      { input: [{ type: 'function_call', id: 'call_1', call_id: 'c', name: 'f', arguments: '' }] },
      'input[0].id',
      'invalid_value',
      "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
    ],
    [{ input: 'x', n: 2 }, 'n', 'unknown_parameter', "Unknown parameter: 'n'."],
    [
      { input: 'x', max_output_tokens: 1 },
      'max_output_tokens',
      'integer_below_min_value',
      "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 1 instead.",
    ],
    [
      { input: 'x', tools: [{ type: 'function', function: { name: 'f' } }] },
      'tools[0].name',
      'missing_required_parameter',
      "Missing required parameter: 'tools[0].name'.",
    ],
    [
      { input: 'x', text: { format: { type: 'json_schema', name: 'x' } } },
      'text.format.schema',
      'missing_required_parameter',
      "Missing required parameter: 'text.format.schema'.",
    ],
    [
      { input: 'x', text: { format: { type: 'json_object' } } },
      'input',
      null,
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
    ],
    [
      { input: 'x', previous_response_id: 'abc' },
      'previous_response_id',
      'invalid_value',
      "Invalid 'previous_response_id': 'abc'. Expected an ID that begins with 'resp'.",
    ],
    [
      { input: 'x', reasoning: { effort: 'low' } },
      'reasoning.effort',
      'unsupported_parameter',
      "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
    ],
    [
      {
        input: [
          message('Answer in XML.'),
          message([{ type: 'input_image', image_url: 'https://example.com/json' }]),
        ],
        text: { format: { type: 'json_object' } },
      },
      'input',
      null,
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
    ],
    [
      { input: 'x', stream_options: { include_obfuscation: false } },
      'stream_options',
      null,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    ],
    [
      { input: [{ type: 7 }] },
      'input[0].type',
      'invalid_type',
      `Invalid type for 'input[0].type': expected one of ${itemTypes.replace(', and ', ', or ')}, but got an integer instead.`,
    ],
    [
      { input: [{ content: 'x' }] },
      'input[0].role',
      'missing_required_parameter',
      "Missing required parameter: 'input[0].role'.",
    ],
    [
      { input: [{ role: 7, content: 'x' }] },
      'input[0].role',
      'invalid_type',
      "Invalid type for 'input[0].role': expected one of 'assistant', 'system', 'developer', or 'user', but got an integer instead.",
    ],
    [
      { input: [message(['x'])] },
      'input[0].content[0]',
      'invalid_type',
      "Invalid type for 'input[0].content[0]': expected an object, but got a string instead.",
    ],
    [
      { input: [message([{ text: 'x' }])] },
      'input[0].content[0].type',
      'missing_required_parameter',
      "Missing required parameter: 'input[0].content[0].type'.",
    ],
    [
      { input: [message([{ type: null, text: 'x' }], 'assistant')] },
      'input[0].content[0].type',
      'invalid_type',
      "Invalid type for 'input[0].content[0].type': expected one of 'output_text' or 'refusal', but got null instead.",
    ],
    [
      { input: 'x', tools: ['x'] },
      'tools[0]',
      'invalid_type',
      "Invalid type for 'tools[0]': expected an object, but got a string instead.",
    ],
  ])('is rejected: %j', (body, param, code, text) => {
    expect(errorOf(body)).toEqual(fault(param, code, text))
  })

  it('is rejected for a reasoning model with an unsupported effort or with sampling', () => {
    expect(errorOf({ input: 'x', reasoning: { effort: 'xhigh' } }, thinking)).toEqual(
      fault(
        'reasoning.effort',
        'unsupported_value',
        "Unsupported value: 'xhigh' is not supported with the 'gpt-5' model. Supported values are: 'minimal', 'low', 'medium', and 'high'.",
      ),
    )
    expect(errorOf({ input: 'x', temperature: 0.5 }, thinking)).toEqual(
      fault('temperature', null, "Unsupported parameter: 'temperature' is not supported with this model."),
    )
    expect(errorOf({ input: 'x', top_p: 0.5 }, thinking)).toEqual(
      fault('top_p', null, "Unsupported parameter: 'top_p' is not supported with this model."),
    )
    expect(errorOf({ input: 'x', top_logprobs: 2 }, thinking)).toEqual(
      fault('top_logprobs', null, "Unsupported parameter: 'top_logprobs' is not supported with this model."),
    )
    expect(errorOf({ input: 'x', temperature: 1, reasoning: { effort: 'low' } }, thinking)).toBeUndefined()
    expect(errorOf({ input: 'x', temperature: 0.5 }, findModel('gpt-5.4'))).toBeUndefined()
  })

  it('is rejected if it is nested too deeply', () => {
    const deep = `{"input":"x","tools":[{"type":"function","name":"f","parameters":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}]}`
    expect(validateResponses(JSON.parse(deep), older)).toMatchObject({ status: 400 })
  })

  it.each([null, [], 'x', 7, true])('must not be %j', (body) => {
    expect(validateResponses(body, older)).toMatchObject({ status: 400 })
  })
})
