import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findModel } from './models/model-catalogue.ts'
import { wireFormOf, wireProfileNames, type WireForm, type WireProfileName } from './wire-profile.ts'

function formOf(name: WireProfileName, modelName: string): WireForm {
  const model = findModel(modelName)
  if (!model) throw new Error(`no model ${modelName}`)
  return wireFormOf(name, model)
}

describe('wireFormOf', () => {
  it('returns the same object for a model and a profile', () => {
    expect(formOf('2026-09', 'gpt-4o')).toBe(formOf('2026-09', 'gpt-4o'))
    expect(formOf('2026-09', 'gpt-4o')).not.toBe(formOf('2026-04', 'gpt-4o'))
  })

  it.each([
    ['2026-04', 'gpt-35-turbo', false],
    ['2026-04', 'gpt-4.1-mini', false],
    ['2026-04', 'gpt-5.1', false],
    ['2026-04', 'o4-mini', false],
    ['2026-04', 'gpt-5.2-chat', true],
    ['2026-04', 'gpt-6.1-sol', true],
    ['2026-06', 'o4-mini', true],
    ['2026-09', 'gpt-4.1-mini', true],
  ] as const)('%s: service_tier of chat on %s is %s', (name, model, sent) => {
    expect(formOf(name, model).chat.hasServiceTier).toBe(sent)
  })
})

describe('the form of responses', () => {
  it.each([
    ['2026-04', 'gpt-5.2-chat', undefined, undefined, null],
    ['2026-06', 'gpt-5-mini', null, undefined, 'in_memory'],
    ['2026-07', 'gpt-5.4', null, 'standard', 'in_memory'],
    ['2026-07', 'gpt-5.5', null, 'standard', '24h'],
    ['2026-07', 'gpt-5.6-sol', null, 'standard', 'in_memory'],
    ['2026-08', 'gpt-5-nano', 'current_turn', 'standard', 'in_memory'],
    ['2026-08', 'gpt-5.4-mini', 'current_turn', 'standard', 'in_memory'],
    ['2026-08', 'gpt-5.6-luna', 'all_turns', 'standard', '24h'],
    ['2026-09', 'o4-mini', 'current_turn', 'standard', 'in_memory'],
    ['2026-09', 'gpt-4.1-mini', null, undefined, 'in_memory'],
  ] as const)('%s, %s: context %s, mode %s, retention %s', (name, model, context, mode, retention) => {
    const form = formOf(name, model).responses
    expect(form.hasReasoningContext ? form.reasoningContext : undefined).toBe(context)
    expect(form.hasReasoningMode ? 'standard' : undefined).toBe(mode)
    expect(form.cacheRetention).toBe(retention)
  })
})

describe('docs/wire-profiles.md', () => {
  const guide = readFileSync(new URL('../../docs/wire-profiles.md', import.meta.url), 'utf8')

  it('lists all profiles', () => {
    const headers = guide.split('\n').filter((line) => line.startsWith('| Member') && line.includes('`20'))
    const columns = headers.flatMap((header) => header.split('|').slice(2, -1))
    expect(columns.map((cell) => cell.trim()).toSorted()).toEqual(
      wireProfileNames.map((name) => `\`${name}\``).toSorted(),
    )
  })
})
