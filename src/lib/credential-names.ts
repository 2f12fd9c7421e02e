/**
 * Where a name is used. In headers and parameters, short names such as `key` or `code` are credentials; in JSON members they are
 * data. Form fields count as parameters.
 */
export type CredentialLocation = 'header' | 'parameter' | 'member'

/** Words that name a credential, alone or at the end of a longer word: `token`, `accesstoken`, `client_secret`. */
const credentialEnding =
  /(?:secret|password|passwd|passphrase|passcode|credential|token|cookie|authori[sz]ation|apikey)s?$/

/** Words that name a credential only as whole words. */
const credentialWord =
  /^(?:o?auth|xauth|authentication|auth[nz]|jwts?|pwd|bearer|dpop|csrf|xsrf|jsessionid|phpsessid|sessid|creds|pw|passw|t?otp|psk)$/

/** Words that name a credential in headers and parameters; in JSON they are data. */
const opaqueWord = /^(?:keys?|sig|signature|hmac)$/

/** Words before `key` that make it a credential, with or without a separator: `privatekey`, `azure_openai_key`. Many are services. */
const credentialKey =
  /(?:aws|gcp|google|gemini|bedrock|vertex|cohere|mistral|groq|together|perplexity|deepseek|xai|openrouter|litellm|portkey|helicone|lang(?:smith|fuse)|braintrust|huggingface|hf|replicate|pinecone|weaviate|qdrant|milvus|elevenlabs|deepgram|tavily|serp(?:er|api)|bing|cognitive|speech|vision|translator|datadog|newrelic|stripe|twilio|sendgrid|github|gitlab|ephemeral|virtual|deploy|endpoint|query|ingest(?:ion)?|gateway|proxy|preshared|api|access|secret|private|subscription|functions?|account|master|admin|host|sign(?:ing)?|encryption|decryption|shared|storage|auth|service|client|server|security|resource|openai|azure|aoai|anthropic|foundry|search|cosmos|redis|ssh|rsa|gpg|pgp|hmac|session|upstream|app(?:lication)?|consumer|license|write|sas|instrumentation|embedding)keys?$/

/** Whole names, without separators and without a leading `x`. */
const wholeNames: Readonly<Record<CredentialLocation, ReadonlySet<string>>> = {
  header: namesOf('secwebsocketprotocol sas pass pat ticket session sid assertion'),
  parameter: namesOf('sas pass pat ticket session sid assertion code devicecode codeverifier samlresponse'),
  member: namesOf('sas pass pat ticket session sid devicecode codeverifier samlresponse'),
}

/** Compounds that name a credential although their words do not. */
const compound =
  /connection(?:string|str)s?$|connstr(?:ing)?s?$|clientcert(?:ificate)?s?$|sharedaccesssignatures?$|^(?:vault)?secretid$|(?:client|saml|jwt|user)assertion$|msclientprincipal$|secretstring$|(?:db|user|smtp|imap|ftp|ssh|admin|login|mysql|pg|postgres|database|e?mail|redis|root)(?:pass|pw)$|(?:mfa|otp|2fa|device|recovery|backup|functions?)codes?$|(?:kerberos|auth|login|sso)ticket$|password(?:hash|confirm(?:ation)?)$|oidcdata$|^x?identityheader$|^xhoneycombteam$|^xjfrogartapi$|^x?ntlm$|^xamzsignature$|^xgoogsignature$/

/** A session id is a credential in headers and parameters. In JSON it usually names a conversation. */
const sessionId = /sessionid$/

/** The last word of names that describe a credential or count tokens. */
const aboutCredential =
  /^(?:counts?|tokens|limits?|remaining|reset|ids?|versions?|types?|urls?|uris?|endpoints?|length|size|usage|used|expir(?:es|y|ed|ation)|ttl|algorithms?|alg|names?|details|policy|policies|status|budget|cost|methods?|mode|required|enabled|ratio|scopes?|scheme|strength|provider|issuer|in|at|on|len|cached|created|updated|date|time|ms|seconds|format|description|label|index|info|input|prefix|hint|logprobs?)$/

/** Last words that are ignored: `api_key_primary`, `password_value`. */
const kindOfCredential =
  /^(?:v|value|val|header|primary|secondary|current|old|new|prod|dev|test|live|base|b|b64|encoded|plain|raw|pem|der|jwk|material)$/

