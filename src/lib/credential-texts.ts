import { isCredentialName } from './credential-names.ts'
import { createReplaceTexts, type ReplaceTexts } from './replace-texts.ts'

/** Replacement of a credential. */
export const redacted = '[redacted]'

/** Replacement of a credential in a query, where brackets would be escaped. */
export const redactedParameter = 'REDACTED'

/** Called for each credential, with its location such as `parameter sig` or `a JWT`. Returns whether the credential is replaced. */
export type OnFound = (where: string, value: string) => boolean

const ignoreFound: OnFound = () => true

/** A text without a match has no credential. One pass without backtracking. */
const trigger =
  /(?:-u|--user)[ =]|value=|[=:>|]["'`\\*\s-]{0,6}[\w.~+/-]{16}|%3[ad]|:\/\/|%(?:25)*3a|bearer|dpop|basic[ +%]|openai-insecure|signature|a(?:kia|sia|iza)|ya29|gh[a-z]_|github_pat|xox|xapp|hf_|jqqj99|eyj|[a-z0-9]{2}[_-](?=[a-z0-9_-]{16})|dapi|sg\.|key|secret|token|passw|pwd|authoriz|cookie/i

/** A header with a scheme and one token, such as Authorization. A challenge has parameters instead of the token. */
const schemeAndToken =
  /^(bearer|dpop|token|api-?key|negotiate|ntlm|sharedkey(?:lite)?)(?:\s|%20|\+)+(?!(?:realm|charset|error|scope|authorization_uri)=)([^\s,]{4,})$/i

/** A JSON Web Token: three parts, or five if it is encrypted. */
const jwt = /(?<![\w-])eyJ[\w-]{8,8000}\.[\w-]{0,8000}\.[\w-]{8,8000}(?:\.[\w-]{1,8000}){0,2}/g

/** A private key in PEM, also if it is cut off. A text that only mentions the first line does not match. */
const privateKey =
  /-----BEGIN(?:[A-Z0-9]| |%20|\+){0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----(?:(?:(?!-----BEGIN)[^]){1,20000}?-----END(?:[A-Z0-9]| |%20|\+){0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----|(?:(?:\s|\\[rn]){1,8}[\w+/=]{8,8000})+|%0[AD][\w%+/=]{16,8000})/g

/** Keys with a known format. Each requires a long run of letters and digits, so that `sk-learn-models` does not match. */
const keyShapes: readonly RegExp[] = [
  /\bsk-(?=[\w-]{0,60}?[A-Za-z0-9]{16})(?=[\w-]{0,100}?\d)[\w-]{18,}/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bAIza[\w-]{35}/g,
  /\bya29\.[\w-]{20,}/g,
  /\bgh[opusr]_[A-Za-z0-9]{36,}/g,
  /\bgithub_pat_\w{40,}/g,
  /\bxox[abeprs]-[\w-]{10,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\b(?:[spr]k_(?:live|test)|e[kt]|gsk|npm|r8|pypi|whsec|shp(?:at|ca|pa|ss)|dop_v1|lsv2_[a-z]{2})_(?=[\w-]{0,100}?\d)[A-Za-z0-9_-]{20,}/g,
  /\b(?:glpat|xai|pplx|tvly|nvapi|GOCSPX|xapp)-(?=[\w-]{0,60}?[A-Za-z0-9]{8})(?=[\w-]{0,100}?(?:\d|[a-z][A-Z]))[\w-]{18,}/g,
  /\bdapi[0-9a-f]{32}\b/g,
  /(?<=\bbot|\b)\d{8,10}:[\w-]{35}\b/g,
  /\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g,
  privateKey,
]

/** A key of an Azure resource: 84 characters with the signature `JQQJ99`. */
const azureKey = /\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}\b/g

const bearer = /\b(bearer|dpop)((?: |\+|%20)+)([\w.~+/-]{10,8000}=*)/gi
const basic = /\b(basic)((?: |\+|%20)+)([A-Za-z0-9+/]{4,2000}={0,2})/gi
const websocketKey = /\b(openai-insecure-api-key\.)([^\s,"]+)/gi
const storageKey =
  /(\b(?:accountkey|sharedaccesskey|sharedaccesssignature)\s{0,5}=\s{0,5}|\bsharedaccesssignature\s{1,5}(?=\S{0,40}=)|;\s{0,5}(?:password|pwd)\s{0,5}=\s{0,5})([^;\s"'<>]+)/gi
const signature = /\b(signature=)([0-9a-f]{32,})/gi

/** A webhook URL with a secret in its path. */
const webhook =
  /(hooks\.slack\.com\/(?:services|workflows|triggers)\/|discord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/|webhook\.office\.com\/webhookb2\/)([\w/@-]{10,200})/gi

/**
 * What separates a name from its value, and the value: `api_key: ...`, `OPENAI_API_KEY="..."`, `<apiKey>...`, JSON in a text, and
 * the same percent-encoded. A scheme or another name can follow the separator: `Authorization: Token ...`, `note: api_key=...`.
 */
const namedText =
  /((?:\\{0,3}["'`]|%22|\*\*)?\]?\s{0,5}(?::|=>?|>|\||%3a|%3d)(?:\*\*)?(?:\s|%20|\+){0,12}(?:-\s{1,4})?(?:(?:token|apikey|sharedkey(?:lite)?)\s(?:\w{1,64}:)?|(\w{1,64})=)?(?:\\{0,3}["'`]|%22|\*\*)?)([\w.~+/-]{16,8000}=*)(?![\w([])/gi

/** A noun and its value in a sentence or a command: `Incorrect API key provided: ...`, `the password is ...`, `--token ...`. */
const namedInWords =
  /((?:key|secret|password|passwd|passphrase|passcode|token|credential)(?: (?:is|was|provided|given|supplied))?)(:?[ =]["'`]?)([\w.~+/-]{16,8000}=*)/gi

/** An attribute with a name and one with its value: `<add key="ApiKey" value="..."/>`. */
const namedAttribute =
  /(\b(?:key|name)=\\?["']([\w:.-]{1,100})\\?["']\s{1,20}value=\\?["'])([^"'\\<>]{4,8000})/gi

/** User and password in a command: `curl -u user:password`. */
const userOption = /((?:^|\s)(?:-u|--user)[ =]["']?[\w.@-]{1,100}:)([^\s"'`\\]{8,1000})/g

/** A URL from its slashes to its end, also percent-encoded once or several times. */
const address = /(?::\/\/|%(?:25)*3a%(?:25)*2f%(?:25)*2f)[^\s"'<>\\`]+/gi

/**
 * Replaces the credentials in a text that are recognizable by their context or format: tokens after `Bearer`, signatures and
 * passwords in URLs, keys in connection strings, keys of common services. Linear time.
 */
export function redactText(text: string, onFound: OnFound = ignoreFound): string {
  if (!mayHoldCredential(text)) return text
  const replace = (where: string, value: string): string => {
    if (value === redacted || value === redactedParameter) return value
    return found(where, value, onFound)
  }
  const valueIf =
    (isCredential: (value: string) => boolean) =>
    (all: string, start: string, space: string, value: string) =>
      isCredential(value) ? `${start}${space}${replace(start.toLowerCase(), value)}` : all
  const after = (_all: string, start: string, value: string): string =>
    start + replace(start.replace(/[\W_]+$/, '').replace(/^\W+/, ''), value)
  let rest = text
    .replace(address, (run) => redactAddress(run, onFound))
    .replace(bearer, valueIf(looksRandom))
    .replace(basic, valueIf(isUserAndPassword))
    .replace(websocketKey, after)
    .replace(storageKey, after)
    .replace(signature, after)
    .replace(jwt, (value) => replace('a JWT', value))
    .replace(webhook, after)
    .replace(namedInWords, (all, start: string, space: string, value: string, at: number, whole: string) => {
      const noun = start.split(' ', 1)[0] ?? ''
      if (!looksLikeKey(value)) return all
      const [name] = namesBefore(whole, at + noun.length)
      return isCredentialName(name, 'member') ? start + space + replace(name, value) : all
    })
    .replace(
      namedText,
      (all, between: string, inner: string | undefined, value: string, at: number, whole: string) => {
        if (!looksLikeKey(value)) return all
        const name = [inner, ...namesBefore(whole, at)].find(
          (one) =>
            one !== undefined && isCredentialName(one, 'member') && !/^(?:session|ticket|sid)$/i.test(one),
        )
        return name === undefined ? all : between + replace(name, value)
      },
    )
    .replace(namedAttribute, (all, start: string, name: string, value: string) =>
      isCredentialName(name, 'member') ? start + replace(name, value) : all,
    )
    .replace(userOption, (all, start: string, value: string) =>
      looksRandom(value) && /[a-z]/i.test(value) ? start + replace('password', value) : all,
    )
  for (const shape of keyShapes) rest = rest.replace(shape, (value) => replace('a key', value))
  // The search for a run of 84 characters is slow.
  if (rest.includes('JQQJ99')) rest = rest.replace(azureKey, (value) => replace('a key', value))
  return rest
}

/** Replaces the credentials in a whole value, such as a header or a JSON member. It can be a token or a URL without a host. */
export function redactValue(text: string, onFound: OnFound = ignoreFound): string {
  if (text.startsWith('eyJ') && text.length < 40_000 && text.replace(jwt, '') === '')
    return found('a JWT', text, onFound)
  const plain = redactText(text, onFound)
  return /^\.{0,2}\/[^\s"'<>]*[?#]/.test(plain) ? redactAddress(plain, onFound) : plain
}

/** A parameter of a header: `access_token=...; path=/`. */
const namedValue = /((?:^|[;,\s])([\w.-]{1,64})="?)([^;,\s"]+)/g

/** Replaces the credentials in the value of a header with a name that is not a credential. */
export function redactHeaderValue(text: string, onFound: OnFound = ignoreFound): string {
  const [, scheme = '', token = ''] = schemeAndToken.exec(text) ?? []
  const isBearer = /^(?:bearer|dpop)$/i.test(scheme) && !/^(?:tokens?|auth[a-z]*)$/i.test(token)
  if (token !== redacted && (isBearer || (token !== '' && looksRandom(token)))) {
    return onFound(scheme.toLowerCase(), token) ? `${scheme} ${redacted}` : text
  }
  const tokens = text.includes('eyJ') ? text.replace(jwt, (value) => found('a JWT', value, onFound)) : text
  const pairs = tokens.replace(namedValue, (all, start: string, name: string, value: string) =>
    isCredentialName(name, 'member') && value !== redacted ? start + found(name, value, onFound) : all,
  )
  return redactValue(pairs, onFound)
}

/**
 * Replaces the values of credentials and of the given names in a query or an encoded form. All other bytes are unchanged.
 *
 * @param names in lower case
 */
export function redactQuery(
  query: string,
  names?: ReadonlySet<string>,
  onFound: OnFound = ignoreFound,
): string {
  return query
    .split('&')
    .map((parameter) => {
      const equals = parameter.indexOf('=')
      if (equals < 0) return parameter
      const name = decode(parameter.slice(0, equals).replaceAll('+', ' ')).replace(/^amp;/, '')
      const value = parameter.slice(equals + 1)
      const isListed = names?.has(name.toLowerCase()) === true
      const isNamed = isListed || isCredentialName(name, 'parameter')
      if (!isNamed && value.includes(';') && /;[^;=]+=/.test(value)) {
        // Some servers also accept semicolons between parameters.
        const parts = parameter.split(';')
        return parts.map((part) => redactQuery(part, names, onFound)).join(';')
      }
      if (!isNamed) {
        const inner = redactHeaderValue(value, onFound)
        const plain = /[?#]|%(?:25)*(?:3f|23)/i.test(inner) ? redactAddress(inner, onFound) : inner
        if (plain === value) return parameter
        return (
          parameter.slice(0, equals + 1) + plain.replaceAll(redacted, redactedParameter).replaceAll(' ', '+')
        )
      }
      if (value === '' || value === redactedParameter) return parameter
      if (!onFound(`parameter ${name}`, value) && !isListed) return parameter
      return `${parameter.slice(0, equals)}=${redactedParameter}`
    })
    .join('&')
}

/** Removes the parameters that are credentials from a query. All other bytes are unchanged. */
export function dropCredentials(query: string): string {
  const nameOf = (parameter: string): string =>
    decode((parameter.split('=', 1)[0] ?? '').replaceAll('+', ' '))
  return query
    .split('&')
    .filter((parameter) => !isCredentialName(nameOf(parameter), 'parameter'))
    .join('&')
}

/** A parameter in the query or fragment of a URL. A closing bracket is not part of the value. */
const parameter = /([?&#])((?:amp;)?[^=&#?]{1,200})=([^&#)\]}|]+)/g
const encodedParameter =
  /(%(?:25)*(?:3f|26|23))([\w.$~+-]{1,200})(%(?:25)*3d)((?:(?!%(?:25)*26)[^&#)\]}|])+)/gi
const userAlone = /(:\/\/)([\w.~%-]{16,1000})(?=(?::[^/?#@]{0,1000})?@)/g
const userInfo = /(:\/\/[^/?#@:]{0,200}:)([^/?#@]{1,1000})(@)/g
const encodedUserInfo =
  /(%(?:25)*3a%(?:25)*2f%(?:25)*2f[\w.~-]{0,200}%(?:25)*3a)((?:(?!%(?:25)*(?:2f|40))[^/?#@]){1,1000})(%(?:25)*40)/gi

function redactAddress(run: string, onFound: OnFound): string {
  const replace = (name: string, value: string): string => {
    if (value === redactedParameter) return value
    return onFound(`parameter ${name}`, value) ? redactedParameter : value
  }
  const isCredential = (name: string): boolean =>
    isCredentialName(decode(name.startsWith('amp;') ? name.slice(4) : name), 'parameter')
  const password = (_all: string, start: string, value: string, at: string): string =>
    start + replace('password', value) + at
  return run
    .replace(userAlone, (all, start: string, user: string) =>
      looksLikeKey(user) ? start + replace('user', user) : all,
    )
    .replace(userInfo, password)
    .replace(encodedUserInfo, password)
    .replace(parameter, (all, start: string, name: string, value: string) =>
      isCredential(name) ? `${start}${name}=${replace(name, value)}` : all,
    )
    .replace(encodedParameter, (all, start: string, name: string, equals: string, value: string) =>
      isCredential(name) ? start + name + equals + replace(name, value) : all,
    )
}

/** Decodes up to three layers of percent-encoding. */
function decode(name: string): string {
  let plain = name
  try {
    for (let layer = 0; layer < 3 && plain.includes('%'); layer++) plain = decodeURIComponent(plain)
  } catch {
    // Invalid percent-encoding remains.
  }
  return plain
}

/** Shorter keys are not replaced, because they can occur in any text. */
const MIN_KEY_LENGTH = 8

/**
 * The forms of a key in a text: plain, percent-encoded once or twice with upper-case or lower-case digits, and JSON-escaped. Empty for a
 * key of less than 8 characters.
 */
export function keyForms(key: string): string[] {
  if (key.length < MIN_KEY_LENGTH) return []
  // Faster for nearly all keys, of which there can be thousands.
  if (/^[\w.-]+$/.test(key)) return [key]
  const encoded = encodeURIComponent(key)
  const percentForms = [encoded, encoded.replaceAll(/%../g, (digits) => digits.toLowerCase())]
  const twice = percentForms.map((form) => form.replaceAll('%', '%25'))
  return [...new Set([key, ...percentForms, ...twice, JSON.stringify(key).slice(1, -1)])]
}

/**
 * Creates a function that replaces known keys anywhere in a text.
 *
 * @param secrets returns the current keys; must return the same list while they are unchanged
 */
export function createKeyRedactor(secrets: () => readonly string[]): (text: string) => string {
  return (text) => {
    const current = secrets()
    let replace = replaceKeys.get(current)
    if (!replace) {
      replace = createReplaceTexts(current.flatMap(keyForms), redacted)
      replaceKeys.set(current, replace)
    }
    return replace(text)
  }
}

/** By list of keys, because each entry of the journal has its own redactor. */
const replaceKeys = new WeakMap<readonly string[], ReplaceTexts>()

/** The last two words and the last word before an index: `API key` and `key`. */
function namesBefore(text: string, index: number): readonly [string, string] {
  const parts = text.slice(Math.max(0, index - 100), index).split(/([^\w.-])/)
  const last = parts.at(-1) ?? ''
  return [parts.at(-2) === ' ' ? `${parts.at(-3)} ${last}` : last, last]
}

/** A fast check that excludes texts in which `redactText` finds nothing. */
export function mayHoldCredential(text: string): boolean {
  return !isEncodedFile(text) && trigger.test(text)
}

/** Base64 of images and audio. It has no credentials and is most of a large body. */
function isEncodedFile(text: string): boolean {
  return text.length > 64 * 1024 && !/[^\w+/=-]/.test(text.slice(200))
}

function found(where: string, value: string, onFound: OnFound): string {
  return onFound(where, value) ? redacted : value
}

/** Whether a token has digits, or 20 or more characters in mixed case, unlike the words of a sentence. */
function looksRandom(token: string): boolean {
  return /\d/.test(token) || (token.length >= 20 && /^[A-Za-z0-9]*[a-z][A-Z]/.test(token))
}

/** Whether a token has a long run of letters and digits, unlike names and words, or is a UUID. */
function looksLikeKey(token: string): boolean {
  const runs = token.slice(0, 200).match(/[A-Za-z0-9]{12,}/g) ?? []
  return (
    runs.some((run) => /\d/.test(run) && /[A-Za-z]/.test(run)) ||
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token)
  )
}

/** RFC 7617: base64 of user, colon and password. */
function isUserAndPassword(token: string): boolean {
  const plain = Buffer.from(token, 'base64').toString('latin1')
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(plain)
}
