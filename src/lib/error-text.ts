/** The message of an error, without its stack. Any other thrown value is converted to text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The message and stack of an error, for a log. Any other thrown value is converted to text. */
export function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}

/**
 * Why a connection failed. The error of fetch has the reason in its cause. The error for a host with several addresses has only a
 * code.
 */
export function connectionReason(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  if (!(cause instanceof Error)) return String(cause)
  // The message of OpenSSL contains memory addresses, source lines and a line break.
  if ('library' in cause && 'reason' in cause) return `TLS failed with "${String(cause.reason)}"`
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}

/** Returns what to do about a failed connection that is due to TLS; undefined for another reason. `reason` is from `connectionReason`. */
export function tlsAdvice({ protocol, host }: URL, reason: string): string | undefined {
  if (protocol === 'http:') {
    return /other side closed|socket hang up/.test(reason)
      ? `If it uses TLS, set --url to https://${host}.`
      : undefined
  }
  if (reason.includes('wrong version number')) {
    return `It probably does not use TLS. Set --url to http://${host}.`
  }
  return /self-signed certificate|unable to (?:verify|get)/.test(reason)
    ? 'Set NODE_EXTRA_CA_CERTS to the file with its certificate, or with that of its authority.'
    : undefined
}

/** Maximum length of a client's text in a message, in characters. */
const MAX_SHOWN_CHARACTERS = 100

/** Truncates a text of a client for a message. */
export function shortText(text: string, maxCharacters = MAX_SHOWN_CHARACTERS): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}...` : text
}

/** Maximum number of problems in a message. */
const MAX_LISTED_PROBLEMS = 50

/** Length of the listed problems, in characters, after which no further one is listed. */
const MAX_LISTED_CHARACTERS = 16_000

/** The first problems of a list, and the number of the remaining ones. */
export function listProblems(problems: readonly string[]): readonly string[] {
  return describeFirst(problems, (problem) => problem)
}

/** Describes the first items and adds the number of the remaining ones. `describe` can be slow, such as a search for similar names. */
export function describeFirst<T>(
  items: readonly T[],
  describe: (item: T) => string | readonly string[],
): string[] {
  const described: string[] = []
  let characters = 0
  for (const [index, item] of items.entries()) {
    if (index >= MAX_LISTED_PROBLEMS || characters > MAX_LISTED_CHARACTERS) {
      return [...described, `And ${items.length - index} more.`]
    }
    for (const text of [describe(item)].flat()) {
      described.push(text)
      characters += text.length
    }
  }
  return described
}
