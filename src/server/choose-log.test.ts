import { describe, expect, it } from 'vitest'
import { testConfig } from '../../tests/support/test-config.ts'
import type { Config } from '../config/config.ts'
import { chooseLog } from './choose-log.ts'

const defaults = testConfig()

const choose = (set: Partial<Config>, isTTY: boolean, env = {}) => {
  const { look, requestLog } = chooseLog({ ...defaults, ...set }, { isTTY }, env)
  return [look.format, look.hasColor, requestLog !== undefined]
}

describe('chooseLog', () => {
  it.each<[string, Partial<Config>, boolean, Record<string, string>, [string, boolean, boolean]]>([
    ['colored text with request lines on a terminal', {}, true, {}, ['text', true, true]],
    ['JSON without request lines in a pipe', {}, false, {}, ['json', false, false]],
    ['text without color with NO_COLOR', {}, true, { NO_COLOR: '1' }, ['text', false, true]],
    ['no color for JSON on a terminal', { logFormat: 'json' }, true, {}, ['json', false, true]],
    ['text in a pipe with LOG_FORMAT=text', { logFormat: 'text' }, false, {}, ['text', false, false]],
    [
      'no request lines on a terminal with LOG_LEVEL warn',
      { logLevel: 'warn' },
      true,
      {},
      ['text', true, false],
    ],
    [
      'request lines on a terminal with LOG_LEVEL debug',
      { logLevel: 'debug' },
      true,
      {},
      ['text', true, true],
    ],
    [
      'request lines in a pipe with LOG_REQUESTS=true',
      { logRequests: 'true' },
      false,
      {},
      ['json', false, true],
    ],
    ['no request lines with LOG_REQUESTS=false', { logRequests: 'false' }, true, {}, ['text', true, false]],
  ])('chooses %s', (_, set, isTTY, env, expected) => {
    expect(choose(set, isTTY, env)).toEqual(expected)
  })

  it('closes without a flush if no request was logged', async () => {
    await expect(chooseLog({ ...defaults, logRequests: 'true' }, {}, {}).close()).resolves.toBeUndefined()
    await expect(chooseLog({ ...defaults, logRequests: 'false' }, {}, {}).close()).resolves.toBeUndefined()
  })
})
