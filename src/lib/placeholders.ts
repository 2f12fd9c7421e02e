/** Words of placeholders. One of them makes a text of words a placeholder: `fake-key-for-tests`. */
const placeholderWord = wordsOf(
  'redacted redact masked mask filtered filter hidden removed scrubbed sanitized sanitised obfuscated anonymized anonymised censored omitted deleted stripped replaced placeholder dummy fake mock mocked test tests testing example sample foo bar baz foobar null none undefined na empty unused ignored ignore invalid wrong bad changeme vcr playback your insert notakey nokey change anything recorded replay needed no not',
)

/** Words of names of credentials. Several of them in capitals are a variable: `OPENAI_API_KEY`. */
const plainWord = wordsOf(
  'a an the my your this that is of to for from in on by and or real any some here with as it go api key keys apikey token tokens access refresh id secret secrets password pass user username auth authorization authentication bearer basic cookie cookies set session header value credential credentials client proxy sk pk rk proj svcacct org openai azure aoai anthropic google aws organization project account request response me',
)

/** Attributes of cookies. */
const cookieAttribute = /^(?:path|domain|expires|max-age|samesite|secure|httponly|partitioned|priority)$/i

/** Characters that hide others: `sk-...abcd`, `****`. */
const mask = /[*•●█░▒▓…]{3,}|\.{3,}|…/gu

const MAX_SHOWN_CHARACTERS = 10
const MAX_WORD_LENGTH = 14

/**
 * Whether a value replaces a credential: `AUTHORIZATION-XXX`, `Bearer <masked>`, `sk-...abcd`, `test_api_key`.
 *
 * A placeholder consists of words, of one repeated character, or of a mask with few characters around it. A value with a run of
 * random characters is never a placeholder, whatever words are in it.
 */
export function isPlaceholder(value: string): boolean {
  const bare = value.trim().replace(/^(?:bearer|basic|dpop|token|api-?key)(?:[:\s]+|$)/i, '')
  if (bare === '' || /^[-_./\s]+$/.test(bare)) return true
  if (bare.length > 1_000) return false
  const pairs = bare.split(/;\s*/).map((pair) => /^([\w.-]{1,64})(?:=(.*))?$/s.exec(pair))
  if (bare.includes('=') && pairs.some((pair) => pair?.[2] !== undefined))
    return pairs.every(isPlaceholderPair)
  return isMasked(bare) || isWords(bare)
}

/** A part of a cookie: `session=REDACTED`, `Path=/`. */
function isPlaceholderPair(pair: RegExpExecArray | null): boolean {
  const [, name = '', value = ''] = pair ?? []
  return pair !== null && !value.includes('=') && (cookieAttribute.test(name) || isPlaceholder(value))
}

/** Whether most of a text is hidden. */
function isMasked(text: string): boolean {
  const shown = text.replace(mask, ' ')
  if (shown === text) return false
  return (
    shown.replace(/^(?:sk|pk)-(?:proj-|svcacct-|ant-)?|[^\p{L}\p{N}]/gu, '').length <= MAX_SHOWN_CHARACTERS ||
    isWords(shown)
  )
}

function isWords(text: string): boolean {
  // The name of a variable, or an explanation in brackets.
  const [, variable = ''] =
    /^(?:<+([^<>]+)>+|\[+([^[\]]+)\]+|\{+([^{}]+)\}+|\$\{?(\w+)\}?|%(\w+)%)$/
      .exec(text)
      ?.filter((part) => part !== undefined) ?? []
  const words = (variable === '' ? text : variable)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/([a-zA-Z]{3})(\d+)(?![a-zA-Z\d])/g, '$1 $2')
    .toLowerCase()
    .split(/[-_.\s:/"'`()[\]{}<>*|]+/)
    .filter((word) => word !== '')
  const known = words.filter((word) => placeholderWord.has(word) || isRepeated(word))
  const isName =
    words.length > 1 &&
    !/[a-z]/.test(text) &&
    words.every((word) => plainWord.has(word) || known.includes(word) || /^\d{1,3}$/.test(word))
  return words.every(isWord) && (known.length > 0 || isName || variable !== '')
}

function isWord(word: string): boolean {
  if (placeholderWord.has(word) || plainWord.has(word) || isRepeated(word)) return true
  if (/^\d+$/.test(word)) return word.length <= 3 || '01234567890'.includes(word)
  // Random letters seldom look like a word: they have few vowels.
  return (
    /^[a-z]{3,}$/.test(word) &&
    word.length <= MAX_WORD_LENGTH &&
    !/[^aeiouy]{5}/.test(word) &&
    /[aeiouy]/.test(word)
  )
}

/** `xxxx`, `00000000`, or `1234567890`. */
function isRepeated(word: string): boolean {
  return /^(.)\1+$/.test(word) || word === 'x' || (word.length > 3 && '01234567890'.includes(word))
}

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
