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

describe('Redis settings', () => {
  it('share nothing without an address', () => {
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
  ])('accept the address %s', (url) => expect(load({ REDIS_URL: url }).redis.url).toBe(url))

  it.each([
    'localhost:6379',
    'http://h:6379',
    'redis://',
    'redis://h/name',
    'redis://h:99999',
    'redis://h/0?x=1',
  ])('reject the address %s without showing it', (url) => {
    const message = problemsOf({ REDIS_URL: url })
    expect(message).toContain('REDIS_URL must be an address such as redis://host:6379')
    expect(message).toContain('(got [redacted])')
  })

  it('reject a prefix with braces, which would replace the hash tag of a cluster', () => {
    expect(problemsOf({ REDIS_PREFIX: '{x}:' })).toContain('REDIS_PREFIX must be')
  })

  it('reject REDIS_REQUIRED without an address, and a virtual clock', () => {
    expect(problemsOf({ REDIS_REQUIRED: 'true' })).toContain('Set REDIS_URL, or remove REDIS_REQUIRED.')
    expect(problemsOf({ REDIS_URL: 'redis://h', SIMULATOR_CLOCK: 'virtual' })).toContain(
      'REDIS_URL requires the system clock',
    )
  })
})
