import { describe, expect, it } from 'vitest'
import { isInstalled, needOf, needs } from './installed-tool.ts'

describe('what tests need of the machine', () => {
  it('is missing with the names of the programs, which the titles show', () => {
    expect(needOf(['redis-server', 'openssl'])).toEqual({
      isMissing: true,
      note: ' (skipped: needs redis-server, openssl)',
    })
    expect(needOf([])).toEqual({ isMissing: false, note: '' })
  })

  it('has to be in the list of what CI installs', () => {
    expect(() => needs('curl', 'no-such-program')).toThrow('Could not need no-such-program')
  })

  it('is a program that can be started and tells its version', () => {
    expect(isInstalled('node')).toBe(true)
    expect(isInstalled('no-such-program')).toBe(false)
    // This program starts, but prints no version.
    expect(isInstalled('false')).toBe(false)
  })
})
