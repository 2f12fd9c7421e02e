import { createHash, randomBytes } from 'node:crypto'
import { nameList, oneOf, setting, textThat } from './setting.ts'

/** Which tokens of Microsoft Entra ID a resource accepts (docs/access.md). */
const tokenPolicies = ['off', 'any', 'own', 'tenants'] as const

const group = 'Access'

/** Settings of tokens of Microsoft Entra ID. */
export const entraSettings = {
  tokens: setting(oneOf(tokenPolicies), {
    env: 'ENTRA_TOKENS',
    patch: 'tokens',
    group,
    default: 'off',
    description:
      'Tokens that clients can send instead of a key: off, any that has not expired (without a check of its signature), own from the token endpoint of the simulator, tenants from the tenants in ENTRA_TENANTS (docs/access.md).',
  }),
  audiences: setting(nameList(/^[\x21-\x7e]{1,256}$/, 'audiences'), {
    env: 'ENTRA_AUDIENCES',
    patch: 'audiences',
    group,
    default: 'https://cognitiveservices.azure.com,https://ai.azure.com',
    description: 'Accepted audiences (aud) of tokens.',
  }),
  tenants: setting(
    nameList(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, 'ids of tenants', { lowerCase: true }),
    {
      env: 'ENTRA_TENANTS',
      patch: 'token_tenants',
      group,
      unsetMeaning: 'none; ENTRA_TOKENS=tenants needs it',
      description: 'Ids of Microsoft Entra ID tenants. ENTRA_TOKENS=tenants accepts their tokens.',
    },
  ),
  authority: setting(
    textThat(
      (value) => /^https?:\/\/[^\s?#@]+$/i.test(value) && URL.canParse(value),
      'an http or https address without a query or a password',
    ),
    {
      env: 'ENTRA_AUTHORITY',
      patch: 'token_authority',
      group,
      default: 'https://login.microsoftonline.com',
      description: 'Address from which the public keys of ENTRA_TENANTS are read.',
    },
  ),
}

/** A key of a resource. Only its hash is stored, so that it cannot be read again. */
export interface ResourceKey {
  /** Id in the admin API, the log and the journal, such as `apikey_x7Qa...`. */
  readonly id: string
  /** Name for people; undefined if none was given. */
  readonly label?: string | undefined
  /** SHA-256 of the key in hexadecimal digits. */
  readonly hash: string
  /** Whether requests with the key are accepted. Default: true. */
  readonly enabled?: boolean | undefined
  /** Time of its creation, RFC 3339; undefined for a key of the configuration. */
  readonly createdAt?: string | undefined
  /** The key itself, only if the configuration contains it, to redact it. Secret. */
  readonly text?: string | undefined
  /** The variable that the configuration names for the key. */
  readonly variable?: string | undefined
}

/** The RSA key with which a resource signs tokens. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string
  /** The private key as a JSON Web Key (RFC 7517). Secret. */
  readonly jwk: Readonly<Record<string, string>>
}

/** Returns the thumbprint of an RSA key (RFC 7638): SHA-256 of its public part in base64url. */
export function thumbprintOf({ e, kty, n }: SigningKey['jwk']): string {
  return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
}

/** Returns the hash under which a key is stored: SHA-256 in hexadecimal digits. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/** Returns 128 random bits in the form of a key of the service: 32 hexadecimal digits. */
export function generateKey(): string {
  return randomBytes(16).toString('hex')
}
