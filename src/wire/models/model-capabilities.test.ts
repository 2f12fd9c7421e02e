import { describe, expect, it } from 'vitest'
import { capabilitiesOf as capabilitiesByName, changed } from './model-capabilities.ts'
import { createModelCatalogue, builtInCatalogue, findModel } from './model-catalogue.ts'

const capabilitiesOf = (name: string) => findModel(name)!.capabilities

describe('capabilities of models', () => {
  it.each([
    ['gpt-4o', [], null],
    ['gpt-5-chat', [], null],
    ['o3-mini', ['low', 'medium', 'high'], 'medium'],
    ['o1-mini', [], 'medium'],
    ['gpt-5-mini', ['minimal', 'low', 'medium', 'high'], 'medium'],
    ['gpt-5-codex', ['low', 'medium', 'high'], 'medium'],
    ['gpt-5-pro', ['high'], 'high'],
    ['gpt-5.1', ['none', 'low', 'medium', 'high'], 'none'],
    ['gpt-5.1-codex', ['low', 'medium', 'high'], 'medium'],
    ['gpt-5.1-codex-max', ['low', 'medium', 'high', 'xhigh'], 'medium'],
    ['gpt-5.2', ['none', 'low', 'medium', 'high', 'xhigh'], 'none'],
    ['gpt-5.2-chat', ['medium'], 'medium'],
    ['gpt-5.4-mini', ['none', 'low', 'medium', 'high', 'xhigh'], 'none'],
    ['gpt-5.5', ['none', 'low', 'medium', 'high', 'xhigh'], 'medium'],
    ['gpt-5.6-sol', ['none', 'low', 'medium', 'high', 'xhigh'], 'medium'],
    ['gpt-6-astra', ['low', 'medium', 'high', 'xhigh'], 'medium'],
  ])('have the efforts of %s', (name, efforts, defaultEffort) => {
    expect(capabilitiesOf(name)).toMatchObject({ efforts, defaultEffort })
  })

  it('have the effort max for responses of gpt-5.6 and later', () => {
    expect(capabilitiesOf('gpt-5.6-luna').responsesEfforts).toContain('max')
    expect(capabilitiesOf('gpt-5.6-luna').efforts).not.toContain('max')
    expect(capabilitiesOf('gpt-5.5').responsesEfforts).toEqual(capabilitiesOf('gpt-5.5').efforts)
  })

  it.each([
    ['gpt-5', []],
    ['gpt-5-codex', ['local_shell']],
    ['codex-mini', ['local_shell']],
    ['gpt-5.1', ['shell', 'apply_patch']],
    ['gpt-6-astra', ['shell', 'apply_patch']],
    ['gpt-4o', []],
  ])('have the tools for commands of %s', (name, commandTools) => {
    expect(capabilitiesOf(name).commandTools).toEqual(commandTools)
  })

  it('include tools for commands in models of the future', () => {
    const row = { name: 'gpt-10', reasoning: true }
    expect(capabilitiesByName(row).commandTools).toEqual(['shell', 'apply_patch'])
  })

  it('depend on the version', () => {
    expect(capabilitiesOf('gpt-4o').structuredOutputs).toBe(true)
    expect(capabilitiesOf('gpt-4o-2024-05-13').structuredOutputs).toBe(false)
  })

  it('are frozen and shared by models of a family', () => {
    expect(capabilitiesOf('gpt-6-sol')).toBe(capabilitiesOf('gpt-6.1-sol'))
    for (const { capabilities } of builtInCatalogue.versions) {
      expect(Object.isFrozen(capabilities)).toBe(true)
      for (const value of Object.values(capabilities)) expect(Object.isFrozen(value)).toBe(true)
    }
  })

  it('of a model that does not exist yet are those of the newest family', () => {
    const limits = { contextTokens: 1, maxOutputTokens: 1, operations: ['chatCompletions'] } as const
    const [model] = createModelCatalogue([{ name: 'gpt-7-sol', ...limits, reasoning: true }]).models
    expect(model?.capabilities).toBe(capabilitiesOf('gpt-6-sol'))
  })
})

describe('changed', () => {
  it('keeps the parameters of earlier rows, and removes accepted ones', () => {
    const before = capabilitiesOf('o3')
    const after = changed(before, { vision: false, parameters: { stop: 'accepted', seed: 'unsupported' } })
    expect(after).toMatchObject({ vision: false, efforts: before.efforts })
    expect(after.parameters).toMatchObject({ max_tokens: 'unsupported', seed: 'unsupported' })
    expect(after.parameters).not.toHaveProperty('stop')
  })
})
