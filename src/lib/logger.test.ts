import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'

describe('createLogger', () => {
  it('redacts credentials in messages and fields', () => {
    let lines = ''
    const logger = createLogger('info', {}, { write: (line) => void (lines += line) })
    const secret = 'PLANTED0secret1'
    logger.warn({ path: `/a/https://h?sig=${secret}`, status: 5 }, `Could not reach https://u:${secret}@h/.`)
    logger.debug({}, 'below the level')
    expect(JSON.parse(lines)).toMatchObject({
      level: 'warn',
      path: '/a/https://h?sig=REDACTED',
      status: 5,
      msg: 'Could not reach https://u:REDACTED@h/.',
    })
  })

  it('redacts credentials in text format', () => {
    let lines = ''
    const logger = createLogger('info', { format: 'text' }, { write: (line) => void (lines += line) })
    logger.warn({ path: '/a/https://h?sig=PLANTED0secret1' }, 'Could not reach https://u:PLANTED0secret1@h/.')
    expect(lines).toContain('Could not reach https://u:REDACTED@h/.  path=/a/https://h?sig=REDACTED\n')
  })

  it.each(['json', 'text'] as const)(
    'redacts the keys that are known when a line is written, as %s',
    (format) => {
      let lines = ''
      let known: readonly string[] = ['first-key']
      const look = { format, secrets: () => known }
      const logger = createLogger('info', look, { write: (line) => void (lines += line) })
      known = [...known, 'added-later']
      logger.info(
        { path: '/acme/first-key', problems: ['added-later is wrong'] },
        'Unknown path /added-later/x.',
      )
      expect(lines).toContain('Unknown path /[redacted]/x.')
      expect(lines).toContain('/acme/[redacted]')
      for (const key of known) expect(lines).not.toContain(key)
    },
  )
})
