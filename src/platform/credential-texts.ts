import { isCredentialName } from './credential-names.ts'

/** What stands in the place of a credential. */
export const redacted = '[redacted]'

/** The same in a query, where brackets would be escaped. */
export const redactedParameter = 'REDACTED'

/** Called with each credential that is replaced, and with what it stands in. */
export type OnFound = (where: string, value: string) => void

const ignoreFound: OnFound = () => {}

/** What a text needs to hold before it is worth a closer look. One pass, and no backtracking. */
const trigger =
  /:\/\/|%3a|bearer|dpop|basic[ +%]|sharedaccess|accountkey|openai-insecure|signature=|private key|sk-|a(?:kia|sia|iza)|ya29|gh[a-z]_|github_pat|xox|hf_|jqqj99|password|pwd/i

/** A header that consists of a scheme and one word, as Authorization does. A challenge has parameters in its place. */
const schemeAndToken =
  /^(bearer|dpop|token|api-?key|negotiate|ntlm|sharedkey(?:lite)?)(?:\s|%20|\+)+(?!(?:realm|charset|error|scope|authorization_uri)=)([^\s,]{4,})$/i

/** A token of three parts, the first two of which are JSON, or five where it is encrypted. */
const jwt = /\beyJ[\w-]{8,8000}\.[\w-]{0,8000}\.[\w-]{8,8000}(?:\.[\w-]{1,8000}){0,2}/g

/** Keys that are known by their looks. Each needs a long run of letters and digits: words such as `sk-learn-models` stay. */
const keyShapes: readonly RegExp[] = [
  /\bsk-(?=[\w-]{0,60}?[A-Za-z0-9]{16})(?=[\w-]{0,100}?\d)[\w-]{18,}/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bAIza[\w-]{35}/g,
  /\bya29\.[\w-]{20,}/g,
  /\bgh[opusr]_[A-Za-z0-9]{36,}/g,
  /\bgithub_pat_\w{40,}/g,
  /\bxox[abeprs]-[\w-]{10,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
]

/** A key of an Azure resource, 84 characters with a mark of Azure in them. */
const azureKey = /\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}\b/g

