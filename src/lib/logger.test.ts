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
})
