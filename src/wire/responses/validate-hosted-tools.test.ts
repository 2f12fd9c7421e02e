import { describe, expect, it } from 'vitest'
import { errorBody } from '../../../tests/support/error-body.ts'
import { findModel } from '../models/model-catalogue.ts'
import { validateResponses } from './validate-responses.ts'

function errorOf(tools: readonly object[], more: object = {}, model = 'gpt-4.1'): unknown {
  const error = validateResponses({ input: 'hi', tools, ...more }, findModel(model)!)
  return error && (JSON.parse(errorBody(error)) as { error: unknown }).error
}

const computer = {
  type: 'computer_use_preview',
  display_width: 1024,
  display_height: 768,
  environment: 'browser',
}
const mcp = { type: 'mcp', server_label: 's', server_url: 'https://example.com' }
const search = { type: 'file_search', vector_store_ids: ['vs_1'] }

describe('hosted tools of a Responses request', () => {
  it.each([
    { type: 'web_search', filters: { allowed_domains: ['example.com'] }, search_context_size: 'low' },
    { type: 'web_search_preview', user_location: { type: 'approximate', city: 'Paris' } },
    { type: 'web_search_preview_2025_03_11', search_content_types: ['text'] },
    {
      ...search,
      max_num_results: 50,
      ranking_options: { ranker: 'auto', score_threshold: 0.5 },
      filters: null,
    },
    { type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } },
    { type: 'code_interpreter', container: 'cntr_1' },
    { type: 'image_generation', size: '1024x1536', quality: 'low', partial_images: 3, model: 'gpt-image-1' },
    { ...mcp, require_approval: 'never', allowed_tools: ['f'], headers: { authorization: 'x' } },
    { ...mcp, require_approval: { never: { tool_names: ['f'] } }, allowed_tools: { tool_names: ['f'] } },
    { type: 'mcp', server_label: 's', connector_id: 'connector_gmail' },
    { type: 'computer' },
    { type: 'tool_search', execution: 'client', parameters: { type: 'object' } },
    { type: 'web_search', of_the_future: true },
  ])('are valid: %j', (tool) => {
    expect(errorOf([tool])).toBeUndefined()
  })

  it.each([
    [{ type: 'web_search', search_context_size: 'huge' }, 'tools[0].search_context_size', 'invalid_value'],
    [
      { type: 'web_search', filters: { allowed_domains: 'x' } },
      'tools[0].filters.allowed_domains',
      'invalid_type',
    ],
    [
      { type: 'web_search_preview', user_location: { type: 'exact' } },
      'tools[0].user_location.type',
      'invalid_value',
    ],
    [{ type: 'file_search' }, 'tools[0].vector_store_ids', 'missing_required_parameter'],
    [{ ...search, vector_store_ids: [] }, 'tools[0].vector_store_ids', 'empty_array'],
    [{ ...search, vector_store_ids: ['store'] }, 'tools[0].vector_store_ids[0]', 'invalid_value'],
    [{ ...search, max_num_results: 51 }, 'tools[0].max_num_results', 'integer_above_max_value'],
    [{ type: 'code_interpreter' }, 'tools[0].container', 'missing_required_parameter'],
    [{ type: 'code_interpreter', container: {} }, 'tools[0].container.type', 'missing_required_parameter'],
    [{ type: 'code_interpreter', container: 'box' }, 'tools[0].container', 'invalid_value'],
    [{ type: 'image_generation', quality: 'best' }, 'tools[0].quality', 'invalid_value'],
    [{ type: 'image_generation', size: '1x1' }, 'tools[0].size', 'invalid_value'],
    [{ type: 'image_generation', partial_images: 4 }, 'tools[0].partial_images', 'integer_above_max_value'],
    [
      { type: 'mcp', server_url: 'https://example.com' },
      'tools[0].server_label',
      'missing_required_parameter',
    ],
    [{ ...mcp, require_approval: 'sometimes' }, 'tools[0].require_approval', 'invalid_value'],
    [{ ...mcp, allowed_tools: 'f' }, 'tools[0].allowed_tools', 'invalid_type'],
    [{ ...computer, display_width: 0 }, 'tools[0].display_width', 'integer_below_min_value'],
    [{ ...computer, environment: undefined }, 'tools[0].environment', 'missing_required_parameter'],
    [{ type: 'tool_search', execution: 'nowhere' }, 'tools[0].execution', 'invalid_value'],
  ])('are rejected with the path of the option: %j', (tool, param, code) => {
    expect(errorOf([tool], { truncation: 'auto' })).toMatchObject({
      param,
      code,
      type: 'invalid_request_error',
    })
  })

  it('need an address for a remote server', () => {
    expect(errorOf([{ type: 'mcp', server_label: 's' }])).toEqual({
      message:
        "Missing mutually exclusive parameters: 'tools[0]'. Ensure you are providing exactly one of: 'server_url', 'connector_id', or 'tunnel_id'.",
      type: 'invalid_request_error',
      param: 'tools[0]',
      code: 'missing_mutually_exclusive_parameters',
    })
  })

  it.each([
    ['shell', 'gpt-4o-mini', false],
    ['shell', 'gpt-5', false],
    ['shell', 'gpt-5.2', true],
    ['apply_patch', 'o3', false],
    ['apply_patch', 'gpt-5.1', true],
    ['local_shell', 'gpt-4.1', false],
    ['local_shell', 'codex-mini', true],
    ['programmatic_tool_calling', 'gpt-5.6-sol', false],
  ])('depend on the model: %s on %s', (type, model, isSupported) => {
    const { versionedName } = findModel(model)!
    const message = `Tool '${type}' is not supported with ${versionedName}.`
    expect(errorOf([{ type }], {}, model)).toEqual(
      isSupported ? undefined : { message, type: 'invalid_request_error', param: 'tools', code: null },
    )
  })

  it('need truncation for computer_use_preview', () => {
    expect(errorOf([computer])).toMatchObject({ param: 'truncation' })
    expect(errorOf([computer], { truncation: 'auto' })).toBeUndefined()
  })
})

describe('answers to hosted calls in the input', () => {
  const approval = { type: 'mcp_approval_response', approval_request_id: 'mcpr_1', approve: true }
  const screenshot = { type: 'computer_screenshot', image_url: 'https://example.com/a.png' }
  const shown = { type: 'computer_call_output', call_id: 'call_1', output: screenshot }

  it.each([
    approval,
    shown,
    {
      type: 'shell_call_output',
      call_id: 'call_1',
      output: [{ outcome: { type: 'timeout' }, stdout: '', stderr: '' }],
    },
    { type: 'apply_patch_call_output', call_id: 'call_1', status: 'failed', output: 'No such file' },
    { type: 'local_shell_call_output', id: 'call_1', output: 'ok' },
  ])('are valid: %j', (item) => {
    expect(errorOf([], { input: [item] })).toBeUndefined()
  })

  it.each([
    [{ ...approval, approve: 'yes' }, 'input[0].approve'],
    [{ ...approval, approval_request_id: undefined }, 'input[0].approval_request_id'],
    [{ ...shown, call_id: undefined }, 'input[0].call_id'],
    [{ ...shown, output: 'x' }, 'input[0].output'],
    [{ type: 'shell_call_output', call_id: 'call_1' }, 'input[0].output'],
    [{ type: 'apply_patch_call_output', call_id: 'call_1', status: 'done' }, 'input[0].status'],
  ])('need their fields: %j', (item, param) => {
    expect(errorOf([], { input: [item] })).toMatchObject({ param })
  })
})
