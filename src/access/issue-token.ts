import { hashOfKey, type SigningKey } from '../config/access-settings.ts'
import type { ResourceView } from '../config/config.ts'
import type { Random } from '../lib/random.ts'
import { guid } from '../wire/ids.ts'
import { issuerOf, objectIdOf, tenantIdOf } from './token-claims.ts'
import { type Client, clientOf, publicJwk } from './verify-token.ts'

/** Lifetime of a token. Those of Entra have 60 to 90 minutes. */
const LIFETIME_SECONDS = 3_600

/** The flow of a confidential client, the only one: the simulator has no users. */
const grantType = 'client_credentials'

/** A request to the token endpoint of a resource. */
export interface TokenRequest {
  readonly form: URLSearchParams
  /** The header `Authorization`. */
  readonly authorization: string | undefined
  readonly config: ResourceView
  /** Name of the resource. */
  readonly resource: string
  /** Address of the simulator, without a trailing slash. */
  readonly base: string
  readonly nowMs: number
  /** Draws `uti`. */
  readonly random: Random
  /** Returns the signing key of the resource; undefined if the resource has been deleted. */
  readonly signingKey: () => Promise<SigningKey | undefined>
}

/** An error of the token endpoint, with the codes and texts of Entra. */
export interface TokenError {
  readonly status: 400 | 401 | 413
  readonly error: string
  /** The number of the AADSTS code. */
  readonly code: number
  readonly text: string
}

/** A token, and the key that it was issued for. */
export interface IssuedToken {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly clientId: string
  /** The text of the key. Secret. */
  readonly secret: string
}

/** Issues a token for a key of a resource: its id is the id of the client, its text the secret. Undefined if the resource is deleted. */
export async function issueToken(request: TokenRequest): Promise<IssuedToken | TokenError | undefined> {
  const { form, config } = request
  const repeated = [...form.keys()].find((name) => form.getAll(name).length > 1)
  if (repeated !== undefined) return duplicated(repeated)
  const grant = form.get('grant_type') ?? ''
  if (grant !== grantType) return unsupportedGrant(grant)
  // The parameter of version 1.0, instead of which version 2.0 has the scope.
  if (form.has('resource')) return resourceUnsupported()
  const sent = sentClient(request)
  if ('error' in sent) return sent
  const client = clientOf(sent.id, config)
  // The same error for an unknown client and a wrong secret, so that ids cannot be found out.
  if (!client?.isEnabled || hashOfKey(sent.secret) !== client.hash) return wrongSecret()
  const audience = audienceOf(form.get('scope') ?? '', config.entra.audiences)
  if (typeof audience === 'object') return audience
  const key = await request.signingKey()
  if (!key) return undefined
  const accessToken = await sign(claimsOf(client, audience, request), key)
  return { accessToken, expiresInSeconds: LIFETIME_SECONDS, clientId: client.id, secret: sent.secret }
}

interface SentClient {
  readonly id: string
  readonly secret: string
}

