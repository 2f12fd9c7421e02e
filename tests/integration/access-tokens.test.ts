import { createHmac, createPublicKey } from 'node:crypto'
import { request } from 'node:http'
import type { JWTPayload } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeSigningKey } from '../../src/access/signing-key.ts'
import { objectIdOf, tenantIdOf } from '../../src/access/token-claims.ts'
import { hashOfKey, type SigningKey } from '../../src/config/access-settings.ts'
import { listen } from '../../src/server/listen.ts'
import { FakeAuthority, signToken, unsignedToken } from '../support/entra.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

const body = JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 })
const chat = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
const deployments = { chat: { model: 'gpt-4o' }, vectors: { model: 'text-embedding-3-small' } }
const audience = 'https://cognitiveservices.azure.com'
const secret = 'ci-key-0123456789abcdef'
const tenant = '11111111-2222-3333-4444-555555555555'

let own: SigningKey
let sibling: SigningKey
beforeAll(async () => {
  ;[own, sibling] = [await makeSigningKey(), await makeSigningKey()]
})

const keys = [
  { id: 'ci', hash: hashOfKey(secret) },
  { id: 'off', hash: hashOfKey('off-key'), enabled: false },
]

function setUp(env: Record<string, string> = {}, resource: object = {}) {
  const simulator = createTestSimulator({
    env: { JOURNAL_SIZE: '100' },
    deployments,
    resources: {
      acme: { env: { ENTRA_TOKENS: 'own', ...env }, deployments, keys, signingKey: own, ...resource },
      beta: { env: { ENTRA_TOKENS: 'own' }, deployments, keys, signingKey: sibling },
      off: { deployments, keys, signingKey: own },
    },
  })
  const { app, clock } = simulator
  const send = async (token: string, path = `/acme${chat}`, headers = {}): Promise<Response> =>
    app.request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body,
    })
  const lastCall = async (): Promise<Record<string, unknown> | undefined> => {
    const answer = await app.request('/++/requests?limit=1', { headers: { 'api-key': testKey } })
    return ((await answer.json()) as { requests: Record<string, unknown>[] }).requests[0]
  }
  const view = simulator.simulator.config.resources.get('acme')
  const now = clock.epochMs() / 1_000
  const claims: JWTPayload = {
    aud: audience,
    iss: 'http://127.0.0.1:8000/acme/v2.0',
    iat: now,
    nbf: now,
    exp: now + 3_600,
    appid: 'ci',
    sub: 'ci',
    oid: view && objectIdOf(view, hashOfKey(secret)),
    tid: view && tenantIdOf(view),
  }
  return { ...simulator, send, lastCall, claims, now }
}

type Setting = ReturnType<typeof setUp>
const without = (claims: JWTPayload, name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))