const bearer = /\b(bearer|dpop)((?: |\+|%20)+)([\w.~+/-]{10,8000}=*)/gi
const basic = /\b(basic)((?: |\+|%20)+)([A-Za-z0-9+/]{4,2000}={0,2})/gi
const websocketKey = /\b(openai-insecure-api-key\.)([^\s,"]+)/gi
const storageKey =
  /(\b(?:accountkey|sharedaccesskey|sharedaccesssignature)\s{0,5}=\s{0,5}|\bsharedaccesssignature\s{1,5}(?=\S{0,40}=)|;\s{0,5}(?:password|pwd)\s{0,5}=\s{0,5})([^;\s"'<>]+)/gi
const signature = /\b(signature=)([0-9a-f]{32,})/gi

/** From the slashes of an address to its end; also where it is percent-encoded, once or several times. */
const address = /(?::\/\/|%(?:25)*3a%(?:25)*2f%(?:25)*2f)[^\s"'<>\\`]+/gi

/**
 * A text without the credentials that are known by what stands around them or by their looks: tokens behind `Bearer`,
 * signatures and passwords in addresses, keys in connection strings, keys of well-known services. Time is linear.
 */
export function redactText(text: string, onFound: OnFound = ignoreFound): string {
  if (!mayHoldCredential(text)) return text
  const replace = (where: string, value: string): string => {
    if (value === redacted || value === redactedParameter) return value
    onFound(where, value)
    return redacted
  }
  const behind =
    (isOne: (value: string) => boolean) => (all: string, start: string, space: string, value: string) =>
      isOne(value) ? `${start}${space}${replace(start.toLowerCase(), value)}` : all
  const after = (_all: string, start: string, value: string): string =>
    start + replace(start.replace(/[\W_]+$/, '').replace(/^\W+/, ''), value)
  let rest = text
    .replace(address, (run) => redactAddress(run, onFound))
    .replace(bearer, behind(looksRandom))
    .replace(basic, behind(isUserAndPassword))
    .replace(websocketKey, after)
    .replace(storageKey, after)
    .replace(signature, after)
  for (const shape of keyShapes) rest = rest.replace(shape, (value) => replace('a key', value))
  // Looking for so long a run everywhere would take its time.
  if (rest.includes('JQQJ99')) rest = rest.replace(azureKey, (value) => replace('a key', value))
  return rest
}

/** A whole value, such as that of a header or of a JSON member: it may be a token, or an address without a host. */
export function redactValue(text: string, onFound: OnFound = ignoreFound): string {
  if (text.startsWith('eyJ') && text.length < 40_000 && text.replace(jwt, '') === '')
    return found('a JWT', text, onFound)
  const plain = redactText(text, onFound)
  return /^\.{0,2}\/[^\s"'<>]*[?#]/.test(plain) ? redactAddress(plain, onFound) : plain
}

/** A parameter of a header: `access_token=...; path=/`. */
const namedValue = /((?:^|[;,\s])([\w.-]{1,64})="?)([^;,\s"]+)/g

/** The value of a header that is no credential by its name. */
export function redactHeaderValue(text: string, onFound: OnFound = ignoreFound): string {
  const [, scheme = '', token = ''] = schemeAndToken.exec(text) ?? []
  const isBearer = /^(?:bearer|dpop)$/i.test(scheme) && !/^(?:tokens?|auth[a-z]*)$/i.test(token)
  if (token !== redacted && (isBearer || (token !== '' && looksRandom(token)))) {
    onFound(scheme.toLowerCase(), token)
    return `${scheme} ${redacted}`
  }
  const tokens = text.includes('eyJ') ? text.replace(jwt, (value) => found('a JWT', value, onFound)) : text
  const pairs = tokens.replace(namedValue, (all, start: string, name: string, value: string) =>
    isCredentialName(name, 'member') && value !== redacted ? start + found(name, value, onFound) : all,
  )
  return redactValue(pairs, onFound)
}

/**
 * A query, or a form in its encoding, without the values of credentials and of the given names. The rest stays byte by
 * byte, so that it is still the query that was sent.
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
      const isNamed = isCredentialName(name, 'parameter') || names?.has(name.toLowerCase()) === true
      if (!isNamed && value.includes(';') && /;[^;=]+=/.test(value)) {
        // Some servers separate parameters by semicolons, too.
        const parts = parameter.split(';')
        return parts.map((part) => redactQuery(part, names, onFound)).join(';')
      }
      if (!isNamed) {
        const plain = redactHeaderValue(value, onFound)
        if (plain === value) return parameter
        return (
          parameter.slice(0, equals + 1) + plain.replaceAll(redacted, redactedParameter).replaceAll(' ', '+')
        )
      }
      if (value === '' || value === redactedParameter) return parameter
      onFound(`parameter ${name}`, value)
      return `${parameter.slice(0, equals)}=${redactedParameter}`
    })
    .join('&')
}

/** A query without the parameters that are credentials; the rest as it is. */
export function dropCredentials(query: string): string {
  const names = (parameter: string): string => decode((parameter.split('=', 1)[0] ?? '').replaceAll('+', ' '))
  return query
    .split('&')
    .filter((parameter) => !isCredentialName(names(parameter), 'parameter'))
    .join('&')
}

/** The query of an address that is not percent-encoded, and its fragment; a closing bracket belongs to the text around. */
const parameter = /([?&#])((?:amp;)?[^=&#?]{1,200})=([^&#)\]}|]+)/g
const encodedParameter =
  /(%(?:25)*(?:3f|26|23))([\w.$~+-]{1,200})(%(?:25)*3d)((?:(?!%(?:25)*26)[^&#)\]}|])+)/gi
const userInfo = /(:\/\/[^/?#@:]{0,200}:)([^/?#@]{1,1000})(@)/g
const encodedUserInfo =
  /(%(?:25)*3a%(?:25)*2f%(?:25)*2f[\w.~-]{0,200}%(?:25)*3a)((?:(?!%(?:25)*(?:2f|40))[^/?#@]){1,1000})(%(?:25)*40)/gi

function redactAddress(run: string, onFound: OnFound): string {
  const replace = (name: string, value: string): string => {
    if (value === redactedParameter) return value
    onFound(`parameter ${name}`, value)
    return redactedParameter
  }
  const isOne = (name: string): boolean =>
    isCredentialName(decode(name.startsWith('amp;') ? name.slice(4) : name), 'parameter')
  const password = (_all: string, start: string, value: string, at: string): string =>
    start + replace('password', value) + at
  return run
    .replace(userInfo, password)
    .replace(encodedUserInfo, password)
    .replace(parameter, (all, start: string, name: string, value: string) =>
      isOne(name) ? `${start}${name}=${replace(name, value)}` : all,
    )
    .replace(encodedParameter, (all, start: string, name: string, equals: string, value: string) =>
      isOne(name) ? start + name + equals + replace(name, value) : all,
    )
}

/** Takes away as many layers of percent-encoding as there are, up to three. */
function decode(name: string): string {
  let plain = name
  try {
    for (let layer = 0; layer < 3 && plain.includes('%'); layer++) plain = decodeURIComponent(plain)
  } catch {
    // A percent sign that encodes nothing stays.
  }
  return plain
}

/** A key that is shorter could stand in any text by chance. */
const shortestKey = 8

/** The forms in which a key may stand in a text: as it is, and as addresses and JSON write it. Too short a key has none. */
export function keyForms(key: string): string[] {
  if (key.length < shortestKey) return []
  return [...new Set([key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)])]
}

/** Makes a function that replaces known keys, wherever they stand in a text. */
export function createKeyRedactor(keys: readonly string[]): (text: string) => string {
  const forms = keys.flatMap(keyForms)
  return (text) =>
    forms.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, redacted) : rest), text)
}

/** Whether `redactText` may find something: a cheap look at what holds nothing. */
export function mayHoldCredential(text: string): boolean {
  return !isEncodedFile(text) && trigger.test(text)
}

/** Pictures and audio in base64 hold nothing to look for, and are most of a large body. */
function isEncodedFile(text: string): boolean {
  return text.length > 64 * 1024 && !/[^\w+/=-]/.test(text.slice(200))
}

function found(where: string, value: string, onFound: OnFound): string {
  onFound(where, value)
  return redacted
}

/** Words of a sentence have no digits in them, and are shorter or in one case. */
function looksRandom(token: string): boolean {
  return /\d/.test(token) || (token.length >= 20 && /^[A-Za-z0-9]*[a-z][A-Z]/.test(token))
}

/** RFC 7617: base64 of a user and a password with a colon between. */
function isUserAndPassword(token: string): boolean {
  const plain = Buffer.from(token, 'base64').toString('latin1')
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(plain)
}
