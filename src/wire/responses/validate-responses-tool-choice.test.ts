import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateResponses } from './validate-responses.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const tools = [
  { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } },
  { type: 'custom', name: 'c' },
  { type: 'web_search' },
  { type: 'mcp', server_label: 'docs', server_url: 'https://example.com' },
  { type: 'namespace', name: 'crm', tools: [{ type: 'function', name: 'find' }] },
]
const allow = (...allowed: readonly object[]) => ({ type: 'allowed_tools', mode: 'auto', tools: allowed })

function errorOf(fragment: object): unknown {
  const error = validateResponses({ input: 'hi', ...fragment }, findModel('gpt-5.6-luna')!)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

const listed =
  "'code_interpreter', 'programmatic_tool_calling', 'function', 'namespace', 'tool_search', 'file_search', 'web_search_preview', 'computer_use_preview', 'mcp', 'image_generation', 'custom', and 'apply_patch'"

describe('tool_choice of the Responses API', () => {
  it.each([
    [
      { type: 'zzz' },
      'tool_choice.type',
      'invalid_value',
      `Invalid value: 'zzz'. Supported values are: ${listed}.`,
    ],
    [
      { type: 'auto' },
      'tool_choice.type',
      'invalid_value',
      `Invalid value: 'auto'. Supported values are: ${listed}.`,
    ],
    [{}, 'tool_choice.type', 'missing_required_parameter', "Missing required parameter: 'tool_choice.type'."],
    [
      { type: 'function' },
      'tool_choice.name',
      'missing_required_parameter',
      "Missing required parameter: 'tool_choice.name'.",
    ],
    [
      { type: 'mcp' },
      'tool_choice.server_label',
      'missing_required_parameter',
      "Missing required parameter: 'tool_choice.server_label'.",
    ],
    [
      { ...allow(), mode: 'none' },
      'tool_choice.mode',
      'invalid_value',
      "Invalid value: 'none'. Supported values are: 'auto' and 'required'.",
    ],
    [
      allow({}),
      'tool_choice.tools[0].type',
      'missing_required_parameter',
      "Missing required parameter: 'tool_choice.tools[0].type'.",
    ],
    [
      allow({ type: 'function', name: 'f' }, { type: 'zzz' }),
      'tool_choice.tools[1].type',
      'invalid_value',
      `Invalid value: 'zzz'. Supported values are: ${listed}.`,
    ],
  ])('is refused if it is malformed: %j', (choice, param, code, message) => {
    const expected = { message, type: 'invalid_request_error', param, code }
    expect(errorOf({ tools, tool_choice: choice })).toEqual(expected)
  })

  it.each([
    [{ type: 'function', name: 'nope' }, 'function'],
    [{ type: 'function', name: 'c' }, 'function'],
    [{ type: 'custom', name: 'f' }, 'custom'],
    [{ type: 'file_search' }, 'file_search'],
    [{ type: 'image_generation' }, 'image_generation'],
    [{ type: 'mcp', server_label: 'other' }, 'mcp'],
    [allow({ type: 'function', name: 'nope' }), 'nope'],
    [allow({ type: 'function', name: 'f' }, { type: 'code_interpreter' }), 'code_interpreter'],
  ])('is refused if it is not among the tools: %j', (choice, name) => {
    const expected = {
      message: `Tool choice '${name}' not found in 'tools' parameter.`,
      type: 'invalid_request_error',
      param: 'tool_choice',
      code: null,
    }
    expect(errorOf({ tools, tool_choice: choice })).toEqual(expected)
    expect(errorOf({ tool_choice: choice })).toMatchObject({ param: 'tool_choice', code: null })
  })

  it.each([{}, { tools: [] }, { tools: null }])('is refused as required without tools: %j', (fragment) => {
    expect(errorOf({ ...fragment, tool_choice: 'required' })).toEqual({
      message: "Tool choice 'required' must be specified with 'tools' parameter.",
      type: 'invalid_request_error',
      param: 'tool_choice',
      code: null,
    })
  })

  it.each([
    { tools: [], tool_choice: 'auto', parallel_tool_calls: true },
    { tool_choice: 'none', parallel_tool_calls: false },
    { tools, tool_choice: 'required' },
    { tools, tool_choice: { type: 'function', name: 'f' } },
    { tools, tool_choice: { type: 'function', name: 'find' } },
    { tools, tool_choice: { type: 'custom', name: 'c' } },
    { tools, tool_choice: { type: 'web_search_preview' } },
    { tools, tool_choice: { type: 'mcp', server_label: 'docs', name: 'search' } },
    { tools, tool_choice: allow({ type: 'function', name: 'f' }, { type: 'mcp', server_label: 'docs' }) },
    { prompt: { id: 'pmpt_1' }, tool_choice: { type: 'function', name: 'f' } },
    { input: [{ type: 'additional_tools', role: 'developer', tools }], tool_choice: 'required' },
  ])('is accepted: %j', (fragment) => {
    expect(errorOf(fragment)).toBeUndefined()
  })
})
