import { describe, expect, it } from 'vitest'
import {
  builtInCatalogue,
  findModel,
  modelFromDeploymentName,
  modelId,
  nearestModelNames,
} from './model-catalogue.ts'
import { provisionedThroughput, requestsPerThousandTokens } from './model-catalogue-data.ts'

describe('built-in catalogue', () => {
  it('contains each model once', () => {
    const names = builtInCatalogue.models.map((model) => model.name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has token limits for every model that reads or writes text', () => {
    const textual = new Set(['chatCompletions', 'completions', 'responses', 'embeddings'])
    const served = builtInCatalogue.models.filter((model) => model.operations.some((one) => textual.has(one)))
    expect(served.filter((model) => model.contextTokens === 0).map((model) => model.name)).toEqual([])
    const embedders = served.filter((model) => model.operations.includes('embeddings'))
    expect(embedders.every((model) => (model.embeddingSize ?? 0) > 0)).toBe(true)
  })

  it('uses cl100k_base for gpt-4 and gpt-35-turbo, and o200k_base for later chat models', () => {
    expect(findModel('gpt-4')?.encoding).toBe('cl100k_base')
    expect(findModel('gpt-35-turbo')?.encoding).toBe('cl100k_base')
    expect(findModel('gpt-4o')?.encoding).toBe('o200k_base')
    expect(findModel('gpt-oss-120b')?.encoding).toBe('o200k_base')
  })
})

describe('quota tables', () => {
  it('contain only models of the catalogue', () => {
    const names = [...Object.keys(requestsPerThousandTokens), ...Object.keys(provisionedThroughput)]
    expect(names.filter((name) => findModel(name)?.name !== name)).toEqual([])
  })

  it('apply to every version of a model', () => {
    expect(findModel('gpt-4o-2024-05-13')).toMatchObject({
      requestsPerThousandTokens: 6,
      provisioned: { inputTokensPerMinutePerPtu: 2_500, outputToInputRatio: 4 },
    })
    expect(findModel('whisper')).not.toHaveProperty('requestsPerThousandTokens')
  })
})

describe('modelId', () => {
  it('is unique for every version of every model', () => {
    const ids = builtInCatalogue.versions.map(modelId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(['gpt-4o-2024-05-13', 'gpt-35-turbo-0125', 'whisper']))
  })
})

describe('findModel', () => {
  it.each([
    ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18'],
    ['GPT-4o-Mini', 'gpt-4o-mini-2024-07-18'],
    ['gpt-3.5-turbo', 'gpt-35-turbo'],
    ['gpt-3.5-turbo-0125', 'gpt-35-turbo'],
    ['gpt-4o', 'gpt-4o-2024-11-20'],
    ['gpt-4o-2024-08-06', 'gpt-4o-2024-08-06'],
    ['gpt-4-turbo-2024-04-09', 'gpt-4-turbo-2024-04-09'],
    ['text-embedding-ada-002', 'ada'],
    ['ada', 'ada'],
    ['gpt-4.1-mini-2025-04-14', 'gpt-4.1-mini-2025-04-14'],
  ])('finds %s, which answers as %s', (name, versionedName) => {
    expect(findModel(name)?.versionedName).toBe(versionedName)
  })

  it('returns the limits of an older version', () => {
    expect(findModel('gpt-4o-2024-05-13')?.maxOutputTokens).toBe(4_096)
    expect(findModel('gpt-35-turbo-0613')?.contextTokens).toBe(4_096)
  })

  it('finds models that the simulator cannot serve', () => {
    expect(findModel('sora-2')?.operations).toEqual([])
  })

  it('returns undefined for any other name', () => {
    expect(findModel('gpt-4o-')).toBeUndefined()
    expect(findModel('constructor')).toBeUndefined()
  })
})

describe('modelFromDeploymentName', () => {
  it.each([
    ['gpt-4o-mini', 'gpt-4o-mini'],
    ['my-gpt-4o-mini-prod', 'gpt-4o-mini'],
    ['gpt-35-turbo-1k-token', 'gpt-35-turbo'],
    ['GPT-3.5-turbo-16k_test', 'gpt-35-turbo-16k'],
    ['team.text-embedding-3-small', 'text-embedding-3-small'],
  ])('resolves %s to %s', (deployment, model) => {
    expect(modelFromDeploymentName(deployment)?.name).toBe(model)
  })

  it('uses the version in the name', () => {
    expect(modelFromDeploymentName('gpt-4o-2024-08-06-eu')?.versionedName).toBe('gpt-4o-2024-08-06')
  })

  it('ignores a model name inside another word', () => {
    expect(modelFromDeploymentName('demo1')).toBeUndefined()
    expect(modelFromDeploymentName('https')).toBeUndefined()
    expect(modelFromDeploymentName('chat')).toBeUndefined()
  })
})

describe('nearestModelNames', () => {
  it('returns at most three names, the most similar one first', () => {
    expect(nearestModelNames('gpt-4o-minni')[0]).toBe('gpt-4o-mini')
    expect(nearestModelNames('gpt-5')).toHaveLength(3)
  })

  it('counts two transposed letters as one error', () => {
    expect(nearestModelNames('wihsper')[0]).toBe('whisper')
  })

  it('returns nothing for a name without similarity', () => {
    expect(nearestModelNames('zzz-bananas')).toEqual([])
  })
})
