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
  return cause.message || ('code' in cause ? String(cause.code) : cause.name)
}
