import { closeSync, readdirSync, readSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { loadSettings } from '../config/live-config.ts'
import type { RecordingsConfig } from '../config/config.ts'
import { resolveRecordings } from '../config/source-names.ts'
import { reasonOf } from '../lib/error-text.ts'
import { openRegularFile } from '../lib/regular-file.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { Interaction } from '../recordings/interaction.ts'
import { type StrayCredential, strayCredential } from '../recordings/lint-interaction.ts'
import { listRecordingFiles, unreadable } from '../recordings/load-recordings.ts'
import { type RecordingProblem, describeProblem } from '../recordings/recording-problem.ts'
import { type FileOffset, scanRecordingFile } from '../recordings/scan-recording-file.ts'
import { type CliHost, configSources } from './cli-host.ts'

/** Work on recording files, from one call of the program. */
export interface RecordingsRun {
  /** The settings of a part of the recordings. Those of other parts may be wrong. */
  settings<const P extends RecordingsPart>(part: P): RecordingsConfig[P]
  readonly isJson: boolean
  /** Prints a line, or nothing where JSON is asked for. */
  print(line: string): void
  /** Prints a value as JSON, or nothing where text is asked for. */
  printJson(value: unknown): void
  /** Tells something on standard error. */
  tell(line: string): void
  /** The files of paths, of which folders stand for all in them; without a path those of RECORDING_DIR. */
  filesOf(paths: readonly string[]): string[]
  /** What else is in folders, counted by the ends of names: `2 .json, 1 .md`. */
  otherFilesOf(paths: readonly string[]): string
  /** A path as the user would type it. */
  shown(file: string): string
  /** Reads files from front to back, and says how far it is when that takes long. */
  scan(files: readonly string[], onInteraction: OnScanned): RecordingProblem[]
}

/** What commands ask for. */
type RecordingsPart = 'dir' | 'match' | 'redact'

/** Hears of each interaction of each file. */
export type OnScanned = (interaction: Interaction, file: string, place: FileOffset) => void

/** How often progress is told, in milliseconds. */
const PROGRESS_MS = 1_000

/** Prepares the work. Each setting is read, and may be wrong, only where it is used. */
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
  const tell = (line: string): void => void stderr.write(`${line}\n`)
  return {
    settings,
    isJson,
    shown,
    tell,
    print: (line) => void (isJson || stdout.write(`${line}\n`)),
    printJson: (value) => void (isJson && stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
    filesOf: (paths) =>
      (paths.length === 0 ? [settings('dir')] : paths).flatMap((path) => {
        const whole = resolve(workingDirectory, path)
        return isFolder(whole, path) ? listRecordingFiles(whole) : [whole]
      }),
    otherFilesOf: (paths) =>
      countEndings(
        (paths.length === 0 ? [settings('dir')] : paths)
          .map((path) => resolve(workingDirectory, path))
          .filter((path) => isFolder(path, path))
          .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile() && !/\.ya?ml$/i.test(entry.name))
          .map(({ name }) => name),
      ),
    scan(files, onInteraction) {
      const problems: RecordingProblem[] = []
      let count = 0
      let toldMs = Date.now()
      for (const [index, file] of files.entries()) {
        const onRead = (interaction: Interaction, place: FileOffset): void => {
          onInteraction(interaction, file, place)
          count++
          if (count % 1_000 !== 0 || Date.now() - toldMs < PROGRESS_MS) return
          toldMs = Date.now()
          tell(`${count} interactions so far, in file ${index + 1} of ${files.length}: ${shown(file)}`)
        }
        for (const problem of scanFile(file, onRead)) problems.push({ ...problem, file: shown(file) })
      }
      return problems
    },
  }
}

/** So much of a file is looked at in one go, in bytes. */
const MAX_STRAY_BYTES = 8 * 1024 * 1024

/** Looks through the whole text of a file for a credential. @throws the error of node:fs */
export function findStrayCredential(file: string): StrayCredential | undefined {
  const { descriptor } = openRegularFile(file)
  try {
    const piece = Buffer.alloc(MAX_STRAY_BYTES)
    for (let lines = 0; ;) {
      const length = readSync(descriptor, piece)
      if (length === 0) return undefined
      const text = piece.toString('utf8', 0, length)
      const stray = strayCredential(text)
      if (stray) return { ...stray, line: lines + stray.line }
      lines += text.split('\n').length - 1
    }
  } finally {
    closeSync(descriptor)
  }
}

/** An error of the system, or a file that is none, is a problem of this file and leaves the others alone. */
function scanFile(
  file: string,
  onRead: (interaction: Interaction, place: FileOffset) => void,
): readonly RecordingProblem[] {
  try {
    return scanRecordingFile(file, onRead).problems
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    return [unreadable(file, error)]
  }
}

function countEndings(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) {
    const ending = /(?:\.\w{1,8}){1,2}$/.exec(name)?.[0] ?? 'without an ending'
    counts.set(ending, (counts.get(ending) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
  return sorted.map(([ending, count]) => `${count} ${ending}`).join(', ')
}

function isFolder(whole: string, typed: string): boolean {
  try {
    return statSync(whole).isDirectory()
  } catch (error) {
    const reason = reasonOf(error)
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not read ${typed}: ${reason}. Name a recording file or a folder of them.`,
      { cause: error },
    )
  }
}

/** Tells on standard error what could not be read, so that a list does not look complete when it is not. */
export function tellProblems(run: RecordingsRun, problems: readonly RecordingProblem[]): void {
  for (const problem of problems) run.tell(describeProblem(problem))
}