/** What makes each token invalid: the reason, and the token. */
const refused: readonly [
  name: string,
  reason: string,
  token: (setting: Setting) => string | Promise<string>,
][] = [
  ['alg none', 'unsupported-alg', ({ claims }) => unsignedToken({ alg: 'none', kid: own.kid }, claims)],
  [
    'alg none in another case',
    'unsupported-alg',
    ({ claims }) => unsignedToken({ alg: 'nOnE', kid: own.kid }, claims),
  ],
  [
    'HS256 by the public key',
    'unsupported-alg',
    async ({ claims }) => {
      const publicKey = createPublicKey({ key: { ...own.jwk }, format: 'jwk' })
      const unsigned = unsignedToken({ alg: 'HS256', kid: own.kid, typ: 'JWT' }, claims)
      const pem = publicKey.export({ type: 'spki', format: 'pem' })
      return unsigned + createHmac('sha256', pem).update(unsigned.slice(0, -1)).digest('base64url')
    },
  ],
  [
    'another RSA algorithm',
    'unsupported-alg',
    ({ claims }) => unsignedToken({ alg: 'RS512', kid: own.kid }, claims, 'AAAA'),
  ],
  ['no alg', 'unsupported-alg', ({ claims }) => unsignedToken({ kid: own.kid }, claims, 'AAAA')],
  ['no kid', 'missing-claim', ({ claims }) => signToken(claims, own, { kid: undefined })],
  ['the key of the sibling', 'unknown-kid', ({ claims }) => signToken(claims, sibling)],
  ['the kid of the sibling', 'unknown-kid', ({ claims }) => signToken(claims, own, { kid: sibling.kid })],
  [
    'its kid and a key of the sibling',
    'bad-signature',
    ({ claims }) => signToken(claims, sibling, { kid: own.kid }),
  ],
  [
    'changed claims',
    'bad-signature',
    async ({ claims }) => {
      const [header, , signature] = (await signToken(claims, own)).split('.')
      const changed = Buffer.from(JSON.stringify({ ...claims, sub: 'other' })).toString('base64url')
      return `${header}.${changed}.${signature}`
    },
  ],
  [
    'no signature',
    'bad-signature',
    async ({ claims }) => `${(await signToken(claims, own)).split('.', 2).join('.')}.`,
  ],
  [
    'a signature cut short',
    'bad-signature',
    async ({ claims }) => (await signToken(claims, own)).slice(0, -8),
  ],
  [
    'cut in half',
    'malformed-token',
    async ({ claims }) => {
      const token = await signToken(claims, own)
      return token.slice(0, token.length / 2)
    },
  ],
  ['cut in the header', 'malformed-token', async ({ claims }) => (await signToken(claims, own)).slice(0, 20)],
  [
    'an extension that must be understood',
    'malformed-token',
    ({ claims }) => unsignedToken({ alg: 'RS256', kid: own.kid, crit: ['b64'], b64: true }, claims, 'AAAA'),
  ],
  ['five parts', 'malformed-token', async ({ claims }) => `${await signToken(claims, own)}.a.b`],
  ['a list as claims', 'malformed-token', () => unsignedToken({ alg: 'RS256', kid: own.kid }, [1], 'AAAA')],
  [
    'more than 16 KB',
    'malformed-token',
    ({ claims }) => signToken({ ...claims, pad: 'x'.repeat(16_000) }, own),
  ],
  ['expired 301 s ago', 'expired', ({ claims, now }) => signToken({ ...claims, exp: now - 301 }, own)],
  ['valid in 301 s', 'not-yet', ({ claims, now }) => signToken({ ...claims, nbf: now + 301 }, own)],
  ['issued in 301 s', 'not-yet', ({ claims, now }) => signToken({ ...claims, iat: now + 301 }, own)],
  ['no exp', 'missing-claim', ({ claims }) => signToken(without(claims, 'exp'), own)],
  [
    'exp as a text',
    'missing-claim',
    ({ claims }) => signToken({ ...claims, exp: '99999999999' as never }, own),
  ],
  ['no aud', 'missing-claim', ({ claims }) => signToken(without(claims, 'aud'), own)],
  ['aud with a slash', 'bad-aud', ({ claims }) => signToken({ ...claims, aud: `${audience}/` }, own)],
  [
    'another aud',
    'bad-aud',
    ({ claims }) => signToken({ ...claims, aud: 'https://graph.microsoft.com' }, own),
  ],
  ['no iss', 'missing-claim', ({ claims }) => signToken(without(claims, 'iss'), own)],
  [
    'the iss of the sibling',
    'bad-iss',
    ({ claims }) => signToken({ ...claims, iss: 'http://127.0.0.1:8000/beta/v2.0' }, own),
  ],
  [
    'the iss of another host',
    'bad-iss',
    ({ claims }) => signToken({ ...claims, iss: 'http://evil.example/acme/v2.0' }, own),
  ],
  ['an iss that is no address', 'bad-iss', ({ claims }) => signToken({ ...claims, iss: 'acme/v2.0' }, own)],
  ['no tid', 'missing-claim', ({ claims }) => signToken(without(claims, 'tid'), own)],
  ['another tid', 'bad-tid', ({ claims }) => signToken({ ...claims, tid: tenant }, own)],
  ['no sub', 'missing-claim', ({ claims }) => signToken(without(claims, 'sub'), own)],
  ['no appid', 'missing-claim', ({ claims }) => signToken(without(claims, 'appid'), own)],
  [
    'a key that does not exist',
    'key-deleted',
    ({ claims }) => signToken({ ...claims, appid: 'gone', sub: 'gone' }, own),
  ],
  ['two clients', 'key-deleted', ({ claims }) => signToken({ ...claims, sub: 'off' }, own)],
  [
    'an earlier key of the same id',
    'key-deleted',
    ({ claims }) => signToken({ ...claims, oid: tenant }, own),
  ],
]

