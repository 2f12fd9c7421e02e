import { describe, expect, it } from 'vitest'
import { settingsSchema } from './settings-schema.ts'
import { flagFromEnv, givenValue, settingsTable } from './settings-table.ts'

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
    expect(
      settingsTable().filter((row) => row.default === undefined && row.unsetMeaning === undefined),
    ).toEqual([])
  })
})

describe('settingsSchema', () => {
  it('takes values, and no text in their place', () => {
    const { port, apiVersionCheck } = settingsSchema.shape
    expect([port.parse(80), port.safeParse('80').success]).toEqual([80, false])
    expect([apiVersionCheck.parse(false), apiVersionCheck.safeParse('off').success]).toEqual([false, false])
  })
})

describe('a value that was set', () => {
  const valueOf = (env: string, typed: unknown) =>
    givenValue(
      settingsTable().find((setting) => setting.env === env)!,
      typed,
      env,
    )

  it('is read where it is text, once, and kept as it was typed', () => {
    expect(valueOf('PORT', ' 80 ')).toMatchObject({ value: 80, typed: ' 80 ' })
    expect(valueOf('API_VERSION_CHECK', 'Off').value).toBe(false)
    expect(valueOf('MATCH_HEADERS', 'a, b').value).toEqual(['a', 'b'])
  })

  it('is itself where it is no text, or text that means nothing', () => {
    expect(valueOf('PORT', 80).value).toBe(80)
    expect(valueOf('PORT', 'many').value).toBe('many')
  })
})
