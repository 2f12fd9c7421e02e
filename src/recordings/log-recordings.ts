import type { Logger } from '../lib/logger.ts'
import type { LoadResult } from './load-recordings.ts'
import type { RefreshResult } from './recording-folder.ts'
import { describeProblem, type RecordingProblem } from './recording-problem.ts'

/** So many bad files and interactions are logged one by one. */
const loggedProblems = 20

/** Tells what was found in a folder at the start. */
export function logLoaded({ files, interactions, problems }: LoadResult, dir: string, logger: Logger): void {
  logProblems(problems, dir, logger)
  const summary = `${interactions} recorded interactions in ${files} files of ${dir}.`
  if (interactions === 0) logger.warn({}, `${summary} Nothing can be replayed.`)
  else logger.info({ files, interactions }, summary)
}

/** Tells what changes came to; nothing where there were none. */
export function logRefreshed(result: RefreshResult, dir: string, logger: Logger): void {
  const { read, removed, kept, interactions, problems } = result
  logProblems(problems, dir, logger)
  for (const file of kept.slice(0, loggedProblems)) {
    logger.error(
      { file },
      `Could not take up the change of ${file}. The recordings that it held before stay.`,
    )
  }
  if (read.length > 0) {
    const message = `Recordings were taken up: ${interactions} interactions of ${listed(read)}.`
    logger.info({ files: read.length, interactions }, message)
  }
  if (removed.length > 0) {
    logger.info({ files: removed.length }, `Recordings were removed: those of ${listed(removed)}.`)
  }
}

/** Warns of what is wrong in files, with file, line and cure. */
export function logProblems(problems: readonly RecordingProblem[], dir: string, logger: Logger): void {
  for (const problem of problems.slice(0, loggedProblems)) logger.warn({}, describeProblem(problem))
  if (problems.length <= loggedProblems) return
  const more = problems.length - loggedProblems
  logger.warn({ more }, `${more} more such problems: aoai-sim recordings lint ${dir} lists them all.`)
}

function listed(files: readonly string[]): string {
  const named = files.slice(0, 3).join(', ')
  return files.length <= 3 ? named : `${named} and ${files.length - 3} more files`
}
