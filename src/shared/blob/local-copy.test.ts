import { describe, expect, it } from 'vitest'
import { noChanges, type Patches } from '../../config/patches.ts'
import { mergePatches } from './local-copy.ts'

const patches = (members: object): Patches => ({ ...noChanges, ...members })

describe('changes of the copy that the blob lacks', () => {
  it.each<[string, object, object, object, object]>([
    [
      'an added deployment',
      {},
      { put: { mine: 1 } },
      { put: { theirs: 2 } },
      { put: { theirs: 2, mine: 1 } },
    ],
    [
      'a removed deployment',
      { put: { a: 1 } },
      { put: { a: null } },
      { put: { a: 1, b: 2 } },
      { put: { a: null, b: 2 } },
    ],
    ['a withdrawn change', { put: { a: 1 } }, {}, { put: { a: 1, b: 2 } }, { put: { b: 2 } }],
    [
      'a deployment that both have replaced',
      { put: { a: { model: 'x' } } },
      { put: { a: { model: 'y' } } },
      { put: { a: { model: 'x', ptu: 1 } } },
      { put: { a: { model: 'y' } } },
    ],
    [
      'settings, by name',
      { patch: { region: 'A', latency: { scale: 1 } } },
      { patch: { region: 'B', latency: { scale: 1 } } },
      { patch: { region: 'C', latency: { scale: 2 } } },
      { patch: { region: 'B', latency: { scale: 2 } } },
    ],
    [
      'those of a resource',
      { resources: { acme: { put: {}, patch: {} } } },
      { resources: { acme: { put: { mine: 1 }, patch: {} } } },
      { resources: { acme: { put: { theirs: 2 }, patch: {} }, other: { put: {}, patch: {} } } },
      { resources: { acme: { put: { theirs: 2, mine: 1 }, patch: {} }, other: { put: {}, patch: {} } } },
    ],
    [
      'a signing key, never a mixture of two',
      {},
      { signingKey: { kid: 'mine', jwk: { n: '1', e: 'AQAB' } } },
      { signingKey: { kid: 'theirs', jwk: { n: '2', e: 'AQAB', d: '3' } } },
      { signingKey: { kid: 'mine', jwk: { n: '1', e: 'AQAB' } } },
    ],
    [
      'feedback, by id',
      { feedback: [{ id: 'a', status: 'pending' }] },
      { feedback: [{ id: 'a', status: 'resolved' }, { id: 'b' }] },
      { feedback: [{ id: 'a', status: 'pending' }, { id: 'c' }] },
      { feedback: [{ id: 'a', status: 'resolved' }, { id: 'c' }, { id: 'b' }] },
    ],
  ])('are merged with those of others: %s', (_, base, mine, theirs, merged) => {
    expect(mergePatches(patches(base), patches(mine), patches(theirs))).toEqual(patches(merged))
  })

  it('include a deployment with the name __proto__', () => {
    const mine = patches({ put: JSON.parse('{"__proto__":{"model":"gpt-4o"}}') as object })
    const { put } = mergePatches(noChanges, mine, patches({ put: { other: 1 } }))
    expect(JSON.stringify(put)).toBe('{"other":1,"__proto__":{"model":"gpt-4o"}}')
    expect(Object.getPrototypeOf(put)).toBe(Object.prototype)
  })

  it('are nothing after a reset that the blob has', () => {
    const theirs = patches({ put: { theirs: 1 } })
    expect(mergePatches(noChanges, noChanges, theirs)).toEqual(theirs)
  })
})
