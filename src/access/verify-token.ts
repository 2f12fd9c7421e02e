import type { JWK } from 'jose'
import { hashOfKey, type SigningKey } from '../config/access-settings.ts'
import type { ResourceView } from '../config/config.ts'
import { isEnabled, type Refusal } from './credentials.ts'
import type { TenantKeys } from './tenant-keys.ts'
import { apiKeyId, issuerOf, objectIdOf, tenantIdOf } from './token-claims.ts'

/** Allowed difference between the clocks of issuer and simulator, in seconds, as in the libraries of Microsoft. */
const LEEWAY_SECONDS = 300

/** Longer tokens are refused unread. Tokens of users in many groups have about 4 KB. */
export const MAX_TOKEN_LENGTH = 16 * 1024

/** A token that a resource accepts. */
export interface AcceptedToken {
  /** `app:` and the id of the application. */
  readonly caller: string
  /** Time from which the token is refused, in milliseconds since 1970. */
  readonly untilMs: number
  /** Host of the issuer, which must be that of the request. Undefined if any host will do. */
  readonly issuerHost: string | undefined
}

/** What a token is verified against. */
export interface TokenCheck {
  /** Name of the resource. */
  readonly resource: string
  readonly config: ResourceView
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly tenantKeys: TenantKeys
}

type Claims = Readonly<Record<string, unknown>>

/** Verifies a JSON Web Token by the policy of a resource (`config.entra.tokens`). Returns why it is refused. */
export async function verifyToken(token: string, check: TokenCheck): Promise<AcceptedToken | Refusal> {
  const { tokens } = check.config.entra
  if (tokens === 'off') return 'tokens-off'
  const parts = await readToken(token)
  if (!parts) return 'malformed-token'
  const { alg, kid, claims } = parts
  if (alg !== 'RS256') return 'unsupported-alg'
  if (tokens !== 'any') {
    if (typeof kid !== 'string') return 'missing-claim'
    const key = tokens === 'own' ? ownKey(kid, check.config) : await tenantKey(kid, claims, check)
    if (typeof key === 'string') return key
    if (!(await isSigned(token, key))) return 'bad-signature'
  }
  const refusal = refusalOfTimes(claims, check.nowMs / 1_000) ?? refusalOfAudience(claims, check)
  if (refusal !== undefined) return refusal
  const issuer =
    tokens === 'own' ? checkOwn(claims, check) : tokens === 'tenants' ? checkTenant(claims, check) : anyIssuer
  if (typeof issuer === 'string') return issuer
  return {
    caller: callerOf(claims),
    untilMs: (Number(claims['exp']) + LEEWAY_SECONDS) * 1_000,
    issuerHost: issuer.host,
  }
}

/** The host that the request must have; undefined if any will do. */
interface CheckedIssuer {
  readonly host: string | undefined
}
const anyIssuer: CheckedIssuer = { host: undefined }

interface ReadToken {
  readonly alg: unknown
  readonly kid: unknown
  readonly claims: Claims
}

/** jose takes 0.25 s to load, so only the first token loads it. */
const jose = () => import('jose')

/** Returns the parts of a token without a check of its signature; undefined if it is not a token. */
async function readToken(token: string): Promise<ReadToken | undefined> {
  if (token.length > MAX_TOKEN_LENGTH) return undefined
  const { decodeJwt, decodeProtectedHeader } = await jose()
  try {
    const { alg, kid, crit } = decodeProtectedHeader(token)
    // Extensions that a reader must understand (RFC 7515, 4.1.11). This one understands none.
    if (crit !== undefined) return undefined
    return { alg, kid, claims: decodeJwt(token) }
  } catch {
    return undefined
  }
}

function ownKey(kid: string, { signingKey }: ResourceView): JWK | Refusal {
  return signingKey?.kid === kid ? publicJwk(signingKey) : 'unknown-kid'
}

/** Returns the public half of a signing key. */
export function publicJwk({ jwk: { n = '', e = '' } }: SigningKey): JWK {
  return { kty: 'RSA', n, e }
}

