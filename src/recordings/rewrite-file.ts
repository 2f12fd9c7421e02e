import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readRegularFile } from '../lib/regular-file.ts'
import { findLayout } from './item-scan.ts'
import type { Interaction } from './interaction.ts'
import { scanRecordingFile, type ItemLocation } from './scan-recording-file.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { editYaml } from './edit-yaml.ts'
import { patchItem, writeFile, writeItem } from './write-item.ts'
import { readFullYaml } from './yaml-full-reader.ts'
import { readItems } from './yaml-item.ts'
import { isYamlList, isYamlMap, toJson, type YamlMap, type YamlValue } from './yaml-value.ts'

/** Keeps, removes or replaces an interaction. */
export type Change = 'keep' | 'drop' | Interaction

/** Returns the change of an interaction. */
export type DecideChange = (interaction: Interaction, location: ItemLocation) => Change

/** The outcome for one file. */
export interface Rewrite {
  /** How many interactions were dropped or replaced. */
  readonly changed: number
  /** Why the file was not changed although it should be; undefined if it was. */
  readonly refusal: string | undefined
  /** Parts of the file that cannot be read and were not checked. */
  readonly problems: readonly RecordingProblem[]
}

interface Edit {
  readonly location: ItemLocation
  /** The new list item; undefined if the item is removed or unchanged. */
  readonly item: YamlValue | undefined
  readonly isChanged: boolean
}

/**
 * Changes a recording file. Unchanged items and invalid parts stay byte for byte. The file is replaced atomically by a file with
 * mode 0600.
 *
 * @param dryRun counts the changes and writes nothing
 * @throws the error of node:fs if the file cannot be read or written; the file is then unchanged
 */
export function rewriteFile(file: string, decide: DecideChange, dryRun: boolean): Rewrite {
  const scan = scanRecordingFile(file, (interaction, location, value): Edit => {
    const change = decide(interaction, location)
    if (change === 'keep') return { location, item: undefined, isChanged: false }
    if (change === 'drop' || !isYamlMap(value)) return { location, item: undefined, isChanged: true }
    return { location, item: patchItem(value, interaction, change), isChanged: true }
  })
  const { problems, format } = scan
  const edits = scan.found.filter(({ isChanged }) => isChanged)
  if (edits.length === 0) return { changed: 0, refusal: undefined, problems }
  if (format?.isWritable === false) {
    const refusal = `a ${format.name} can only be read. Convert it first: aoai-sim recordings convert ${file} <folder>`
    return { changed: 0, refusal, problems }
  }
  const canEditInPlace = edits.every(({ location }) => location.length > 0)
  if (
    !canEditInPlace &&
    (problems.length > 0 || scan.found.some(({ location }) => location.parseWarnings.length > 0))
  ) {
    const refusal =
      'its layout requires that the complete file is written again, which would lose the parts that cannot be read'
    return { changed: 0, refusal, problems }
  }
  if (dryRun) return { changed: edits.length, refusal: undefined, problems }

  const bytes = readRegularFile(file)
  const written = canEditInPlace ? applyEdits(bytes, edits) : writeCompletely(file, bytes, scan.found)
  if (!written) return { changed: 0, refusal: 'another program changed it meanwhile', problems }
  replaceFile(file, written)
  return { changed: edits.length, refusal: undefined, problems }
}

/** Changes the complete file; undefined if it has changed since it was read. It is written again only if it cannot be edited. */
function writeCompletely(file: string, bytes: Buffer, found: readonly Edit[]): Buffer | undefined {
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
  const edited = editYaml(text, root, changed)
  if (edited !== undefined) return Buffer.from(edited)
  return Buffer.from(
    /\.json$/i.test(file) ? `${JSON.stringify(toJson(changed), null, 2)}\n` : writeFile(changed),
  )
}

/** Replaces only changed items; undefined if the file has changed since it was read. */
function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer | undefined {
  const indent = findLayout(bytes)?.indent ?? 0
  const chunks: Buffer[] = []
  let copied = 0
  for (const { location, item } of edits) {
    const end = location.offset + location.length
    if (end > bytes.length) return undefined
    const text = bytes.toString('utf8', location.offset, end)
    const read = readItems(text)
    if ('problem' in read) return undefined
    // The bytes of the last item include everything up to the end of the file.
    const own = withoutTail(text, read.tail)
    chunks.push(bytes.subarray(copied, location.offset))
    if (item !== undefined) {
      chunks.push(Buffer.from(editYaml(own, [...read.values], [item]) ?? indented(writeItem(item), indent)))
    }
    copied = location.offset + Buffer.byteLength(own)
  }
  return Buffer.concat([...chunks, bytes.subarray(copied)])
}

/** Removes the tail of an item, in which each CR LF is read as LF. */
function withoutTail(text: string, tail: string): string {
  if (!text.includes('\r')) return text.slice(0, text.length - tail.length)
  let end = text.length
  for (let at = tail.length - 1; at >= 0; at--) end -= tail[at] === '\n' && text[end - 2] === '\r' ? 2 : 1
  return text.slice(0, end)
}

/** Indents all lines, including those of block scalars, except empty ones. */
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
