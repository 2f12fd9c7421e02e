import { describe, expect, it } from 'vitest'
import { filesInMemory } from '../../tests/support/files-in-memory.ts'
import { type Changes, joinChanges, noChanges, normalizePatch, patchInputs } from './patches.ts'
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

describe('joinChanges', () => {
  const join = (...patches: readonly unknown[]): unknown =>
    patches.reduce<Changes>(
      (changes, patch) => joinChanges(changes, normalizePatch(patch), inputs),
      noChanges,
    ).patch

  it('resets each setting of a group that is null, so that a later patch restores none of them', () => {
    const reset = join({ content_filter: { prompt: 'a', late: 'b' } }, { content_filter: null })
    expect(reset).toEqual({ content_filter: { prompt: null, completion: null, late: null } })
    expect(join(reset, { content_filter: { late: 'c' } })).toEqual({
      content_filter: { prompt: null, completion: null, late: 'c' },
    })
  })

  it('resets the settings of a group within another one', () => {
    expect(join({ latency: { open_ai_embeddings: null } })).toEqual({
      latency: { open_ai_embeddings: { mean: null, std_dev: null } },
    })
    expect(join({ latency: null })).toMatchObject({
      latency: { time_scale: null, open_ai_chat_completions: { mean: null, first_token: { mean: null } } },
    })
  })
})

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
