import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readRegularFile } from '../lib/regular-file.ts'
import { findLayout } from './item-scan.ts'
import type { Interaction } from './interaction.ts'
import { scanRecordingFile, type FileOffset } from './scan-recording-file.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { patchItem, writeFile, writeItem } from './write-item.ts'
import { readFullYaml } from './yaml-full-reader.ts'
import { readItems } from './yaml-item.ts'
import { isYamlList, isYamlMap, toJson, type YamlMap, type YamlValue } from './yaml-value.ts'

/** What becomes of an interaction: itself, nothing, or another one. */
export type Change = 'keep' | 'drop' | Interaction

/** Decides about an interaction. */
export type Decide = (interaction: Interaction, place: FileOffset) => Change

/** The outcome for one file. */
export interface Rewrite {
  /** How many interactions were dropped or replaced. */
  readonly changed: number
  /** Why the file was left as it is although something should change; undefined where it was not. */
  readonly refusal: string | undefined
  /** Parts of the file that cannot be read, and were not looked at. */
  readonly problems: readonly RecordingProblem[]
}

interface Decided {
  readonly place: FileOffset
  /** The list item as it will be; undefined where it is dropped or stays. */
  readonly item: YamlValue | undefined
  readonly isChanged: boolean
}

/**
 * Changes a recording file: what is kept stays byte for byte, broken parts included, and the file is replaced in one step
 * by a complete one, for its owner only.
 *
 * @param dryRun counts only
 * @throws the error of node:fs for a file that cannot be read or written; the file is then as it was
 */
export function rewriteFile(file: string, decide: Decide, dryRun: boolean): Rewrite {
  const scan = scanRecordingFile(file, (interaction, place, value): Decided => {
    const change = decide(interaction, place)
    if (change === 'keep') return { place, item: undefined, isChanged: false }
    if (change === 'drop' || !isYamlMap(value)) return { place, item: undefined, isChanged: true }
    return { place, item: patchItem(value, interaction, change), isChanged: true }
  })
  const { problems } = scan
  const edits = scan.found.filter(({ isChanged }) => isChanged)
  if (edits.length === 0) return { changed: 0, refusal: undefined, problems }
  const inPlace = edits.every(({ place }) => place.length > 0)
  if (!inPlace && (problems.length > 0 || scan.found.some(({ place }) => place.doubts.length > 0))) {
    const refusal =
      'it has a layout that has to be written anew, and parts that would be lost, for they cannot be read'
    return { changed: 0, refusal, problems }
  }
  if (dryRun) return { changed: edits.length, refusal: undefined, problems }

  const bytes = readRegularFile(file)
  const written = inPlace ? applyEdits(bytes, edits) : writeAnew(file, bytes, scan.found)
  if (!written) return { changed: 0, refusal: 'something else writes to it', problems }
  replaceFile(file, written)
  return { changed: edits.length, refusal: undefined, problems }
}

/** Writes a file in one go, as JSON where its name says so; undefined where it has changed meanwhile. */
function writeAnew(file: string, bytes: Buffer, found: readonly Decided[]): Buffer | undefined {
  const text = bytes.toString()
  const read = readFullYaml(text)
  const root = 'value' in read ? read.value : null
  if (!isYamlMap(root)) return undefined
  const list = root.get('interactions')
  if (!isYamlList(list) || list.length !== found.length) return undefined
  const items = found.flatMap(({ item, isChanged }, index) =>
    isChanged ? (item ?? []) : (list[index] ?? []),
  )
  const changed: YamlMap = new Map(root).set('interactions', items)
  return Buffer.from(
    /\.json$/i.test(file) ? `${JSON.stringify(toJson(changed), null, 2)}\n` : writeFile(changed),
  )
}

/** Undefined where the file has changed since it was read. */
function applyEdits(bytes: Buffer, edits: readonly Decided[]): Buffer | undefined {
  const indent = findLayout(bytes)?.indent ?? 0
  const pieces: Buffer[] = []
  let done = 0
  for (const { place, item } of edits) {
    const end = place.offset + place.length
    if (end > bytes.length) return undefined
    const read = readItems(bytes.toString('utf8', place.offset, end))
    if ('fault' in read) return undefined
    // The last item's bytes reach to the end of the file, beyond the list.
    const tail = Buffer.byteLength(read.tail)
    pieces.push(bytes.subarray(done, place.offset))
    if (item !== undefined) pieces.push(Buffer.from(indented(writeItem(item), indent)))
    done = end - tail
  }
  return Buffer.concat([...pieces, bytes.subarray(done)])
}

/** Lines of a block scalar move along with their key; empty lines stay empty. */
function indented(item: string, indent: number): string {
  return indent === 0 ? item : item.replace(/^(?=.)/gm, ' '.repeat(indent))
}

function replaceFile(file: string, bytes: Buffer): void {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`)
  try {
    const descriptor = openSync(temporary, 'wx', 0o600)
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
