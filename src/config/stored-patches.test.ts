import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { thumbprintOf } from './access-settings.ts'
import { readPatches } from './stored-patches.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const jwk = pair.privateKey.export({ format: 'jwk' }) as Record<string, string>
const publicJwk = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>
const kid = thumbprintOf(jwk)
const none = { put: {}, patch: {} }
const resource = { entry: {}, keys: [], id: 'acme~1', secret: 's', createdAt: '2026-11-30T00:00:00.000Z' }
const tenant = { friendlyName: '', secret: { salt: 'YWI=', hash: 'YWI=' }, createdAt: '' }
const feedback = { id: 'fb_1', tenant: 't', body: 'x', status: 'pending', createdAt: '' }

const textOf = (changes: object, more: object = {}): string =>
  JSON.stringify({ version: 1, changes: { ...none, ...changes }, ...more })

describe('readPatches', () => {
  it('reads what the simulator has stored', () => {
    const changes = {
      signingKey: { kid, jwk },
      resources: { acme: { ...none, signingKey: { kid, jwk } } },
      made: { acme: resource, beta: { ...resource, id: 'beta~1' }, gone: null },
      tenants: { t: tenant },
      feedback: [feedback],
    }
    expect(readPatches(textOf(changes, { revision: 'r' }))).toEqual({ ...none, ...changes })
  })

  it.each([
    ['a member outside of changes', textOf({}, { resources: {} }), '"resources" is unknown'],
    ['a public key', textOf({ signingKey: { kid, jwk: publicJwk } }), 'changes.signingKey.kid must be'],
    ['a damaged key', textOf({ signingKey: { kid, jwk: { ...jwk, n: 'AAAA' } } }), 'signingKey.kid must be'],
    ['a key without content', textOf({ signingKey: { kid, jwk: {} } }), 'signingKey.kid must be'],
    [
      'a key in PEM format',
      textOf({ signingKey: { kid, jwk: { ...jwk, d: '-----BEGIN KEY' } } }),
      'kid must be',
    ],
    ['another id of a key', textOf({ signingKey: { kid: 'other', jwk } }), 'signingKey.kid must be'],
    [
      'a key of a resource',
      textOf({ resources: { a: { ...none, signingKey: { kid, jwk: {} } } } }),
      'a.signing',
    ],
    ['a copied resource', textOf({ made: { acme: resource, beta: resource } }), 'made.beta.id must differ'],
    [
      'a hash of a tenant',
      textOf({ tenants: { t: { ...tenant, secret: { salt: '!', hash: '' } } } }),
      '.salt must',
    ],
    [
      'a status of feedback',
      textOf({ feedback: [{ ...feedback, status: 'done' }] }),
      'feedback[0].status must be',
    ],
  ])('refuses %s, without showing a key', (_, text, problem) => {
    const { problems } = readPatches(text) as { problems: string[] }
    expect(problems).toEqual([expect.stringContaining(problem)])
    for (const part of [jwk['d'], jwk['p'], 'BEGIN']) expect(problems.join()).not.toContain(part)
  })
})
