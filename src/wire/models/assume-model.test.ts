import { describe, expect, it } from 'vitest'
import { assumeModel, modelOfDeployment } from './assume-model.ts'
import { builtInCatalogue, createModelCatalogue } from './model-catalogue.ts'
import { catalogueRows } from './model-catalogue-data.ts'

describe('assumeModel', () => {
  it.each([
    ['gpt-4o-2029-01-01', 'gpt-4o'],
    ['gpt-4o-minni', 'gpt-4o'],
    ['GPT-4.1-Micro', 'gpt-4.1'],
    ['ft:gpt-4o:my-org::abc123', 'gpt-4o'],
    ['my-finetune ft:gpt-4o-mini:x', 'gpt-4o-mini'],
    ['openai/gpt-4o', 'gpt-4o'],
    ['gpt-6-mini', 'gpt-6.2-sol'],
    ['gpt-6.5', 'gpt-6.2-sol'],
    ['gpt-5.9', 'gpt-5.6-sol'],
    ['my-gpt-5.9-mini', 'gpt-5.6-sol'],
    ['gpt-7', 'gpt-6.2-sol'],
    ['gpt-4.5-preview', 'gpt-4.1'],
    ['gpt-6.2-astra-law', 'gpt-6.2-astra'],
    ['gpt-3', 'gpt-4o-mini'],
    ['llama-3-70b', 'gpt-4o-mini'],
    ['claude', 'claude-sonnet-5-5'],
    ['claude-opus-9', 'claude-opus-5-5'],
    ['anthropic.claude-3-5-haiku-20241022-v1:0', 'claude-haiku-5-5'],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['my-own-model', 'gpt-4o-mini'],
    ['o9', 'o3'],
    ['o4-maxi', 'o3'],
    ['o3-2030-01-01', 'o3'],
    ['text-embedding-4', 'text-embedding-3-small'],
    ['text-embedding-3-large-v2', 'text-embedding-3-large'],
    ['embed-english', 'text-embedding-3-small'],
    ['whisper-2', 'whisper'],
    ['my-transcriber', 'gpt-4o-transcribe'],
    ['tts-2', 'tts'],
    ['gpt-6-tts', 'tts'],
    ['text-to-speech', 'gpt-4o-mini-tts'],
    ['gpt-5-image', 'gpt-image-1'],
    ['gpt-image-3', 'gpt-image-1'],
    ['dall-e-4', 'dall-e-3'],
    ['gpt-5-audio', 'gpt-audio'],
    ['gpt-realtime-3', 'gpt-realtime'],
    ['gpt-5-instruct', 'gpt-35-turbo-instruct'],
  ])('resolves %s to %s and keeps the requested name in answers', (name, nearest) => {
    expect(assumeModel(name, builtInCatalogue)).toMatchObject({
      name: nearest,
      versionedName: name,
      errorName: name,
    })
  })

  it('has the capabilities and the throughput of a unit, but no date of retirement', () => {
    const model = assumeModel('gpt-7', builtInCatalogue)
    expect(model?.capabilities).toMatchObject({ toolsWithReasoning: 'refused', defaultEffort: 'medium' })
    expect(model?.provisioned).toEqual({ inputTokensPerMinutePerPtu: 1_200, outputToInputRatio: 6 })
    expect(assumeModel('gpt-4o-2029-01-01', builtInCatalogue)).not.toHaveProperty('retires')
  })

  it('prefers models of a catalogue file', () => {
    const row = {
      name: 'llama-3',
      contextTokens: 8_000,
      maxOutputTokens: 2_000,
      operations: ['chatCompletions'],
    } as const
    const catalogue = createModelCatalogue([row, ...catalogueRows])
    expect(assumeModel('llama-3-70b', catalogue)).toMatchObject({ name: 'llama-3', contextTokens: 8_000 })
  })

  it.each(['', '  ', 'x'.repeat(101), 'a\nb'])('returns undefined for the invalid name %j', (name) => {
    expect(assumeModel(name, builtInCatalogue)).toBeUndefined()
  })
})

describe('modelOfDeployment', () => {
  it.each([
    ['my-gpt-5-mini-eu', 'gpt-5-mini', 'gpt-5-mini-2025-08-07'],
    ['gpt-5.7-nova', 'gpt-5.6-sol', 'gpt-5.7-nova'],
    ['gpt-9', 'gpt-6.2-sol', 'gpt-9'],
    ['gpt-5.7-embed', 'text-embedding-3-small', 'gpt-5.7-embed'],
    ['claude-opus-9', 'claude-opus-5-5', 'claude-opus-9'],
    ['my-claude-haiku-4-5', 'claude-haiku-4-5', 'claude-haiku-4-5-20251001'],
  ])('resolves %s to %s, which answers as %s', (deployment, name, versionedName) => {
    expect(modelOfDeployment(deployment, builtInCatalogue)).toMatchObject({ name, versionedName })
  })

  it('returns undefined for a name without a model', () => {
    expect(modelOfDeployment('chat', builtInCatalogue)).toBeUndefined()
  })
})
