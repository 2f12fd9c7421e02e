import { describe, expect, it } from 'vitest'
import { echoedTool } from './response-object.ts'
import { writeJson } from './write-json.ts'

const echo = (tool: { type: string } & Record<string, unknown>): string =>
  writeJson(echoedTool(tool), 'compact')

describe('tool in a response', () => {
  it.each([
    [
      { type: 'function', name: 'f', parameters: { type: 'object' }, strict: false },
      '{"type":"function","description":null,"name":"f","parameters":{"type":"object"},"strict":false}',
    ],
    [
      { type: 'function', strict: null, name: 'f' },
      '{"type":"function","description":null,"name":"f","parameters":null,"strict":true}',
    ],
    [
      { type: 'web_search_preview_2025_03_11', user_location: { type: 'approximate', country: 'NL' } },
      '{"type":"web_search_preview_2025_03_11","search_content_types":["text"],"search_context_size":"medium","user_location":{"type":"approximate","city":null,"country":"NL","region":null,"timezone":null}}',
    ],
    [
      { type: 'file_search', vector_store_ids: ['vs_1'], ranking_options: { score_threshold: 1 } },
      '{"type":"file_search","filters":null,"max_num_results":20,"ranking_options":{"ranker":"auto","score_threshold":1.0},"vector_store_ids":["vs_1"]}',
    ],
    [{ type: 'local_shell' }, '{"type":"local_shell"}'],
  ])('has sorted fields and default values: %j', (tool, json) => {
    expect(echo(tool)).toBe(json)
  })

  it('does not contain secrets', () => {
    const json = echo({
      type: 'mcp',
      server_label: 'docs',
      authorization: 'secret-a',
      headers: { Authorization: 'secret-b' },
    })
    expect(json).not.toContain('secret')
    expect(json).toContain('"headers":{"Authorization":"<redacted>"}')
  })
})
