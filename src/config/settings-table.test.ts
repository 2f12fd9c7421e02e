import { describe, expect, it } from 'vitest'
import { settingsSchema } from './settings-schema.ts'
import { flagFromEnv, givenValue, settingsTable } from './settings-table.ts'

describe('settingsTable', () => {
  it('derives the flag from the variable, without SIMULATOR_ and in kebab case', () => {
    expect(flagFromEnv('SIMULATOR_MODE')).toBe('--mode')
    expect(flagFromEnv('PORT')).toBe('--port')
    expect(flagFromEnv('LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN')).toBe('--latency-openai-chat-completions-mean')
  })

  it('has a unique variable and a unique flag for each setting', () => {
    const table = settingsTable()
    expect(new Set(table.map(({ env }) => env)).size).toBe(table.length)
    expect(new Set(table.map(({ flag }) => flag)).size).toBe(table.length)
  })

  it('has a default or an unset meaning for each setting', () => {
    expect(
      settingsTable().filter((row) => row.default === undefined && row.unsetMeaning === undefined),
    ).toEqual([])
  })
})

describe('settingsSchema', () => {
  it('accepts values, and does not convert text', () => {
    const { port, apiVersionCheck } = settingsSchema.shape
    expect([port.parse(80), port.safeParse('80').success]).toEqual([80, false])
    expect([apiVersionCheck.parse(false), apiVersionCheck.safeParse('off').success]).toEqual([false, false])
  })
})

describe('configured value', () => {
  const valueOf = (env: string, typed: unknown) =>
    givenValue(
      settingsTable().find((setting) => setting.env === env)!,
      typed,
      env,
    )

  it('is converted once if it is text, and keeps the text', () => {
    expect(valueOf('PORT', ' 80 ')).toMatchObject({ value: 80, typed: ' 80 ' })
    expect(valueOf('API_VERSION_CHECK', 'Off').value).toBe(false)
    expect(valueOf('MATCH_HEADERS', 'a, b').value).toEqual(['a', 'b'])
  })

  it('is unchanged if it is not text, or invalid text', () => {
    expect(valueOf('PORT', 80).value).toBe(80)
    expect(valueOf('PORT', 'many').value).toBe('many')
  })
})
