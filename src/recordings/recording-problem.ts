/** Something wrong in a recording file, that keeps an interaction or the whole file from being replayed. */
export interface RecordingProblem {
  /** The path of the file. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** A sentence without its full stop. */
  readonly reason: string
  /** What the operator should do, as a sentence. */
  readonly cure: string
  /** Whether nothing of the file could be read, for it cannot be opened. */
  readonly isUnreadable?: boolean
}

/** The problem in one line, as compilers write theirs. */
export function describeProblem({ file, line, reason, cure }: RecordingProblem): string {
  return `${file}:${line}: ${reason}. ${cure}`
}
