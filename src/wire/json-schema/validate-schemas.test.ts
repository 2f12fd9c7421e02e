import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../tests/support/machine-speed.ts'
import { findModel } from '../models/model-catalogue.ts'
import { chatSchemasAreValid, responsesSchemasAreValid } from './validate-schemas.ts'

const text = { type: 'string' }

describe('the rule for schemas', () => {
  const parameters = { type: 'object', properties: { a: { type: 'array' } } }
  const model = findModel('gpt-4o')!
  const xai = { ...model, provider: 'xai' } as const

  it('applies to tools that items load', () => {
    for (const type of ['additional_tools', 'tool_search_output']) {
      const input = [
        { role: 'user', content: 'Hi' },
        { type, tools: [{ type: 'function', name: 'f', parameters }] },
      ]
      const fault = responsesSchemasAreValid({ input }, model)
      expect(fault?.param?.('')).toBe('input[1].tools[0].parameters')
    }
  })

  it('does not apply to models of other providers', () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters } }]
    expect(chatSchemasAreValid({ tools }, model)).toBeDefined()
    expect(chatSchemasAreValid({ tools }, xai)).toBeUndefined()
    expect(
      responsesSchemasAreValid({ tools: [{ type: 'function', name: 'f', parameters }] }, xai),
    ).toBeUndefined()
  })

  it('costs little for tools that are repeated in other bodies', async () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, text]))
    const json = JSON.stringify([
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties } } },
    ])
    const bodies = Array.from({ length: 200 }, () => ({ tools: JSON.parse(json) as unknown }))
    const check = (): unknown[] => bodies.map((body) => chatSchemasAreValid(body, model))
    expect(check().every((fault) => fault === undefined)).toBe(true)
    expect(await leastMs(20, check)).toBeLessThan(20)
  })
})
