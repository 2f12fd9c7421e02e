import { type Dirent, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { countOf } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { RecordingProblem } from './recording-problem.ts'
import type { IndexedEntry, RecordingIndex } from './recording-index.ts'
import { type FileScan, scanRecordingFile } from './scan-recording-file.ts'

/** The result of loading a folder. */
export interface LoadResult {
  readonly files: number
  readonly interactions: number
  /** The number of files of each format. */
  readonly formats: ReadonlyMap<string, number>
  /** Number of JSON files that are no recordings. */
  readonly otherFiles: number
  /** All problems. All other interactions are served. */
  readonly problems: readonly RecordingProblem[]
}

/**
 * Adds all recordings of a folder and its subfolders to an index, in the order of their paths.
 *
 * @param onFile called before each file is read
 * @throws {OperatorError} RECORDINGS_UNREADABLE if the folder is missing or cannot be read
 */
export function loadRecordings(
  dir: string,
  index: RecordingIndex,
  onFile: (file: string) => void,
): LoadResult {
  const files = listRecordingFiles(dir)
  const problems: RecordingProblem[] = []
  const formats = new Map<string, number>()
  let otherFiles = 0
  let interactions = 0
  for (const file of files) {
    const scan = loadFile(file, index, onFile)
    countFormat(formats, scan)
    if (scan.otherContent !== undefined) otherFiles++
    interactions += scan.found.length
    for (const problem of scan.problems) problems.push(problem)
  }
  return { files: files.length - otherFiles, interactions, formats, otherFiles, problems }
}

/** Counts the format of a file. */
export function countFormat(
  formats: Map<string, number>,
  { format }: Pick<FileScan<unknown>, 'format'>,
): void {
  if (format) formats.set(format.name, (formats.get(format.name) ?? 0) + 1)
}

/** The formats and the number of their files: `2 HAR files, 1 VCR.py cassette`. */
export function describeFormats(formats: ReadonlyMap<string, number>): string {
  return [...formats].map(([name, count]) => countOf(count, name)).join(', ')
}

function loadFile(
  file: string,
  index: RecordingIndex,
  onFile: (file: string) => void,
): FileScan<IndexedEntry> {
  try {
    onFile(file)
    const scan = scanRecordingFile(file, (interaction, { offset, length, line }) =>
      index.prepare(interaction, { file, line, source: length === 0 ? interaction : { offset, length } }),
    )
    for (const indexed of scan.found) index.add(indexed)
    return scan
  } catch (error) {
    return { found: [], problems: [unreadableProblem(file, error)] }
  }
}

/** The problem of a file that cannot be opened or read. */
export function unreadableProblem(file: string, error: unknown): RecordingProblem {
  const reason = `the file cannot be read: ${reasonOf(error)}`
  return { file, line: 1, reason, fix: 'Make it readable. The other files are served.', isUnreadable: true }
}

/**
 * The recording files of a folder and its subfolders, sorted. Skips names that begin with a dot.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE
 */
export function listRecordingFiles(dir: string): string[] {
  try {
    return filesIn(dir).sort()
  } catch (error) {
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not read the recordings: ${reasonOf(error)}. Set RECORDING_DIR to a readable folder of recordings.`,
      { cause: error },
    )
  }
}

/**
 * Asynchronous `listRecordingFiles`, which does not block requests.
 *
 * @throws the error of node:fs if a folder cannot be read
 */
export async function listRecordingFilesAsync(dir: string): Promise<string[]> {
  const files: string[] = []
  const folders = [dir]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (isFolder(entry)) folders.push(join(folder, entry.name))
      else if (isRecording(entry)) files.push(join(folder, entry.name))
    }
  }
  return files.sort()
}

/** Whether a path in the folder is that of a recording file. */
export function isRecordingPath(dir: string, path: string): boolean {
  const segments = relative(dir, path).split(sep)
  return !segments.slice(0, -1).some(isSkipped) && !segments.at(-1)?.startsWith('.') && hasRecordingName(path)
}

/** Whether a file may be a recording, by its extension. Its content decides. */
function hasRecordingName(name: string): boolean {
  return /\.(?:ya?ml|json|har|jsonl|ndjson)(?:\.gz)?$/i.test(name)
}

/** Hidden folders, and the folder in which WireMock keeps the bodies of its mappings. */
function isSkipped(folder: string): boolean {
  return folder.startsWith('.') || folder === '__files'
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (isFolder(entry)) return filesIn(path)
    return isRecording(entry) ? [path] : []
  })
}

function isFolder(entry: Dirent): boolean {
  return entry.isDirectory() && !isSkipped(entry.name)
}

function isRecording(entry: Dirent): boolean {
  return !entry.isDirectory() && !entry.name.startsWith('.') && hasRecordingName(entry.name)
}