async function tenantKey(
  kid: string,
  { tid }: Claims,
  { config: { entra }, tenantKeys }: TokenCheck,
): Promise<JWK | Refusal> {
  if (typeof tid !== 'string') return 'missing-claim'
  const tenant = tid.toLowerCase()
  if (!entra.tenants.includes(tenant)) return 'bad-tid'
  const key = await tenantKeys.find(withoutSlash(entra.authority), tenant, kid)
  if (key === 'unknown') return 'unknown-kid'
  return key === 'unavailable' ? 'keys-unavailable' : key
}

async function isSigned(token: string, jwk: JWK): Promise<boolean> {
  const { compactVerify, importJWK } = await jose()
  try {
    await compactVerify(token, await importJWK(jwk, 'RS256'), { algorithms: ['RS256'] })
    return true
  } catch {
    return false
  }
}

function refusalOfTimes({ exp, nbf, iat }: Claims, now: number): Refusal | undefined {
  if (!isTime(exp)) return 'missing-claim'
  if (now - exp > LEEWAY_SECONDS) return 'expired'
  for (const start of [nbf, iat]) {
    if (start === undefined) continue
    if (!isTime(start)) return 'missing-claim'
    if (start - now > LEEWAY_SECONDS) return 'not-yet'
  }
  return undefined
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function refusalOfAudience({ aud }: Claims, { config }: TokenCheck): Refusal | undefined {
  if (aud === undefined) return 'missing-claim'
  const isAccepted = [aud].flat().some((one) => config.entra.audiences.includes(one as string))
  return isAccepted ? undefined : 'bad-aud'
}

/** Checks the claims of a token of the simulator. It is valid only as long as the key that it was issued for. */
function checkOwn({ iss, tid, appid, sub, oid }: Claims, check: TokenCheck): CheckedIssuer | Refusal {
  const { config, resource } = check
  if ([iss, tid, appid, sub, oid].some((claim) => typeof claim !== 'string')) return 'missing-claim'
  const issuer = ownIssuer(iss as string, resource, config)
  if (!issuer) return 'bad-iss'
  if (tid !== tenantIdOf(config)) return 'bad-tid'
  const client = appid === sub ? clientOf(appid as string, config) : undefined
  if (!client || oid !== objectIdOf(config, client.hash)) return 'key-deleted'
  return client.isEnabled ? issuer : 'key-disabled'
}

function ownIssuer(iss: string, resource: string, { publicUrl }: ResourceView): CheckedIssuer | undefined {
  if (publicUrl !== undefined) return iss === issuerOf(publicUrl, resource) ? anyIssuer : undefined
  if (!URL.canParse(iss)) return undefined
  const { protocol, host } = new URL(iss)
  const isWeb = protocol === 'https:' || protocol === 'http:'
  return isWeb && iss === issuerOf(`${protocol}//${host}`, resource) ? { host } : undefined
}

/** A key of a resource as a client of its token endpoint. */
export interface Client {
  readonly id: string
  readonly hash: string
  readonly isEnabled: boolean
}

/** Returns the key with an id, also a disabled one. */
export function clientOf(id: string, { keys, apiKey }: ResourceView): Client | undefined {
  for (const key of keys.values()) if (key.id === id) return { id, hash: key.hash, isEnabled: isEnabled(key) }
  return id === apiKeyId ? { id, hash: hashOfKey(apiKey), isEnabled: true } : undefined
}

/** Checks the issuer of a token of a tenant: those of versions 1 and 2, and those under the authority. */
function checkTenant({ iss, tid }: Claims, { config: { entra } }: TokenCheck): CheckedIssuer | Refusal {
  if (typeof iss !== 'string') return 'missing-claim'
  const tenant = String(tid)
  const authority = withoutSlash(entra.authority)
  const accepted = [
    `https://sts.windows.net/${tenant}/`,
    `https://login.microsoftonline.com/${tenant}/v2.0`,
    `${authority}/${tenant}/`,
    `${authority}/${tenant}/v2.0`,
  ]
  return accepted.includes(iss) ? anyIssuer : 'bad-iss'
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '')
}

const MAX_ID_LENGTH = 200

/** The application of version 1 (`appid`) or 2 (`azp`), else the principal. */
function callerOf(claims: Claims): string {
  const ids = [claims['appid'], claims['azp'], claims['oid'], claims['sub']]
  const id = ids.find((one) => typeof one === 'string' && one !== '')
  return `app:${typeof id === 'string' ? id.slice(0, MAX_ID_LENGTH) : 'unknown'}`
}
