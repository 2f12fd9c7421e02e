/**
 * Where a name stands. Headers and parameters carry credentials under short names such as `key` or `code`, which are plain
 * data as members of JSON; form fields count as parameters.
 */
export type CredentialLocation = 'header' | 'parameter' | 'member'

/** Words that name a credential, alone or at the end of a longer word: `token`, `accesstoken`, `client_secret`. */
const credentialEnding =
  /(?:secret|password|passwd|passphrase|passcode|credential|token|cookie|authorization|apikey)s?$/

/** Words that name a credential only where they stand alone. */
const credentialWord =
  /^(?:o?auth|xauth|authentication|authn|jwts?|pwd|bearer|dpop|csrf|xsrf|jsessionid|phpsessid|sessid|creds|pw|passw|t?otp)$/

/** Words that name a credential in headers and parameters; in JSON they are data. */
const opaqueWord = /^(?:keys?|sig|signature|hmac)$/

/** What opens something, in front of `key`, with or without a separator: `privatekey`, `azure_openai_key`. */
const credentialKey =
  /(?:api|access|secret|private|subscription|functions?|account|master|admin|host|sign(?:ing)?|encryption|decryption|shared|storage|auth|service|client|server|security|resource|openai|azure|aoai|anthropic|foundry|search|cosmos|redis|ssh|rsa|gpg|pgp|hmac|session|upstream|app(?:lication)?|consumer|license|write|sas|instrumentation|embedding)keys?$/

/** Whole names, without separators and without a leading `x`. */
const wholeNames: Readonly<Record<CredentialLocation, ReadonlySet<string>>> = {
  header: namesOf('secwebsocketprotocol sas pass pat ticket session sid assertion'),
  parameter: namesOf('sas pass pat ticket session sid assertion code devicecode codeverifier samlresponse'),
  member: namesOf('sas pass pat ticket session sid devicecode codeverifier samlresponse'),
}

/** Compounds whose words alone would mean something else. */
const compound =
  /connection(?:string|str)s?$|connstr(?:ing)?s?$|clientcert(?:ificate)?s?$|sharedaccesssignatures?$|^(?:vault)?secretid$|(?:client|saml|jwt|user)assertion$|msclientprincipal$|secretstring$|(?:db|user|smtp|imap|ftp|ssh|admin|login|mysql|pg|postgres|database|e?mail|redis|root)(?:pass|pw)$|(?:mfa|otp|2fa)code$|^xamzsignature$|^xgoogsignature$/

/** A session is known by its id; in JSON that id mostly names a conversation. */
const sessionId = /sessionid$/

/** The last word of names that tell something about a credential, or count tokens. */
const aboutCredential =
  /^(?:counts?|tokens|limits?|remaining|reset|ids?|versions?|types?|urls?|uris?|endpoints?|length|size|usage|used|expir(?:es|y|ed|ation)|ttl|algorithms?|alg|names?|details|policy|policies|status|budget|cost|methods?|mode|required|enabled|ratio|scopes?|scheme|strength|provider|issuer|in|at|on|len|cached|created|updated|date|time|ms|seconds|format|description|label|index|info|logprobs?)$/

/** Further last words, which leave a name what it is: `api_key_primary`, `password_value`. */
const kindOfCredential =
  /^(?:v|value|val|header|primary|secondary|current|old|new|prod|dev|test|live|base|b|b64|encoded|plain|raw|pem|der|jwk|material)$/

/** Keys and tokens that open nothing: those of caches, tables, pages and texts. */
const plainKey =
  /(?:cache|idempotency|partition|row|sort|range|primary|foreign|public|routing|group|lookup|surrogate|websocket|dedup|deduplication|object|blob|ratelimit)keys?(?:pins)?$/
const plainToken =
  /(?:page|continuation|continue|next|skip|sync|cursor|prev|previous|pagination|delta|resume|eos|bos|pad|padding|unk|sep|cls|mask|stop|special|first|last|start|end|begin|per|max|min|prompt|completion|total|text|image|audio|input|output|cached|reasoning|draft|bpe)tokens?$/

/** Names of headers that speak of credentials and carry none. */
const plainName = /^(?:icepwd|accesscontrol|wwwauthenticate|proxyauthenticate|x?ratelimit)/

/** Names are asked for again and again; there is no end to those that callers can send. */
const known: Readonly<Record<CredentialLocation, Map<string, boolean>>> = {
  header: new Map(),
  parameter: new Map(),
  member: new Map(),
}
const MAX_KNOWN = 2_000
/** Of a longer name only the end counts. */
const MAX_NAME_LENGTH = 200

/**
 * Whether the value under a name lets somebody in: the one list for headers, parameters, form fields and JSON. Case, separators
 * and brackets do not count: `x-api-key`, `xApiKey`, `XAPIKEY2` and `x[api-key]` are the same.
 */
export function isCredentialName(name: string, place: CredentialLocation): boolean {
  const answers = known[place]
  let answer = answers.get(name)
  if (answer === undefined) {
    answer = judge(name.slice(-MAX_NAME_LENGTH), place)
    if (answers.size >= MAX_KNOWN) answers.clear()
    if (name.length <= MAX_NAME_LENGTH) answers.set(name, answer)
  }
  return answer
}

/** Whether a text may hold a name of this list, or escapes that may hide one: a cheap look at what has none. */
export function mayNameCredential(text: string): boolean {
  return /secret|pass|pwd|cred|token|cookie|auth|key|assertion|jwt|bearer|dpop|csrf|xsrf|sess|sid|sas|pat|ticket|conn|cert|access|device|verifier|saml|header|otp|pw|mfa|2fa|\\u/i.test(
    text,
  )
}

/** What the members of an object are whose name speaks of credentials: all of them, or those that `isCredentialPart` names. */
export function credentialObject(name: string): 'all' | 'parts' | undefined {
  const whole = wordsOf(name).join('')
  if (/^(?:secrets|cookies|apikeys)$/.test(whole)) return 'all'
  return /^(?:auth|authentication|authorization|credentials?|secret)$/.test(whole) ? 'parts' : undefined
}

/** Whether a member is a credential inside an object of which `parts` are. */
export function isCredentialPart(name: string): boolean {
  return /^(?:.*key|value|.*token|code|sig|signature|pin)$/.test(wordsOf(name).join(''))
}

function judge(name: string, place: CredentialLocation): boolean {
  const words = wordsOf(name)
  const whole = words.join('')
  if (plainName.test(whole)) return false
  if (compound.test(whole)) return true
  if (place !== 'member' && sessionId.test(whole)) return true
  if (wholeNames[place].has(whole.replace(/^x(?=.)/, ''))) return true
  const last = words.at(-1) ?? ''
  if (aboutCredential.test(last) && !/^(?:access|refresh|auth|api|bearer|session)tokens$/.test(whole))
    return false
  while (words.length > 1 && kindOfCredential.test(words.at(-1) ?? '')) words.pop()
  const compact = words.join('')
  if (plainKey.test(compact) || plainToken.test(compact)) return false
  if (credentialKey.test(compact)) return true
  const judged = place === 'member' ? words.slice(-1) : words
  return judged.some(
    (word) =>
      credentialEnding.test(word) ||
      credentialWord.test(word) ||
      (place !== 'member' && opaqueWord.test(word)),
  )
}

/** The words of a name in lower case, without the numbers behind them. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => word.replace(/(?<=.)v?\d+$/, ''))
    .filter((word) => /[a-z]/.test(word))
}

function namesOf(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
