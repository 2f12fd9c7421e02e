import { describe, expect, it } from 'vitest'
import { settingsSchema } from './settings-schema.ts'
import { flagFromEnv, settingsTable } from './settings-table.ts'

describe('settingsTable', () => {
  it('derives the flag from the variable, without SIMULATOR_ and in kebab case', () => {
    expect(flagFromEnv('SIMULATOR_MODE')).toBe('--mode')
    expect(flagFromEnv('PORT')).toBe('--port')
    expect(flagFromEnv('LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN')).toBe('--latency-openai-chat-completions-mean')
  })

  it('gives every setting its own variable and its own flag', () => {
    const table = settingsTable()
    expect(new Set(table.map(({ env }) => env)).size).toBe(table.length)
    expect(new Set(table.map(({ flag }) => flag)).size).toBe(table.length)
  })

  it('says of every setting what it is without a value', () => {
    expect(settingsTable().filter((row) => row.default === undefined && row.whenUnset === undefined)).toEqual(
      [],
    )
  })
})

describe('settingsSchema', () => {
  it('takes numbers and booleans as well as their text', () => {
    const port = settingsSchema.shape.port
    expect([port.parse('80'), port.parse(80)]).toEqual([80, 80])
    const check = settingsSchema.shape.apiVersionCheck
    expect([check.parse('off'), check.parse(false)]).toEqual([false, false])
  })
})