describe('a token of the resource', () => {
  it('is accepted within the leeway, on each API, and names its caller', async () => {
    const { send, claims, now, lastCall } = setUp()
    const late = { ...claims, exp: now - 300, nbf: now + 300, iat: now + 300 }
    expect((await send(await signToken(late, own))).status).toBe(200)
    const token = await signToken(claims, own)
    const paths = [
      chat,
      '/openai/v1/responses',
      '/v1/chat/completions',
      '/openai/deployments/vectors/embeddings?api-version=2024-10-21',
    ]
    const statuses = await Promise.all(paths.map(async (path) => (await send(token, `/acme${path}`)).status))
    expect(statuses).toEqual([200, 400, 200, 400])
    await send(token)
    expect(await lastCall()).toMatchObject({ status: 200, caller: 'app:ci', refusal: null })
  })

  it.each(refused)('is refused with %s (%s), with the text for tokens', async (_, reason, make) => {
    const setting = setUp()
    const answer = await setting.send(await make(setting))
    expect(answer.status).toBe(401)
    expect(await answer.text()).toBe(
      '{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }',
    )
    expect(await setting.lastCall()).toMatchObject({ status: 401, caller: null, refusal: reason })
    const metrics = await setting.simulator.metrics.render()
    expect(metrics).toContain(`aoai_access_refused_total{resource="acme",reason="${reason}"} 1\n`)
  })

  it('is refused if it was accepted before and has expired, and verified once until then', async () => {
    const { send, claims, clock, lastCall, simulator } = setUp()
    const token = await signToken(claims, own)
    expect((await send(token)).status).toBe(200)
    const view = simulator.config.resources.get('acme')
    const judged =
      view &&
      simulator.judge({ headers: { authorization: `Bearer ${token}` }, resource: 'acme', config: view })
    expect(judged).toBe('app:ci')
    await clock.advance(3_900_000)
    expect((await send(token)).status).toBe(200)
    await clock.advance(1)
    expect((await send(token)).status).toBe(401)
    expect(await lastCall()).toMatchObject({ refusal: 'expired' })
  })

  it('is refused as soon as its key is disabled, deleted or replaced', async () => {
    const { send, claims, simulator, lastCall } = setUp()
    const token = await signToken(claims, own)
    expect((await send(token)).status).toBe(200)
    await simulator.resources.changeKey('acme', 'ci', { enabled: false })
    expect((await send(token)).status).toBe(401)
    expect(await lastCall()).toMatchObject({ refusal: 'key-disabled' })
    await simulator.resources.changeKey('acme', 'ci', { enabled: true })
    expect((await send(token)).status).toBe(200)
    await simulator.resources.removeKey('acme', 'ci')
    expect((await send(token)).status).toBe(401)
    expect(await lastCall()).toMatchObject({ refusal: 'key-deleted' })
  })

  it('is accepted at the address at which it was issued, or with any name of this machine', async () => {
    const { send, claims } = setUp()
    const token = await signToken(claims, own)
    const statusAt = async (host: string) => (await send(token, `/acme${chat}`, { host })).status
    expect(await statusAt('localhost:9')).toBe(200)
    expect(await statusAt('[::1]:8000')).toBe(200)
    expect(await statusAt('sim.example.com')).toBe(401)
    const elsewhere = await signToken({ ...claims, iss: 'https://sim.example.com/acme/v2.0' }, own)
    expect((await send(elsewhere, `/acme${chat}`, { host: 'SIM.example.com' })).status).toBe(200)
    expect((await send(elsewhere, `/acme${chat}`, { host: '127.0.0.1:8000' })).status).toBe(401)
  })

  it('does not count beside a key, and counts beside an empty one', async () => {
    const { send, claims } = setUp()
    const token = await signToken(claims, own)
    expect((await send(token, `/acme${chat}`, { 'api-key': 'wrong' })).status).toBe(401)
    expect((await send(token, `/acme${chat}`, { 'api-key': '' })).status).toBe(200)
  })

  it('is refused by the other resources, and by those with tokens off', async () => {
    const { send, claims, lastCall } = setUp()
    const token = await signToken(claims, own)
    expect((await send(token, `/beta${chat}`)).status).toBe(401)
    expect((await send(token, `/off${chat}`)).status).toBe(401)
    expect(await lastCall()).toMatchObject({ resource: 'off', refusal: 'tokens-off' })
    expect((await send(token, chat)).status).toBe(401)
    expect((await send(token, `/nothing${chat}`)).status).toBe(401)
  })
})

