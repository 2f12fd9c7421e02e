import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateChat } from './validate-chat.ts'

const hello = { messages: [{ role: 'user', content: 'hello' }] }
const faultOf = (name: string, fields: object): unknown =>
  validateChat({ ...hello, ...fields }, findModel(name)!)

describe('parameters that depend on the family of the model', () => {
  it.each([
    ['o3-mini', { stop: [] }],
    ['o3-mini', { stop: ['Paris'] }],
    ['o1', { stop: 'Paris' }],
    ['gpt-5.4', { logprobs: true, top_logprobs: 2 }],
    ['gpt-5.1', { temperature: 0.2 }],
    ['gpt-5.6-sol', { temperature: 0.2, reasoning_effort: 'none' }],
  ])('are accepted, as by the service: %s %j', (name, fields) => {
    expect(faultOf(name, fields)).toBeUndefined()
  })

  it.each([
    ['o3', { stop: ['Paris'] }, 'stop'],
    ['o4-mini', { stop: [] }, 'stop'],
    ['gpt-5.4', { stop: 'Paris' }, 'stop'],
    ['gpt-5.4', { logprobs: true, reasoning_effort: 'low' }, 'logprobs'],
    ['gpt-5-mini', { logprobs: true }, 'logprobs'],
    ['gpt-5.6-sol', { temperature: 0.2 }, 'temperature'],
  ])('are rejected: %s %j', (name, fields, param) => {
    expect(faultOf(name, fields)).toMatchObject({ status: 400, param })
  })
})

describe('unknown members of tools', () => {
  const definition = { name: 'get_weather', parameters: { type: 'object', properties: {} } }
  const withMember = [{ type: 'function', function: { ...definition, requires_confirmation: true } }]
  const withName = [{ type: 'function', name: 'get_weather', function: definition }]

  it.each(['gpt-4o', 'gpt-4o-mini', 'gpt-35-turbo', 'o3-mini', 'gpt-5', 'gpt-5.4'])(
    'are ignored by %s',
    (name) => {
      expect(faultOf(name, { tools: withMember })).toBeUndefined()
      expect(faultOf(name, { tools: withName })).toBeUndefined()
    },
  )

  it('are rejected by gpt-5.6', () => {
    const none = { reasoning_effort: 'none' }
    expect(faultOf('gpt-5.6-terra', { ...none, tools: withMember })).toMatchObject({
      param: 'tools[0].function.requires_confirmation',
      code: 'unknown_parameter',
    })
    expect(faultOf('gpt-5.6-terra', { ...none, tools: withName })).toMatchObject({ param: 'tools[0].name' })
  })

  it('are rejected in functions', () => {
    const functions = [{ ...definition, requires_confirmation: true }]
    expect(faultOf('gpt-4o', { functions })).toMatchObject({ param: 'functions[0].requires_confirmation' })
  })
})
