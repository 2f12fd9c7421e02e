import { describe, expect, it } from 'vitest'
import { filesInMemory } from '../../tests/support/files-in-memory.ts'
import { canJoin, joinPatches, mergePatch, patchInputs } from './patches.ts'
import { readInputs } from './read-inputs.ts'

const { inputs } = readInputs({
  flags: {},
  env: { SIMULATOR_REGION: 'West US' },
  workingDirectory: '/',
  readFile: filesInMemory(),
})
const problemsOf = (patch: unknown) => patchInputs(inputs, patch).problems
const givenBy = (patch: unknown) =>
  patchInputs(inputs, patch).inputs.given.map(({ setting, value }) => [setting.env, value])

describe('patchInputs', () => {
  it('changes only the given settings', () => {
    expect(givenBy({})).toEqual([['SIMULATOR_REGION', 'West US']])
    expect(givenBy({ region: 'X', latency: { open_ai_embeddings: { mean: 5 } } })).toEqual([
      ['SIMULATOR_REGION', 'X'],
      ['LATENCY_OPENAI_EMBEDDINGS_MEAN', 5],
    ])
  })

  it('unsets a setting with null', () => {
    expect(givenBy({ region: null, sim_headers: null })).toEqual([])
  })

  it.each([
    [5, 'The patch must be a mapping (got 5). Send a JSON object.'],
    [{ regoin: 'X' }, 'regoin is not part of the configuration. Did you mean region?'],
    [
      { latency: { tiem_scale: 1 } },
      'latency.tiem_scale is not part of the configuration. Did you mean latency.time_scale?',
    ],
    [{ latency: 5 }, 'latency must be a mapping (got 5). Send an object.'],
    [{ latency: null }, 'latency must be a mapping (got null). Send an object.'],
    [{ api_key: 'x' }, 'api_key cannot change at run time. Set SIMULATOR_API_KEY and restart.'],
    [{ port: 1 }, 'port cannot change at run time. Set PORT and restart.'],
    [
      { openai_deployments: [] },
      'openai_deployments must map deployment names to deployments (got []). Send an object.',
    ],
    [
      { openai_deployments: null },
      'openai_deployments must map deployment names to deployments (got null). Send an object.',
    ],
  ])('rejects %j: %s', (patch, problem) => {
    expect(problemsOf(patch)).toEqual([problem])
  })

  it('does not show the value of a key in a patch', () => {
    expect(problemsOf({ api_key: 'secret-value', azure_openai_key: 'secret-value' }).join()).not.toContain(
      'secret-value',
    )
  })
})

describe('mergePatch', () => {
  // The table of RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('applies to %j the patch %j: %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })

  it('reuses the objects that the patch does not change', () => {
    const target = { a: { x: 1 }, b: { y: 1 } }
    const merged = mergePatch(target, { b: { y: 2 } }) as typeof target
    expect(merged.a).toBe(target.a)
    expect(target.b).toEqual({ y: 1 })
  })

  it('treats __proto__ as an ordinary key', () => {
    const patch: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"a": 1}}')
    const merged = mergePatch({}, patch) as object
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('joinPatches', () => {
  const target = { a: { x: 1, y: 2 }, b: 3 }
  it.each([
    [{ a: { x: 5 } }, { a: { y: 6 } }],
    [{ a: { x: null } }, { a: { x: 7 } }],
    [{ a: { x: 1 } }, { a: null }],
    [{ b: null }, { b: null, c: { d: 1 } }],
    [{ c: { d: 1 } }, { c: { d: null } }],
  ])('combines %j and %j', (first, second) => {
    expect(canJoin(first, second)).toBe(true)
    expect(mergePatch(target, joinPatches(first, second))).toEqual(
      mergePatch(mergePatch(target, first), second),
    )
  })

  it('cannot combine patches that remove something and create it again', () => {
    expect(canJoin({ a: null }, { a: { y: 1 } })).toBe(false)
    expect(canJoin({ a: 5 }, { a: { y: 1 } })).toBe(false)
    expect(canJoin({ z: { a: null } }, { z: { a: {} } })).toBe(false)
  })
})
