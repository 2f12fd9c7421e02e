import { describe, expect, it } from 'vitest'
import { adviceFor, describeFailure, isRedirection } from './redis-connection.ts'

const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code })

describe('describeFailure', () => {
  it.each<[string, unknown, string]>([
    [
      'its message',
      new Error('WRONGPASS invalid username-password pair'),
      'WRONGPASS invalid username-password pair',
    ],
    ['its code if it has no message', withCode('', 'ECONNREFUSED'), 'ECONNREFUSED'],
    ['its name if it has neither', new TypeError(''), 'TypeError'],
    [
      'the first failure if every address of a host failed',
      new AggregateError([withCode('', 'ECONNREFUSED'), new Error('second')], ''),
      'ECONNREFUSED',
    ],
    ['a thrown string', 'closed', 'closed'],
  ])('returns %s', (_, error, expected) => {
    expect(describeFailure(error)).toBe(expected)
  })
})

describe('adviceFor', () => {
  it.each([
    ['MOVED 3999 127.0.0.1:6381', 'a Redis without clustering'],
    ['ASK 3999 127.0.0.1:6381', 'a Redis without clustering'],
    ['self-signed certificate in certificate chain', 'NODE_EXTRA_CA_CERTS'],
    ["Hostname/IP does not match certificate's altnames", 'NODE_EXTRA_CA_CERTS'],
    ['WRONGPASS invalid username-password pair', 'Correct user and password'],
    ['NOAUTH Authentication required.', 'Correct user and password'],
    ['NOPERM this user has no permissions', 'the permissions of the user'],
    ['ECONNREFUSED', 'Start it, or correct REDIS_URL'],
  ])('fits the reason %s', (reason, advice) => {
    expect(adviceFor(reason)).toContain(advice)
  })

  it('detects the redirections of a cluster only', () => {
    expect(['MOVED 1 a:1', 'ASK 1 a:1', 'REMOVED', 'ASKING'].filter(isRedirection)).toEqual([
      'MOVED 1 a:1',
      'ASK 1 a:1',
    ])
  })
})
