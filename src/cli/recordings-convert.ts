import { closeSync, existsSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { countOf } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { countFormat, describeFormats } from '../recordings/load-recordings.ts'
import { decodedInteraction } from '../recordings/recording-summary.ts'
import { recordingFileHeader, serializeInteraction } from '../recordings/yaml-format.ts'
import { type RecordingsRun, warnOfProblems } from './recordings-run.ts'

interface Converted {
  readonly from: string
  readonly to: string
  readonly interactions: number
}

/**
 * Writes the recordings of a file or folder to a new folder, in the YAML of this simulator with decompressed bodies. Each file becomes
 * one file. Existing files are never overwritten.
 *
 * @throws {OperatorError} RECORDINGS_UNWRITABLE if a target exists or cannot be written; RECORDINGS_INVALID if nothing or not
 * everything could be converted
 */
export function convertRecordings(run: RecordingsRun, from: string, to: string): void {
  const files = run.filesOf([from])
  const target = run.absolute(to)
  const targets = targetsOf(run.absolute(from), files, target)
  refuseExisting(run, targets)
  const converted: Converted[] = []
  const formats = new Map<string, number>()
  let writer: FileWriter | undefined
  const problems = run.scan(
    files,
    (interaction, file) => {
      writer ??= new FileWriter(targets.get(file) ?? '')
      writer.write(serializeInteraction(decodedInteraction(interaction)))
    },
    (file, scan) => {
      countFormat(formats, scan)
      if (!writer) return
      writer.close()
      converted.push({ from: run.shown(file), to: run.shown(writer.path), interactions: writer.count })
      writer = undefined
    },
  )
  for (const one of converted)
    run.print(`${one.from} -> ${one.to}  ${countOf(one.interactions, 'interaction')}`)
  const total = converted.reduce((sum, { interactions }) => sum + interactions, 0)
  run.print(`${countOf(total, 'interaction')} converted (${describeFormats(formats) || 'no recordings'}).`)
  run.printJson({ converted, formats: Object.fromEntries(formats), interactions: total, errors: problems })
  warnOfProblems(run, problems)
  if (total === 0) {
    throw new OperatorError(
      'RECORDINGS_INVALID',
      `Could not convert ${from}: it contains no interactions (got ${run.extensionsOf([from]) || 'no files'}). Give a file or folder that aoai-sim recordings lint reads.`,
    )
  }
  if (problems.length === 0) return
  throw new OperatorError(
    'RECORDINGS_INVALID',
    `Could not convert all recordings: ${countOf(problems.length, 'error')}. Fix each error as described above. The rest is in ${to}.`,
  )
}

/** The target of each file: its path in the folder, with the extension .yaml. */
function targetsOf(from: string, files: readonly string[], to: string): ReadonlyMap<string, string> {
  const base = statSync(from).isDirectory() ? from : dirname(from)
  if (base !== from ? to === base : to === from || to.startsWith(from + sep)) {
    throw new OperatorError(
      'RECORDINGS_UNWRITABLE',
      `Could not convert ${from}: the target ${to} is in the folder that is read. Give another folder.`,
    )
  }
  return new Map(
    files.map((file) => {
      const path = relative(base, file)
      return [file, resolve(to, /\.ya?ml$/i.test(path) ? path : `${path}.yaml`)]
    }),
  )
}

function refuseExisting(run: RecordingsRun, targets: ReadonlyMap<string, string>): void {
  const existing = Array.from(targets.values()).filter((path) => existsSync(path))
  if (existing.length === 0) return
  const names = existing
    .slice(0, 3)
    .map((path) => run.shown(path))
    .join(', ')
  throw new OperatorError(
    'RECORDINGS_UNWRITABLE',
    `Could not convert: ${countOf(existing.length, 'target file')} already exist${existing.length === 1 ? 's' : ''} (${names}). Give an empty folder.`,
  )
}

/** Writes a recording file that only its owner can read. */
class FileWriter {
  readonly path: string
  readonly #descriptor: number
  count = 0

  /** @throws {OperatorError} RECORDINGS_UNWRITABLE */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(dirname(path), { recursive: true })
      this.#descriptor = openSync(path, 'wx', 0o600)
      this.#append(recordingFileHeader)
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  /** @throws {OperatorError} RECORDINGS_UNWRITABLE */
  write(item: string): void {
    this.count++
    try {
      this.#append(item)
    } catch (error) {
      throw unwritable(this.path, error)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #append(text: string): void {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at)
  }
}

function unwritable(path: string, error: unknown): OperatorError {
  const message = `Could not write ${path}: ${reasonOf(error)}. Give a folder that can be written.`
  return new OperatorError('RECORDINGS_UNWRITABLE', message, { cause: error })
}
