import { describe, expect, it } from 'vitest'
import { isCredentialName, type CredentialLocation } from './credential-names.ts'

const locations: readonly CredentialLocation[] = ['header', 'parameter', 'member']

/** Names of credentials in all locations, as the words from which each spelling is built. */
const everywhere = [
  'api key',
  'access token',
  'auth token',
  'x auth token',
  'x api key',
  'private key',
  'client secret',
  'refresh token',
  'id token',
  'password',
  'db password',
  'pass',
  'session',
  'ticket',
  'sas',
  'pat',
  'x pat',
  'jwt',
  'auth',
  'authorization',
  'credential',
  'credentials',
  'dpop',
  'x saml assertion',
  'client assertion',
  'connection string',
  'account key',
  'shared access key',
  'x functions key',
  'ocp apim subscription key',
  'aws secret access key',
  'x amz security token',
  'x goog api key',
  'azure openai key',
  'x ms client principal',
  'cookie',
  'set cookie',
  'x csrf token',
]

const spellings: Readonly<Record<string, (words: readonly string[]) => string>> = {
  'with hyphens': (words) => words.join('-'),
  'with underscores': (words) => words.join('_'),
  'in camel case': ([first = '', ...rest]) => first + rest.map(capital).join(''),
  'in capitals': (words) => words.join('_').toUpperCase(),
  'with a number': (words) => `${words.join('-')}2`,
}

/** Without separators, `xpat` and `xauthtoken` cannot be distinguished from other words. */
const runTogether = everywhere.filter((words) => !/^x (?:pat|auth token)$/.test(words))

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

describe('credential names', () => {
  const cases = locations.flatMap((location) =>
    Object.entries(spellings).map(([how, spell]) => [location, how, spell] as const),
  )
  it.each(cases)('are recognized as a %s %s', (location, _how, spell) => {
    const missed = everywhere
      .map((words) => spell(words.split(' ')))
      .filter((name) => !isCredentialName(name, location))
    expect(missed).toEqual([])
  })

  it.each(locations)('are recognized as a %s without separators', (location) => {
    const missed = runTogether
      .map((words) => words.replaceAll(' ', ''))
      .filter((name) => !isCredentialName(name, location))
    expect(missed).toEqual([])
  })

  it.each([
    'x[api-key]',
    'auth[password]',
    'X-Amz-Credential',
    'api.key',
    'apikey2',
    'APIKeyV2',
    'api_key_primary',
  ])('are recognized with brackets, dots, numbers and suffixes: %s', (name) =>
    expect(isCredentialName(name, 'parameter')).toBe(true),
  )

  it.each([
    ['key', 'parameter'],
    ['code', 'parameter'],
    ['sig', 'parameter'],
    ['X-Amz-Signature', 'parameter'],
    ['session_id', 'parameter'],
    ['x-some-key', 'header'],
    ['Sec-WebSocket-Protocol', 'header'],
    ['x-hub-signature', 'header'],
    ['client-cert', 'header'],
    ['DPoP', 'header'],
    ['X-AuthToKen', 'header'],
    ['X-2FA-Code', 'header'],
    ['Authorisation', 'header'],
    ['X-Authz', 'header'],
    ['kong-admin-token', 'header'],
    ['developer-token', 'header'],
    ['x-ratelimit-bypass-key', 'header'],
    ['X-IDENTITY-HEADER', 'header'],
    ['X-Amzn-Oidc-Data', 'header'],
    ['backend_token', 'member'],
    ['speechKey', 'member'],
    ['virtual_key', 'member'],
    ['PassWord', 'member'],
    ['password_hash', 'member'],
    ['psk', 'member'],
  ] as const)('include %s as a %s', (name, location) => {
    expect(isCredentialName(name, location)).toBe(true)
  })

  it.each(['key', 'code', 'sig', 'signature', 'session_id', 'id', 'value', 'sort_key', 'object_key'])(
    'exclude JSON members that are data: %s',
    (name) => expect(isCredentialName(name, 'member')).toBe(false),
  )

  it.each([
    'access-control-allow-credentials',
    'www-authenticate',
    'proxy-authenticate',
    'x-amzn-bedrock-input-token-count',
    'x-ms-azureml-token-count',
    'x-ratelimit-key',
    'x-ratelimit-remaining-tokens',
    'x-cert',
    'x-signature-version',
    'x-key-id',
    'x-key-prefix',
    'signature-input',
    'x-rate-limit-key',
    'input_token_details',
    'ephemeral_5m_input_tokens',
    'candidatesTokenCount',
    'azureml-model-session',
    'idempotency-key',
    'sec-websocket-key',
    'surrogate-key',
    'x-ms-client-request-id',
    'openai-processing-ms',
    'max_tokens',
    'max_completion_tokens',
    'prompt_tokens',
    'completion_tokens_details',
    'cachedTokens',
    'tokens',
    'token_count',
    'token_type',
    'token_logprobs',
    'next_page_token',
    'nextPageToken',
    'continuation-token',
    'stop_token',
    'prompt_cache_key',
    'partition_key',
    'public_key',
    'safety_identifier',
    'password_policy',
    'authorization_url',
    'author',
    'authority',
    'monkey',
    'keyword',
    'tokenizer',
    'passenger',
    'secretary',
    'bypass',
    'sessions',
    'compass',
    'sigma',
    'responses',
    'encoding_format',
    'user',
  ])('exclude similar names: %s', (name) => {
    expect(locations.filter((location) => isCredentialName(name, location))).toEqual([])
  })
})
