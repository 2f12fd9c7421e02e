import { readFileSync } from 'node:fs'

/** Twice as many as the program opens at once while it starts: some are left for connections. */
const NEEDED_FILES = 256

/** Enough for some thousand connections. */
const ADVISED_FILES = 4_096

/** What is wrong with the number of files that this process may have open; undefined where nothing is. */
export function openFilesProblem(allowed = allowedFiles()): string | undefined {
  if (allowed >= NEEDED_FILES) return undefined
  return (
    `Could not start: this process may have only ${allowed} files open, and needs at least ${NEEDED_FILES}. ` +
    `Raise the limit (ulimit -n ${ADVISED_FILES}; in a container --ulimit nofile=${ADVISED_FILES}), and start again.`
  )
}

/** Node raises the limit of a process to the hard one before this runs. */
function allowedFiles(): number {
  if (process.platform === 'win32') return Infinity
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    // Other systems have no such file; a report takes twenty milliseconds without the addresses of the network.
    Object.assign(process.report, { excludeNetwork: true })
    const { userLimits } = process.report.getReport() as {
      readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } }
    }
    const limit = userLimits?.open_files?.soft
    return typeof limit === 'number' ? limit : Infinity
  }
}
