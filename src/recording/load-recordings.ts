import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../platform/operator-error.ts'
import type { RecordingProblem } from './recording-problem.ts'
import type { RecordingEntry } from './recording-entry.ts'
import type { Indexed, RecordingIndex } from './recording-index.ts'
import { type FileScan, scanRecordingFile } from './scan-recording-file.ts'

/** What loading a folder came to. */
export interface LoadResult {
  readonly files: number
  readonly interactions: number
  /** All that is wrong in files; what is not named here is served. */
  readonly problems: readonly RecordingProblem[]
}

/**
 * Adds all recordings of a folder and its subfolders to an index, in the order of their paths.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE for a folder that is not there or cannot be read
 */
export function loadRecordings(dir: string, index: RecordingIndex): LoadResult {
  const files = listRecordingFiles(dir)
  const problems: RecordingProblem[] = []
  let interactions = 0
  for (const file of files) {
    const scan = loadFile(file, index)
    interactions += scan.found.length
    for (const problem of scan.problems) problems.push(problem)
  }
  return { files: files.length, interactions, problems }
}

/** Takes the file of an entry in again, after it has changed; its recordings then come behind those of other files. */
export function reloadFile({ file }: RecordingEntry, index: RecordingIndex): void {
  if (file === undefined) return
  index.removeFile(file)
  loadFile(file, index)
}

function loadFile(file: string, index: RecordingIndex): FileScan<Indexed> {
  try {
    const scan = scanRecordingFile(file, (interaction, { offset, length, line }) =>
      index.prepare(interaction, { file, line, source: length === 0 ? interaction : { offset, length } }),
    )
    for (const indexed of scan.found) index.add(indexed)
    return scan
  } catch (error) {
    const reason = `the file cannot be read: ${messageOf(error)}`
    return {
      found: [],
      problems: [{ file, line: 1, reason, cure: 'Make it readable; the other files are served.' }],
    }
  }
}

/**
 * The recording files of a folder and its subfolders, sorted; what is hidden by a dot is left out.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE
 */
export function listRecordingFiles(dir: string): string[] {
  try {
    return filesIn(dir).sort()
  } catch (error) {
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not read the recordings: ${messageOf(error)}. Set RECORDING_DIR to a folder of recordings that you may read.`,
      { cause: error },
    )
  }
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return []
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return filesIn(path)
    return /\.ya?ml$/i.test(entry.name) ? [path] : []
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
