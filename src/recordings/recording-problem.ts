
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

/** The version of the format, which is also the one of VCR.py. */
const supportedVersion = '1'

/** What is wrong with the version in the lines of a file around its list; a file without one counts as version 1. */
export function versionFault(lines: string): Omit<RecordingProblem, 'file'> | undefined {
  const match = /^version:[ \t]*['"]?([^\s'"#]*)/m.exec(lines)
  if (!match || match[1] === supportedVersion) return undefined
  return {
    line: lines.slice(0, match.index).split('\n').length,
    reason: `the version of the format is ${supportedVersion} (got ${match[1] || 'none'})`,
    cure:
      match[1] === '2'
        ? 'Version 2 is that of go-vcr, which is another format and cannot be replayed yet.'
        : `Record the file anew, or write "version: ${supportedVersion}" if it is of that format.`,
  }
}
