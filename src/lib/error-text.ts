/** What an error says, without its stack. Whatever else was thrown is told as text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The stack of an error, which begins with what it says, for a log. Whatever else was thrown is told as text. */
export function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}

/**
 * Why a connection did not come about. The error of fetch says only that it failed; its cause says why, and that of
 * several addresses has a code alone.
 */
export function connectionReason(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  if (!(cause instanceof Error)) return String(cause)
  // The message of OpenSSL has addresses, the lines of its source, and a line break.
  if ('library' in cause && 'reason' in cause) return `TLS failed with "${String(cause.reason)}"`
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}

/** How much of a name or value that a caller chose is repeated in a message, in characters. */
const MAX_SHOWN_CHARACTERS = 100

/** A text that a caller chose, as a message repeats it: cut where it is long. */
export function shortText(text: string, maxCharacters = MAX_SHOWN_CHARACTERS): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}...` : text
}

/** How many problems of one kind a message lists. */
const MAX_LISTED_PROBLEMS = 50

/** The first problems of a list, and how many more there are: a caller can cause any number of them. */
export function listProblems(problems: readonly string[]): readonly string[] {
  return describeFirst(problems, (problem) => problem)
}

/** Describes the first items, and tells how many more there are. Describing may take long, as a search for a near name does. */
export function describeFirst<T>(
  items: readonly T[],
  describe: (item: T) => string | readonly string[],
): string[] {
  const more = items.length - MAX_LISTED_PROBLEMS
  const described = items.slice(0, MAX_LISTED_PROBLEMS).flatMap(describe)
  return more <= 0 ? described : [...described, `And ${more} more.`]
}
