import { describe, expect, it } from 'vitest'
import { configFileSchema } from '../../src/config/config-file-schema.ts'
import { createAdminApi } from '../../tests/support/admin-api.ts'
import { createTestSimulator } from '../../tests/support/test-simulator.ts'
import {
  type Field,
  fieldOf,
  hasForm,
  initialValue,
  isDefault,
  labelOf,
  rangeOf,
  type Schemas,
} from './schema-form.ts'

const document = await createAdminApi(createTestSimulator().app).document()
const schemas = document['components'].schemas as Schemas
const form = (name: string): Field => fieldOf(schemas[name], schemas)

/** Returns the member of a form by its path, through groups and the items of lists. */
function at(field: Field, ...path: string[]): Field {
  return path.reduce<Field>((node, key) => {
    const group = node.kind === 'list' ? node.item : node
    const member = group.kind === 'group' ? group.members.find((one) => one.key === key) : undefined
    if (!member) throw new Error(`${key} is not in the form.`)
    return member.field
  }, field)
}

/** All fields of a form. */
function* fieldsIn(field: Field): Generator<Field> {
  yield field
  if (field.kind === 'group') for (const member of field.members) yield* fieldsIn(member.field)
  if (field.kind === 'list') for (const place of field.places ?? [field.item]) yield* fieldsIn(place)
  if (field.kind === 'variants') for (const variant of field.variants) yield* fieldsIn(variant.field)
  if (field.kind === 'map') yield* fieldsIn(field.value)
}

const names = ['ConfigPatch', 'Deployment', 'ResourceEntry', 'Upstream', 'IncidentTimetable', 'FaultRule']

describe('a form from the schema of the simulator', () => {
  it.each(names)('%s has a field for each member of the schema, and none that is only JSON', (name) => {
    const field = form(name)
    const keys = field.kind === 'group' ? field.members.map(({ key }) => key) : []
    expect(keys).toEqual(Object.keys(schemas[name]?.['properties'] as object))
    const unknown = [...fieldsIn(field)].filter(({ kind }) => kind === 'json')
    expect(unknown).toEqual([])
  })

  it('has numbers with bounds, units and the meaning of an absent value', () => {
    expect(at(form('Deployment'), 'tokens_per_minute')).toEqual({
      kind: 'number',
      isInteger: true,
      min: 1,
      max: Infinity,
      absent: 'no limit',
      help: 'Limit of tokens per minute.',
    })
    expect(at(form('ConfigPatch'), 'body_limit_mb')).toMatchObject({
      min: 1,
      max: 1_024,
      unit: 'MB',
      absent: '32',
      range: 'an integer from 1 to 1024',
      help: 'Maximum size of a request body. Variable: BODY_LIMIT_MB.',
    })
    expect(at(form('IncidentTimetable'), 'phases', 'limits', 'factor')).toMatchObject({
      min: 0.01,
      max: 1_000,
    })
  })

  it('has choices, switches, texts and secrets', () => {
    expect(at(form('ConfigPatch'), 'simulator_mode')).toMatchObject({
      kind: 'choice',
      options: ['generate', 'record', 'replay', 'forward'],
      absent: 'generate',
    })
    expect(at(form('Deployment'), 'requests_slice_seconds')).toMatchObject({
      kind: 'choice',
      options: [1, 10, 60],
    })
    expect(at(form('ConfigPatch'), 'sim_headers')).toMatchObject({ kind: 'boolean' })
    expect(at(form('ConfigPatch'), 'region')).toMatchObject({ kind: 'text', isSecret: false })
    expect(at(form('Upstream'), 'key')).toMatchObject({ kind: 'text', isSecret: true })
    expect(at(form('Upstream'), 'client_secret')).toMatchObject({ kind: 'text', isSecret: true })
  })

  it('has each kind of fault and of distribution as a variant', () => {
    const fault = at(form('FaultRule'), 'fault')
    const titles = fault.kind === 'variants' ? fault.variants.map(({ title }) => title) : []
    const kinds = JSON.stringify(configFileSchema()).match(/"const":"(\w+)"/g)?.length ?? 0
    expect(titles.slice(0, 4)).toEqual(['a word', 'error', 'delay', 'stall'])
    expect(titles.length).toBeGreaterThan(12)
    expect(kinds).toBeGreaterThan(titles.length)
    const time = at(form('Deployment'), 'latency', 'first_token')
    expect(time.kind === 'variants' && time.variants.map(({ title }) => title)).toEqual([
      'a number',
      'constant',
      'normal',
      'lognormal',
      'gamma',
      'quantiles',
    ])
  })

  it.each([
    ['FaultRule', { probability: 0.1, fault: 'stall' }],
    ['Deployment', { model: '' }],
  ])('%s begins with its required members', (name, value) => {
    expect(initialValue(form(name))).toEqual(name === 'Deployment' ? {} : value)
  })

  it('begins each variant with a value of this variant', () => {
    const fields = names.flatMap((name) => Array.from(fieldsIn(form(name))))
    const variants = fields.flatMap((field) => (field.kind === 'variants' ? field.variants : []))
    expect(variants.length).toBeGreaterThan(20)
    expect(variants.filter(({ field }) => !hasForm(initialValue(field), field))).toEqual([])
  })

  it('finds the variant of a value', () => {
    const fault = at(form('FaultRule'), 'fault')
    const variants = fault.kind === 'variants' ? fault.variants : []
    const titleOf = (value: unknown) => variants.find(({ field }) => hasForm(value, field))?.title
    expect(titleOf('serverError')).toBe('a word')
    expect(titleOf({ kind: 'cut', after_share: 0.5 })).toBe('cut')
    expect(titleOf({ kind: 'none' })).toBeUndefined()
  })
})

describe('a slider', () => {
  it('is logarithmic for tokens per minute, from 1 to millions', () => {
    const field = at(form('Deployment'), 'tokens_per_minute')
    expect(field.kind === 'number' && rangeOf(field, 'tokens_per_minute')).toEqual({
      min: 1,
      max: 10_000_000,
      step: 1,
      scale: 'log',
    })
  })

  it('is linear for a share and for few values', () => {
    const share = at(form('FaultRule'), 'probability')
    expect(share.kind === 'number' && rangeOf(share, 'probability')).toMatchObject({
      max: 1,
      step: 0.01,
      scale: 'linear',
    })
  })
})

describe('a default', () => {
  it.each([
    ['api_version_check', true, true],
    ['api_version_check', false, false],
    ['body_limit_mb', 32, true],
    ['body_limit_mb', 33, false],
    ['region', 'East US 2', true],
  ])('of %s is known: %j', (key, value, expected) => {
    expect(isDefault(value, at(form('ConfigPatch'), key))).toBe(expected)
  })
})

describe('labels', () => {
  it.each([
    ['tokens_per_minute', 'Tokens per minute'],
    ['open_ai_chat_completions', 'OpenAI chat completions'],
    ['median_ms', 'Median (ms)'],
    ['body_limit_mb', 'Body limit (MB)'],
    ['api_version_check', 'API version check'],
    ['allow_undefined_openai_deployments', 'Allow undefined OpenAI deployments'],
  ])('%s is %s', (key, label) => {
    expect(labelOf(key)).toBe(label)
  })
})
