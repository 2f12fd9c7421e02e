import { describe, expect, it } from 'vitest'
import { testConfig } from '../../tests/support/test-config.ts'
import type { Config } from '../config/config.ts'
import { chooseLog } from './choose-log.ts'

const usual = testConfig()

const choose = (set: Partial<Config>, isTTY: boolean, env = {}) => {
  const { look, requestLog } = chooseLog({ ...usual, ...set }, { isTTY }, env)
  return [look.format, look.hasColor, requestLog !== undefined]
}

describe('chooseLog', () => {
  it.each<[string, Partial<Config>, boolean, Record<string, string>, [string, boolean, boolean]]>([
    ['text in colour with a line for each request on a terminal', {}, true, {}, ['text', true, true]],
    ['JSON without lines for requests in a pipe', {}, false, {}, ['json', false, false]],
    ['text without colour with NO_COLOR', {}, true, { NO_COLOR: '1' }, ['text', false, true]],
    ['no colour for JSON on a terminal', { logFormat: 'json' }, true, {}, ['json', false, true]],
    ['text in a pipe with LOG_FORMAT=text', { logFormat: 'text' }, false, {}, ['text', false, false]],
    [
      'no lines for requests on a terminal from LOG_LEVEL warn up',
      { logLevel: 'warn' },
      true,
      {},
      ['text', true, false],
    ],
    [
      'lines for requests on a terminal at LOG_LEVEL debug',
      { logLevel: 'debug' },
      true,
      {},
      ['text', true, true],
    ],
    [
      'lines for requests in a pipe with LOG_REQUESTS=true',
      { logRequests: 'true' },
      false,
      {},
      ['json', false, true],
    ],
    [
      'no lines for requests with LOG_REQUESTS=false',
      { logRequests: 'false' },
      true,
      {},
      ['text', true, false],
    ],
  ])('chooses %s', (_, set, isTTY, env, expected) => {
    expect(choose(set, isTTY, env)).toEqual(expected)
  })

  it('has nothing to write at the end where no request was logged', async () => {
    await expect(chooseLog({ ...usual, logRequests: 'true' }, {}, {}).close()).resolves.toBeUndefined()
    await expect(chooseLog({ ...usual, logRequests: 'false' }, {}, {}).close()).resolves.toBeUndefined()
  })
})