describe('a large body', () => {
  /** Whether the simulator asks for the body, and the status. */
  const askWith = (port: number, headers: Record<string, string>): Promise<[boolean, number | undefined]> =>
    new Promise((resolve, reject) => {
      let isWanted = false
      const large = Buffer.alloc(200_000, ' ')
      const sent = request(
        {
          port,
          path: `/acme${chat}`,
          method: 'POST',
          headers: { ...headers, expect: '100-continue', 'content-length': large.length },
        },
        (answer) => {
          answer.resume().on('end', () => resolve([isWanted, answer.statusCode]))
        },
      )
      sent.on('continue', () => {
        isWanted = true
        sent.end(large)
      })
      sent.on('error', reject)
      sent.flushHeaders()
    })

  it('is read only with a valid key or token', async () => {
    const { app, claims } = setUp()
    const listener = await listen(app, '127.0.0.1', 0)
    const port = Number(new URL(listener.url).port)
    const token = await signToken(claims, own)
    const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
    for (let times = 0; times < 2; times++) {
      expect(await askWith(port, bearer(token))).toEqual([true, 400])
      expect(await askWith(port, { 'x-api-key': secret })).toEqual([true, 400])
      expect(await askWith(port, bearer(`${token.slice(0, -4)}AAAA`))).toEqual([false, 401])
      expect(await askWith(port, { 'api-key': 'wrong', ...bearer(token) })).toEqual([false, 401])
      expect(await askWith(port, {})).toEqual([false, 401])
    }
    await listener.close(0)
  })
})

describe('any token', () => {
  const env = { ENTRA_TOKENS: 'any' }

  it('is accepted without a check of its signature, issuer and tenant', async () => {
    const { send, now, lastCall } = setUp(env)
    const claims = { aud: 'https://ai.azure.com', exp: now + 60, azp: 'my-app' }
    expect((await send(unsignedToken({ alg: 'RS256' }, claims, 'AAAA'))).status).toBe(200)
    expect(await lastCall()).toMatchObject({ caller: 'app:my-app' })
  })

  it('is refused with an extension that must be understood', async () => {
    const { send, now, lastCall } = setUp(env)
    const header = { alg: 'RS256', crit: ['x'], x: 1 }
    expect((await send(unsignedToken(header, { aud: audience, exp: now + 60 }, 'AAAA'))).status).toBe(401)
    expect(await lastCall()).toMatchObject({ refusal: 'malformed-token' })
  })

  it.each([
    ['expired', { exp: -301 }],
    ['missing-claim', { exp: undefined }],
    ['not-yet', { nbf: 301 }],
    ['bad-aud', { aud: 'other' }],
  ])(
    'is refused with %s',
    async (reason, wrong: { exp?: number | undefined; nbf?: number; aud?: string }) => {
      const { send, now, lastCall } = setUp(env)
      const times = Object.entries({ exp: 60, ...wrong }).map(([name, value]) => [
        name,
        typeof value === 'number' ? now + value : value,
      ])
      const claims = { aud: audience, ...Object.fromEntries(times) } as object
      expect((await send(unsignedToken({ alg: 'RS256' }, claims, 'AAAA'))).status).toBe(401)
      expect(await lastCall()).toMatchObject({ refusal: reason })
      const unsigned = unsignedToken({ alg: 'none' }, { aud: audience, exp: now + 60 })
      expect((await send(unsigned)).status).toBe(401)
      expect(await lastCall()).toMatchObject({ refusal: 'unsupported-alg' })
    },
  )
})

