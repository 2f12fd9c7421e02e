import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { findLayout } from './file-layout.ts'
import type { Interaction } from './interaction.ts'
import { scanRecordingFile, type Place } from './scan-recording-file.ts'
import { recordingFileHeader, serialiseInteraction } from './yaml-format.ts'
import { readItems } from './yaml-item.ts'

/** What becomes of an interaction: itself, nothing, or another one. */
export type Change = 'keep' | 'drop' | Interaction

/** Decides about an interaction. */
export type Decide = (interaction: Interaction, place: Place) => Change

/** The outcome for one file. */
export interface Rewrite {
  /** How many interactions were dropped or replaced. */
  readonly changed: number
  /** Why the file was left as it is although something should change; undefined where it was not. */
  readonly refusal: string | undefined
}

interface Edit {
  readonly place: Place
  readonly change: Exclude<Change, 'keep'>
}

/**
 * Changes a recording file: what is kept stays byte for byte, broken parts included, and the file is replaced in one step
 * by a complete one, for its owner only.
 *
 * @param dryRun counts only
 * @throws the error of node:fs for a file that cannot be read or written; the file is then as it was
 */
export function rewriteFile(file: string, decide: Decide, dryRun: boolean): Rewrite {
  const { size } = statSync(file)
  const scan = scanRecordingFile(file, (interaction, place) => {
    const change = decide(interaction, place)
    return { place, change, interaction: place.length === 0 ? interaction : undefined }
  })
  const edits = scan.found.flatMap(({ place, change }) => (change === 'keep' ? [] : [{ place, change }]))
  if (edits.length === 0) return { changed: 0, refusal: undefined }
  const inPlace = edits.every(({ place }) => place.length > 0)
  if (!inPlace && scan.problems.length > 0) {
    return {
      changed: 0,
      refusal: 'it has a layout that has to be written anew, and broken parts that would be lost',
    }
  }
  if (dryRun) return { changed: edits.length, refusal: undefined }

  const bytes = readFileSync(file)
  const written = inPlace
    ? applyEdits(bytes, edits)
    : Buffer.from(
        recordingFileHeader +
          scan.found
            .map(({ change, interaction }) => (change === 'keep' ? interaction : change))
            .map((change) => (change === 'drop' || !change ? '' : serialiseInteraction(change)))
            .join(''),
      )
  if (bytes.length !== size) return { changed: 0, refusal: 'something else writes to it' }
  replaceFile(file, written)
  return { changed: edits.length, refusal: undefined }
}

function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const indent = findLayout(bytes)?.indent ?? 0
  const pieces: Buffer[] = []
  let done = 0
  for (const { place, change } of edits) {
    const end = place.offset + place.length
    const read = readItems(bytes.toString('utf8', place.offset, end))
    // The last item's bytes reach to the end of the file, beyond the list.
    const tail = 'tail' in read ? Buffer.byteLength(read.tail) : 0
    pieces.push(bytes.subarray(done, place.offset))
    if (change !== 'drop') pieces.push(Buffer.from(indented(serialiseInteraction(change), indent)))
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
