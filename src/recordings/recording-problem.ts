/** A problem in a recording file that prevents the replay of an interaction or of the complete file. */
export interface RecordingProblem {
  /** The path of the file. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** A sentence without a full stop. */
  readonly reason: string
  /** The advice for the operator, as a sentence. */
  readonly fix: string
  /** Whether the file cannot be opened or read. */
  readonly isUnreadable?: boolean
}

/** The problem in one line, in the format of compilers: `file:line: reason. Fix.` */
export function describeProblem({ file, line, reason, fix }: RecordingProblem): string {
  return `${file}:${line}: ${reason}. ${fix}`
}

/** The version of the format, which is the same as that of VCR.py. */
const supportedVersion = '1'

const versionLine = /^version:[ \t]*['"]?([^\s'"#]*)/m

/** The version in the lines before or after the list of a file; undefined without one. */
export function versionOf(lines: string): string | undefined {
  return versionLine.exec(lines)?.[1]
}

/**
 * Checks the version in the lines before or after the list of a file. A file without a version has version 1.
 *
 * @param isGoVcr whether the list is of go-vcr, of which versions 3 and 4 write version 2
 */
export function versionProblem(lines: string, isGoVcr = false): Omit<RecordingProblem, 'file'> | undefined {
  const match = versionLine.exec(lines)
  if (!match || match[1] === supportedVersion || (isGoVcr && match[1] === '2')) return undefined
  return {
    line: lines.slice(0, match.index).split('\n').length,
    reason: `the version of the format must be ${supportedVersion} (got ${match[1] || 'none'})`,
    fix:
      match[1] === '2'
        ? 'Version 2 is the format of go-vcr, with request.url and response.code. Write "version: 1" for the format of VCR.py.'
        : `Record the file again, or write "version: ${supportedVersion}" if it has that format.`,
  }
}
