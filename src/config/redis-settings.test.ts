import { describe, expect, it } from 'vitest'
import { filesInMemory } from '../../tests/support/files-in-memory.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { loadConfig } from './live-config.ts'

const load = (env: Record<string, string>) =>
  loadConfig({
    flags: {},
    env,
    workingDirectory: '/',
    readFile: filesInMemory(),
  })

const problemsOf = (env: Record<string, string>): string => {
  try {
    load(env)
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
  return ''
}

describe('the settings of Redis', () => {
  it('leave a simulator by itself unless an address is set', () => {
    expect(load({}).redis).toEqual({
      url: undefined,
      prefix: 'aoai-sim:',
      required: false,
      timeoutMs: 100,
    })
  })

  it.each([
    'redis://localhost',
    'redis://h:6379',
    'rediss://user:p%40ss@h.example:6380/2',
    'redis://[::1]:6379/',
  ])('take %s for an address', (url) => expect(load({ REDIS_URL: url }).redis.url).toBe(url))

  it.each([
    'localhost:6379',
    'http://h:6379',
    'redis://',
    'redis://h/name',
    'redis://h:99999',
    'redis://h/0?x=1',
  ])('refuse %s, without showing it', (url) => {
    const told = problemsOf({ REDIS_URL: url })
    expect(told).toContain('REDIS_URL must be an address such as redis://host:6379')
    expect(told).toContain('(got [redacted])')
  })

  it('refuse a prefix with braces, which would take the place of the hash tag of a cluster', () => {
    expect(problemsOf({ REDIS_PREFIX: '{x}:' })).toContain('REDIS_PREFIX must be')
  })

  it('refuse to require what is not named, and a clock that Redis does not share', () => {
    expect(problemsOf({ REDIS_REQUIRED: 'true' })).toContain('Set REDIS_URL, or leave REDIS_REQUIRED out.')
    expect(problemsOf({ REDIS_URL: 'redis://h', SIMULATOR_CLOCK: 'virtual' })).toContain(
      'REDIS_URL needs the time of the machine',
    )
  })
})
