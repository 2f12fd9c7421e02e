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
  /:\/\/|%(?:25)*3a|bearer|dpop|basic[ +%]|openai-insecure|signature|a(?:kia|sia|iza)|ya29|gh[a-z]_|github_pat|xox|xapp|hf_|jqqj99|eyj|[a-z0-9]{2}[_-](?=[a-z0-9_-]{16})|dapi|sg\.|key|secret|token|passw|pwd|authoriz|cookie/i

/** A header that consists of a scheme and one word, as Authorization does. A challenge has parameters in its place. */
const schemeAndToken =
  /^(bearer|dpop|token|api-?key|negotiate|ntlm|sharedkey(?:lite)?)(?:\s|%20|\+)+(?!(?:realm|charset|error|scope|authorization_uri)=)([^\s,]{4,})$/i

/** A token of three parts, the first two of which are JSON, or five where it is encrypted. */
const jwt = /(?<![\w-])eyJ[\w-]{8,8000}\.[\w-]{0,8000}\.[\w-]{8,8000}(?:\.[\w-]{1,8000}){0,2}/g

/** Up to its end, or what of it is there where it is cut off; words about such a key are none. */
const privateKey =
  /-----BEGIN(?:[A-Z0-9]| |%20|\+){0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----(?:(?:(?!-----BEGIN)[^]){1,20000}?-----END(?:[A-Z0-9]| |%20|\+){0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----|(?:(?:\s|\\[rn]){1,8}[\w+/=]{8,8000})+|%0[AD][\w%+/=]{16,8000})/g

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
  /\b(?:[spr]k_(?:live|test)|e[kt]|gsk|npm|r8|pypi|whsec|shp(?:at|ca|pa|ss)|dop_v1|lsv2_[a-z]{2})_(?=[\w-]{0,100}?\d)[A-Za-z0-9_-]{20,}/g,
  /\b(?:glpat|xai|pplx|tvly|nvapi|GOCSPX|xapp)-(?=[\w-]{0,60}?[A-Za-z0-9]{8})(?=[\w-]{0,100}?(?:\d|[a-z][A-Z]))[\w-]{18,}/g,
  /\bdapi[0-9a-f]{32}\b/g,
  /\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g,
  privateKey,
]

/** A key of an Azure resource, 84 characters with a mark of Azure in them. */
const azureKey = /\b[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}\b/g

const bearer = /\b(bearer|dpop)((?: |\+|%20)+)([\w.~+/-]{10,8000}=*)/gi
const basic = /\b(basic)((?: |\+|%20)+)([A-Za-z0-9+/]{4,2000}={0,2})/gi
const websocketKey = /\b(openai-insecure-api-key\.)([^\s,"]+)/gi
const storageKey =
  /(\b(?:accountkey|sharedaccesskey|sharedaccesssignature)\s{0,5}=\s{0,5}|\bsharedaccesssignature\s{1,5}(?=\S{0,40}=)|;\s{0,5}(?:password|pwd)\s{0,5}=\s{0,5})([^;\s"'<>]+)/gi
const signature = /\b(signature=)([0-9a-f]{32,})/gi

/** An address whose path lets somebody in. */
const webhook =
  /(hooks\.slack\.com\/(?:services|workflows|triggers)\/|discord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/)([\w/-]{10,200})/gi

/**
 * The end of a name, what separates it from its value, and the value: `api_key: ...`, `OPENAI_API_KEY="..."`, `<apiKey>...`, JSON
 * in a text, and the same percent-encoded.
 */
const namedText =
  /((?:key|secret|token|password|passwd|passphrase|pwd|authorization|credential|cookie)s?\d?)((?:\\{0,3}["'`]|%22|\*\*)?\s{0,5}(?::|=>?|>|%3a|%3d)(?:\s|%20|\+){0,12}(?:-\s{1,4})?(?:(?:token|apikey|sharedkey(?:lite)?)\s(?:\w{1,64}:)?|\w{1,64}=)?(?:\\{0,3}["'`]|%22|\*\*)?)([\w.~+/-]{16,8000}=*)(?![\w([])/gi

/** The service says so: `Incorrect API key provided: ...`. */
const namedInWords =
  /\b((?:api|access|subscription|secret|admin) key(?: (?:is|was|provided|given|supplied))?)(:? ["'`]?)([\w.~+/-]{16,8000}=*)/gi

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
    .replace(jwt, (value) => replace('a JWT', value))
    .replace(webhook, after)
    .replace(namedInWords, behind(looksLikeKey))
    .replace(namedText, (all, end: string, between: string, value: string, at: number, whole: string) => {
      const start = /[\w.-]{0,64}$/.exec(whole.slice(Math.max(0, at - 64), at))?.[0] ?? ''
      const name = start + end
      return looksLikeKey(value) && isCredentialName(name, 'member')
        ? end + between + replace(name, value)
        : all
    })
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
        const inner = redactHeaderValue(value, onFound)
        const plain = /[?#]|%(?:25)*(?:3f|23)/i.test(inner) ? redactAddress(inner, onFound) : inner
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
const userAlone = /(:\/\/)([\w.~%-]{16,1000})(?=(?::[^/?#@]{0,1000})?@)/g
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
    .replace(userAlone, (all, start: string, user: string) =>
      looksLikeKey(user) ? start + replace('user', user) : all,
    )
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
const MIN_KEY_LENGTH = 8

/** The forms in which a key may stand in a text: as it is, and as addresses and JSON write it. Too short a key has none. */
export function keyForms(key: string): string[] {
  if (key.length < MIN_KEY_LENGTH) return []
  return [...new Set([key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)])]
}

/**
 * Makes a function that replaces known keys, wherever they stand in a text.
 *
 * @param secrets gives the keys of the moment, the same list as long as they are the same
 */
export function createKeyRedactor(secrets: () => readonly string[]): (text: string) => string {
  let known: readonly string[] | undefined
  let forms: readonly string[] = []
  return (text) => {
    const now = secrets()
    if (now !== known) {
      known = now
      forms = now.flatMap(keyForms)
    }
    return forms.reduce<string>(
      (rest, form) => (rest.includes(form) ? rest.replaceAll(form, redacted) : rest),
      text,
    )
  }
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

/** Names and words have no long run of letters and digits. */
function looksLikeKey(token: string): boolean {
  const runs = token.slice(0, 200).match(/[A-Za-z0-9]{12,}/g) ?? []
  return (
    runs.some((run) => /\d/.test(run) && /[A-Za-z]/.test(run)) ||
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token)
  )
}

/** RFC 7617: base64 of a user and a password with a colon between. */
function isUserAndPassword(token: string): boolean {
  const plain = Buffer.from(token, 'base64').toString('latin1')
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(plain)
}
