import { closeSync, readdirSync, readSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { loadSettings } from '../config/live-config.ts'
import type { RecordingsConfig } from '../config/config.ts'
import { resolveRecordings } from '../config/resolve-mode.ts'
import { reasonOf } from '../lib/error-text.ts'
import { openRegularFile } from '../lib/regular-file.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { Interaction } from '../recordings/interaction.ts'
import { type OutsideCredential, findOutsideCredential } from '../recordings/lint-interaction.ts'
import { listRecordingFiles, unreadableProblem } from '../recordings/load-recordings.ts'
import { type RecordingProblem, describeProblem } from '../recordings/recording-problem.ts'
import { type FileScan, type ItemLocation, scanRecordingFile } from '../recordings/scan-recording-file.ts'
import { type CliHost, configSources } from './cli-host.ts'

/** Input and output of a command for recording files. */
export interface RecordingsRun {
  /** Reads one part of the recording settings. Does not validate the others. */
  settings<const P extends RecordingsPart>(part: P): RecordingsConfig[P]
  readonly isJson: boolean
  /** Prints a line on standard output, except with --json. */
  print(line: string): void
  /** Prints a value as JSON on standard output, only with --json. */
  printJson(value: unknown): void
  /** Prints a line on standard error. */
  warn(line: string): void
  /** Returns the recording files at the paths and in folders. Without a path, those of RECORDING_DIR. */
  filesOf(paths: readonly string[]): string[]
  /** Counts the files in folders by their extension: `2 .json, 1 .md`. */
  extensionsOf(paths: readonly string[]): string
  /** Returns the absolute path of a path that the user gave. */
  absolute(path: string): string
  /** Returns a path relative to the working directory if the file is in it. */
  shown(file: string): string
  /**
   * Reads all interactions of files in order. Prints progress on standard error every second.
   *
   * @param onFile called after each file, with its format
   */
  scan(files: readonly string[], onInteraction: OnScanned, onFile?: OnFile): RecordingProblem[]
}

/** Parts of the recording settings that commands use. */
type RecordingsPart = 'dir' | 'match' | 'redact'

/** Called for each interaction of each file. */
export type OnScanned = (interaction: Interaction, file: string, offset: ItemLocation) => void

/** Called after each file. */
export type OnFile = (file: string, scan: Pick<FileScan<void>, 'format' | 'otherContent'>) => void

const PROGRESS_INTERVAL_MS = 1_000

/** Creates the input and output of a command. Settings are read and validated only when they are used. */
export function createRun(host: CliHost, isJson: boolean): RecordingsRun {
  const { workingDirectory, stdout, stderr } = host
  const settings: RecordingsRun['settings'] = (part) => {
    const { recordings } = loadSettings(configSources(host), ({ path }) =>
      path.join('.').startsWith(`recordings.${part}`),
    )
    return resolveRecordings(recordings, workingDirectory)[part]
  }
  const shown = (file: string): string => {
    const short = relative(workingDirectory, file)
    return short.startsWith('..') ? file : short
  }
  const warn = (line: string): void => void stderr.write(`${line}\n`)
  return {
    absolute: (path) => resolve(workingDirectory, path),
    settings,
    isJson,
    shown,
    warn,
    print: (line) => void (isJson || stdout.write(`${line}\n`)),
    printJson: (value) => void (isJson && stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
    filesOf: (paths) =>
      (paths.length === 0 ? [settings('dir')] : paths).flatMap((path) => {
        const whole = resolve(workingDirectory, path)
        return isFolder(whole, path) ? listRecordingFiles(whole) : [whole]
      }),
    extensionsOf: (paths) =>
      countExtensions(
        (paths.length === 0 ? [settings('dir')] : paths)
          .map((path) => resolve(workingDirectory, path))
          .filter((path) => isFolder(path, path))
          .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map(({ name }) => name),
      ),
    scan(files, onInteraction, onFile) {
      const problems: RecordingProblem[] = []
      let count = 0
      let lastProgressMs = Date.now()
      for (const [index, file] of files.entries()) {
        const onRead = (interaction: Interaction, offset: ItemLocation): void => {
          onInteraction(interaction, file, offset)
          count++
          if (count % 1_000 !== 0 || Date.now() - lastProgressMs < PROGRESS_INTERVAL_MS) return
          lastProgressMs = Date.now()
          warn(`${count} interactions so far, in file ${index + 1} of ${files.length}: ${shown(file)}`)
        }
        const scan = scanFile(file, onRead)
        for (const problem of scan.problems) problems.push({ ...problem, file: shown(file) })
        onFile?.(file, scan)
      }
      return problems
    },
  }
}

/** Formats a count of a summary, without separators between digits, because scripts read it: `1250 files`. */
export function countPlain(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

/** Size of the pieces in which a file is searched for credentials. */
const PIECE_BYTES = 8 * 1024 * 1024

/** Searches the whole text of a file for a credential. @throws the error of node:fs */
export function findStrayCredential(file: string): OutsideCredential | undefined {
  const { descriptor } = openRegularFile(file)
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let lines = 0; ;) {
      const length = readSync(descriptor, piece)
      if (length === 0) return undefined
      const text = piece.toString('utf8', 0, length)
      const stray = findOutsideCredential(text)
      if (stray) return { ...stray, line: lines + stray.line }
      lines += text.split('\n').length - 1
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Scans a file. A system error, or a path that is not a regular file, is a problem of this file only. */
function scanFile(
  file: string,
  onRead: (interaction: Interaction, offset: ItemLocation) => void,
): FileScan<void> {
  try {
    return scanRecordingFile(file, onRead)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    return { found: [], problems: [unreadableProblem(file, error)] }
  }
}

function countExtensions(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) {
    const extension = /(?:\.\w{1,8}){1,2}$/.exec(name)?.[0] ?? 'without an extension'
    counts.set(extension, (counts.get(extension) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
  return sorted.map(([extension, count]) => `${count} ${extension}`).join(', ')
}

function isFolder(whole: string, typed: string): boolean {
  try {
    return statSync(whole).isDirectory()
  } catch (error) {
    const reason = reasonOf(error)
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not read ${typed}: ${reason}. Give a recording file or a folder of recording files.`,
      { cause: error },
    )
  }
}

/** Prints problems on standard error, so that an incomplete list does not look complete. */
export function warnOfProblems(run: RecordingsRun, problems: readonly RecordingProblem[]): void {
  for (const problem of problems) run.warn(describeProblem(problem))
}