describe('a token of a tenant', () => {
  const setUpTenant = (authority: FakeAuthority) => {
    const setting = setUp({
      ENTRA_TOKENS: 'tenants',
      ENTRA_TENANTS: tenant.toUpperCase(),
      ENTRA_AUTHORITY: `${authority.url}/`,
    })
    const { now } = setting
    const claims = {
      aud: audience,
      exp: now + 3_600,
      tid: tenant,
      appid: 'app-1',
      iss: `https://sts.windows.net/${tenant}/`,
    }
    return { ...setting, claims }
  }

  it('is accepted by the public keys of its tenant, which are read once', async () => {
    await using authority = await FakeAuthority.start(own)
    const { send, claims, lastCall } = setUpTenant(authority)
    const issuers = [
      claims.iss,
      `https://login.microsoftonline.com/${tenant}/v2.0`,
      `${authority.url}/${tenant}/v2.0`,
    ]
    for (const iss of issuers) expect((await send(await signToken({ ...claims, iss }, own))).status).toBe(200)
    expect(await lastCall()).toMatchObject({ caller: 'app:app-1' })
    expect(authority.asked).toEqual([`/${tenant}/discovery/v2.0/keys`])
  })

  it('is refused with another tenant, issuer, key or audience', async () => {
    await using authority = await FakeAuthority.start(own)
    const { send, claims, lastCall } = setUpTenant(authority)
    const other = '99999999-2222-3333-4444-555555555555'
    const wrong: [reason: string, token: string][] = [
      ['bad-tid', await signToken({ ...claims, tid: other, iss: `https://sts.windows.net/${other}/` }, own)],
      ['missing-claim', await signToken(without(claims, 'tid'), own)],
      ['bad-iss', await signToken({ ...claims, iss: `https://sts.windows.net/${other}/` }, own)],
      ['bad-iss', await signToken({ ...claims, iss: `https://evil.example/${tenant}/v2.0` }, own)],
      ['unknown-kid', await signToken(claims, sibling)],
      ['bad-signature', await signToken(claims, sibling, { kid: own.kid })],
      ['bad-aud', await signToken({ ...claims, aud: 'other' }, own)],
      ['expired', await signToken({ ...claims, exp: claims.exp - 4_000 }, own)],
    ]
    for (const [reason, token] of wrong) {
      expect((await send(token)).status).toBe(401)
      expect(await lastCall()).toMatchObject({ refusal: reason })
    }
  })

  it('with an unknown key causes at most one read of the keys in 30 seconds', async () => {
    await using authority = await FakeAuthority.start(own)
    const { send, claims, clock } = setUpTenant(authority)
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        send(await signToken(claims, sibling, { kid: `k${index}` })),
      ),
    )
    expect(authority.asked).toHaveLength(1)
    authority.keys = [own, sibling]
    expect((await send(await signToken(claims, sibling))).status).toBe(401)
    await clock.advance(30_000)
    expect((await send(await signToken(claims, sibling))).status).toBe(200)
    expect(authority.asked).toHaveLength(2)
  })

  it('is refused while the keys cannot be read, which is logged, and other requests are answered', async () => {
    await using authority = await FakeAuthority.start(own)
    authority.keys = undefined
    const { send, claims, clock, log, lastCall, post } = setUpTenant(authority)
    const token = await signToken(claims, own)
    expect((await send(token)).status).toBe(401)
    expect(await lastCall()).toMatchObject({ refusal: 'keys-unavailable' })
    expect(log.filter(({ message }) => message.includes('public keys of a tenant'))).toHaveLength(1)
    expect((await post(`/acme${chat}`, body, { 'api-key': secret })).status).toBe(200)
    authority.keys = [own]
    await clock.advance(30_000)
    expect((await send(token)).status).toBe(200)
  })

  it('needs ENTRA_TENANTS', () => {
    const start = () => createTestSimulator({ env: { ENTRA_TOKENS: 'tenants', ENTRA_AUDIENCES: '' } })
    expect(start).toThrow(
      /ENTRA_TOKENS \(tokens\) is tenants, but ENTRA_TENANTS \(token_tenants\) is not set/,
    )
  })
})