/** Keys and tokens that are not credentials: those of caches, tables, pages and texts. Matches words joined by spaces. */
const plainKey =
  /(?:^|x| )(?:cache|idempotency|partition|row|sort|range|primary|foreign|public|routing|group|lookup|surrogate|web ?socket|dedup|deduplication|object|blob|rate ?limit) ?keys?(?: ?pins)?$/
const plainToken =
  /(?:^|x| )(?:page|continuation|continue|next|skip|sync|cursor|prev|previous|pagination|delta|resume|eos|bos|pad|padding|unk|sep|cls|mask|stop|special|first|last|start|end|begin|per|max|min|prompt|completion|total|text|image|audio|input|output|cached|reasoning|draft|bpe) ?tokens?$/

/** Headers about credentials that do not contain one. */
const plainName = /^(?:icepwd|accesscontrol|wwwauthenticate|proxyauthenticate|x?ratelimit(?!bypass))/

/** Results by name. Bounded, since clients choose names. */
const cache: Readonly<Record<CredentialLocation, Map<string, boolean>>> = {
  header: new Map(),
  parameter: new Map(),
  member: new Map(),
}
const MAX_CACHED_NAMES = 2_000
/** Only the end of a longer name is checked. */
const MAX_NAME_LENGTH = 200

/**
 * Whether the value of a name is a credential. Used for headers, parameters, form fields and JSON. Ignores case, separators,
 * brackets and trailing numbers: `x-api-key`, `xApiKey`, `XAPIKEY2` and `x[api-key]` are equal.
 */
export function isCredentialName(name: string, location: CredentialLocation): boolean {
  const results = cache[location]
  let result = results.get(name)
  if (result === undefined) {
    result = classify(name.slice(-MAX_NAME_LENGTH), location)
    if (results.size >= MAX_CACHED_NAMES) results.clear()
    if (name.length <= MAX_NAME_LENGTH) results.set(name, result)
  }
  return result
}

/** A fast check that excludes texts without a credential name. Escapes count, since they can hide one. */
export function mayNameCredential(text: string): boolean {
  return /secret|pass|pwd|cred|token|cookie|auth|key|assertion|jwt|bearer|dpop|csrf|xsrf|sess|sid|sas|pat|ticket|conn|cert|access|device|verifier|saml|header|psk|recovery|backup|otp|pw|mfa|2fa|\\u/i.test(
    text,
  )
}

/** Which members of an object with this name are credentials: all of them, or those for which `isCredentialPart` is true. */
export function credentialObject(name: string): 'all' | 'parts' | undefined {
  const whole = wordsOf(name).join('')
  if (/^(?:secrets|cookies|apikeys)$/.test(whole)) return 'all'
  return /^(?:auth|authentication|authorization|credentials?|secret)$/.test(whole) ? 'parts' : undefined
}

/** Whether a member of an object is a credential, if `credentialObject` returned `parts` for the object. */
export function isCredentialPart(name: string): boolean {
  return /^(?:.*key|value|.*token|code|sig|signature|pin)$/.test(wordsOf(name).join(''))
}

function classify(name: string, location: CredentialLocation): boolean {
  const words = wordsOf(name)
  const whole = words.join('')
  if (plainName.test(whole)) return false
  if (compound.test(whole) || credentialWord.test(whole)) return true
  if (location !== 'member' && sessionId.test(whole)) return true
  if (wholeNames[location].has(whole.replace(/^x(?=.)/, ''))) return true
  const last = words.at(-1) ?? ''
  if (aboutCredential.test(last) && !/^(?:access|refresh|auth|api|bearer|session)tokens$/.test(whole))
    return false
  while (words.length > 1 && kindOfCredential.test(words.at(-1) ?? '')) words.pop()
  const spaced = words.join(' ')
  if (plainKey.test(spaced) || plainToken.test(spaced)) return false
  const compact = words.join('')
  if (credentialKey.test(compact) || credentialEnding.test(compact)) return true
  const checked = location === 'member' ? words.slice(-1) : words
  return checked.some(
    (word) =>
      credentialEnding.test(word) ||
      credentialWord.test(word) ||
      (location !== 'member' && opaqueWord.test(word)),
  )
}

/** The words of a name in lower case, without trailing numbers. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => word.replace(/(?<=.)v?\d+$/, ''))
    .filter((word) => /[a-z]/.test(word))
}

function namesOf(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
