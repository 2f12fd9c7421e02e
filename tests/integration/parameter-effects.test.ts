import { describe, expect, it } from 'vitest'
import { operationEffects, type OperationEffects } from '../../scripts/parameter-effects.ts'
import { formOf } from '../support/operation-requests.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

/** The answer of a new simulator, so that equal requests get equal answers. */
async function answerTo(
  { path, form }: OperationEffects,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly status: number; readonly text: string }> {
  const { app } = createTestSimulator({ env: { COMPLETION_LENGTH: 'natural' } })
  const sent = form ? formOf(form, body) : JSON.stringify(body)
  const headers = { 'api-key': testKey, ...(!form && { 'content-type': 'application/json' }) }
  const response = await app.request(path, { method: 'POST', headers, body: sent })
  return { status: response.status, text: await response.text() }
}

describe.each(operationEffects)('$name with $model', (operation) => {
  const { parameters, effects, body } = operation

  it('has an effect for each parameter of its validator, and no other', () => {
    expect(Object.keys(effects).sort()).toEqual([...parameters].sort())
  })

  const all = Object.entries(effects)
  const refused = all.filter(([, effect]) => effect.refused !== undefined)
  const accepted = all.filter(([, effect]) => effect.refused === undefined)

  /** The answers without and with a parameter. */
  async function answers(name: string, effect: (typeof effects)[string]) {
    const base = { ...body, ...effect.with, ...(effect.without !== undefined && { [name]: effect.without }) }
    const without = await answerTo(operation, base)
    expect([without.status, without.text]).toEqual([200, expect.any(String)])
    return { without, answer: await answerTo(operation, { ...base, [name]: effect.value }) }
  }

  it.each(refused)('refuses %s', async (name, effect) => {
    const { answer } = await answers(name, effect)
    expect([answer.status, answer.text]).toEqual([
      effect.status ?? 400,
      expect.stringContaining(effect.refused ?? ''),
    ])
  })

  it.each(accepted)('does %s, or has a reason', async (name, effect) => {
    const { without, answer } = await answers(name, effect)
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
    expect(answer.text === without.text, 'equal answers').toBe(effect.reason !== undefined)
  })
})