/** Returns the client in the form or in Basic authentication (RFC 6749, 2.3.1), of which a request may use one only. */
function sentClient({ form, authorization = '' }: TokenRequest): SentClient | TokenError {
  const inForm = form.get('client_secret')
  const encoded = /^basic +([\w+/=-]+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return { id: form.get('client_id') ?? '', secret: inForm ?? '' }
  if (inForm !== null) return twoSecrets()
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
  const client = { id: formDecoded(id), secret: formDecoded(rest.join(':')) }
  return client.id === (form.get('client_id') ?? client.id) ? client : twoClients()
}

function formDecoded(text: string): string {
  return new URLSearchParams(`text=${text.replaceAll('&', '%26')}`).get('text') ?? ''
}

/** Returns the audience that the scope names as `{audience}/.default`; without a scope, the first audience of the resource. */
function audienceOf(scope: string, audiences: readonly string[]): string | TokenError {
  const scopes = scope.split(' ').filter((one) => one !== '')
  if (scopes.length === 0) return audiences[0] ?? ''
  const named = new Set(scopes.map((one) => audiences.find((audience) => one === `${audience}/.default`)))
  const [audience] = named
  return named.size === 1 && audience !== undefined ? audience : wrongScope(scope)
}

/**
 * Claims of version 1.0, which tokens for Azure OpenAI have in Entra (`appid`), although clients ask the endpoint of version 2.0.
 * `azp` is the same for readers of version 2.0.
 */
function claimsOf({ id, hash }: Client, audience: string, request: TokenRequest) {
  const { base, resource, config, nowMs, random } = request
  const now = Math.floor(nowMs / 1_000)
  const oid = objectIdOf(config, hash)
  return {
    aud: audience,
    iss: issuerOf(base, resource),
    iat: now,
    nbf: now,
    exp: now + LIFETIME_SECONDS,
    appid: id,
    appidacr: '1',
    azp: id,
    idtyp: 'app',
    oid,
    sub: id,
    tid: tenantIdOf(config),
    uti: Buffer.from(guid(random).replaceAll('-', ''), 'hex').toString('base64url'),
    ver: '1.0',
  }
}

async function sign(claims: ReturnType<typeof claimsOf>, { jwk, kid }: SigningKey): Promise<string> {
  const { importJWK, SignJWT } = await import('jose')
  const key = await importJWK({ ...jwk, kty: 'RSA' }, 'RS256')
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(key)
}

/** The metadata of a resource as an issuer (OpenID Connect Discovery), with what the libraries of Microsoft require. */
export function discoveryOf(resource: string, base: string, { entra }: ResourceView): object {
  const own = `${base}/${resource}`
  return {
    issuer: issuerOf(base, resource),
    authorization_endpoint: `${own}/oauth2/v2.0/authorize`,
    token_endpoint: `${own}/oauth2/v2.0/token`,
    jwks_uri: `${own}/.well-known/jwks.json`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    grant_types_supported: [grantType],
    scopes_supported: entra.audiences.map((audience) => `${audience}/.default`),
    response_types_supported: ['token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['aud', 'iss', 'iat', 'nbf', 'exp', 'appid', 'azp', 'oid', 'sub', 'tid', 'uti', 'ver'],
  }
}

/** The public key of a resource as a JSON Web Key Set. */
export function keySetOf(key: SigningKey): object {
  return { keys: [{ ...publicJwk(key), use: 'sig', alg: 'RS256', kid: key.kid }] }
}

const MAX_QUOTED_LENGTH = 200

function quoted(text: string): string {
  return text.slice(0, MAX_QUOTED_LENGTH)
}

function duplicated(name: string): TokenError {
  const text = `The request is not properly formatted. The parameter '${quoted(name)}' is duplicated.`
  return { status: 400, error: 'invalid_request', code: 9_000_411, text }
}

function unsupportedGrant(grant: string): TokenError {
  const text = `The app requested an unsupported grant type '${quoted(grant)}'. Use ${grantType}.`
  return { status: 400, error: 'unsupported_grant_type', code: 70_003, text }
}

function resourceUnsupported(): TokenError {
  const text =
    "The 'resource' request parameter is not supported. Use the parameter 'scope' with /.default after the resource."
  return { status: 400, error: 'invalid_request', code: 901_002, text }
}

function twoClients(): TokenError {
  const text = 'The client_id in the form differs from that in the header Authorization. Send one of them.'
  return { status: 400, error: 'invalid_request', code: 90_002, text }
}

function twoSecrets(): TokenError {
  const text = 'The request has credentials in the form and in the header Authorization. Send one of them.'
  return { status: 400, error: 'invalid_request', code: 90_002, text }
}

function wrongSecret(): TokenError {
  const text =
    'Invalid client secret provided. Send the id of a key of the resource as client_id and the key as client_secret.'
  return { status: 401, error: 'invalid_client', code: 7_000_215, text }
}

function wrongScope(scope: string): TokenError {
  const text = `The provided value for scope ${quoted(scope)} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`
  return { status: 400, error: 'invalid_scope', code: 1_002_012, text }
}
