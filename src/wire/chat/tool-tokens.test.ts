import { describe, expect, it } from 'vitest'
import { typeOf, renderFormat, renderTools } from './tool-tokens.ts'

describe('renderTools', () => {
  it('renders functions as a TypeScript namespace, with titles and descriptions as comments', () => {
    const parameters = {
      type: 'object',
      title: 'weather_args',
      properties: {
        city: { type: 'string', title: 'City', description: 'A name,\nor a code' },
        unit: { type: 'string', enum: ['c', 'f'], default: 'c' },
      },
      required: ['city'],
      additionalProperties: false,
    }
    const tools = [{ name: 'weather', description: 'Tells the weather ', parameters }, { name: 'ping' }]
    expect(renderTools(tools)).toBe(`# Tools

## functions

namespace functions {

// Tells the weather
type weather = (_: // weather_args
{
// City
// A name,
// or a code
city: string,
unit?: "c" | "f", // default: c
}) => any;

type ping = () => any;

} // namespace functions`)
  })
})

describe('typeOf', () => {
  it.each([
    [
      { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'number' } } },
      '{ a?: number, b?: number }',
    ],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array' }, 'any[]'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ anyOf: [{ type: 'boolean' }, { const: 'x' }] }, 'boolean | "x"'],
    [{ enum: [-1, 1] }, '-1 | 1'],
    [{ type: 'object' }, 'object'],
    [{}, 'any'],
    ['nonsense', 'any'],
  ])('renders %j as %s', (schema, type) => {
    expect(typeOf(schema)).toBe(type)
  })

  it('renders deep levels of a schema as any', () => {
    const schema: Record<string, unknown> = { type: 'array' }
    schema['items'] = schema
    expect(typeOf(schema)).toMatch(/^any(\[\])+$/)
  })
})

describe('renderFormat', () => {
  it('omits keywords that only make the schema strict', () => {
    const schema = {
      type: 'object',
      properties: { required: { type: 'string' } },
      required: ['required'],
      additionalProperties: false,
    }
    expect(renderFormat({ name: 'Answer', description: 'An answer.', schema })).toBe(
      '# Response Formats\n\n## Answer\n\n// An answer.\n{"type":"object","properties":{"required":{"type":"string"}}}',
    )
  })
})
