import { closeSync, readFileSync, readSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { reasonOf } from '../lib/error-text.ts'
import { openRegularFile } from '../lib/regular-file.ts'
import { readJsonText } from './formats/json-reader.ts'
import {
  defaultFormat,
  describeContent,
  type FileContent,
  isGoVcr,
  mayBeRecording,
  readContent,
} from './formats/recording-formats.ts'
import { FieldError } from './read-fields.ts'
import { type RecordingProblem, versionProblem } from './recording-problem.ts'
import type { FileScan, OnInteraction, ScanLimits } from './scan-recording-file.ts'
import { readBlock } from './yaml-block-reader.ts'
import { readFullYaml, type YamlProblem } from './yaml-full-reader.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from './yaml-value.ts'

/** The content of a file as values, or why it cannot be read. */
type WholeRead =
  | {
      readonly root: YamlValue
      readonly parseWarnings: readonly YamlProblem[]
      /** Undefined if the lines are unknown: interactions are then counted instead. */
      readonly lineOf: ((map: YamlMap) => number) | undefined
    }
  | { readonly problem: YamlProblem; readonly fix?: string }
  | { readonly otherContent: string }

/** JSON is read much faster than YAML. */
const JSON_BYTES_FACTOR = 4

/** Size of the part of a JSON file in which the keys of the formats are searched. */
const START_BYTES = 64 * 1024

/**
 * Reads a complete file: other layouts of YAML, JSON, JSON lines, and files compressed with gzip. Its interactions can only be kept
 * in memory.
 *
 * @param from number of interactions that have been read already
 */
export function scanWholeFile<T>(
  file: string,
  onInteraction: OnInteraction<T>,
  limits: ScanLimits,
  from = 0,
): FileScan<T> {
  const fileProblem = (line: number, reason: string, fix: string): FileScan<T> => ({
    found: [],
    problems: [{ file, line, reason, fix }],
  })
  // Checked before the complete file is read, because a folder can have large JSON files of other purposes.
  if (isOtherJson(file) && isUnrelatedJson(file))
    return { found: [], problems: [], otherContent: 'JSON without the keys of a recording' }
  const bytes = readFileUpTo(file, limits.maxUnsplitFileBytes * JSON_BYTES_FACTOR)
  if (typeof bytes === 'number') return tooLarge(file, bytes, limits, JSON_BYTES_FACTOR)
  const isJson = startsLikeJson(bytes)
  if (!isJson && bytes.length > limits.maxUnsplitFileBytes) return tooLarge(file, bytes.length, limits)
  const read = readWhole(file, bytes, isJson, limits)
  if ('otherContent' in read) return { found: [], problems: [], otherContent: read.otherContent }
  if ('problem' in read) {
    return fileProblem(
      read.problem.line,
      read.problem.reason,
      read.fix ?? 'Correct it. The other files are served.',
    )
  }
  const { root } = read
  if (isYamlMap(root) && root.get('interactions') === null) return { found: [], problems: [] }
  const content = readContent(root, file)
  if (!content) {
    const what = describeContent(root)
    if (isOtherJson(file)) return { found: [], problems: [], otherContent: what }
    return fileProblem(1, `the file is not a recording of a known format (got ${what})`, expectedFormat)
  }
  const version = isYamlMap(root) ? root.get('version') : undefined
  const list = isYamlMap(root) ? root.get('interactions') : undefined
  const isGo = isYamlList(list) && isGoVcr(list[0])
  const wrongVersion =
    list === undefined || version === undefined
      ? undefined
      : versionProblem(`version: ${textOf(version) ?? ''}`, isGo)
  if (wrongVersion) return { found: [], problems: [{ file, ...wrongVersion }] }
  const format = isGzip(bytes) ? { ...content.format, isWritable: false } : content.format
  return readItems(file, read, { ...content, format }, onInteraction, from)
}

const expectedFormat =
  'Write a map with version: 1 and a list of interactions, or give a file of another tool (docs/recordings.md).'

function readItems<T>(
  file: string,
  { parseWarnings, lineOf }: Extract<WholeRead, { root: YamlValue }>,
  { format, items }: FileContent,
  onInteraction: OnInteraction<T>,
  from: number,
): FileScan<T> {
  const found: T[] = []
  const problems: RecordingProblem[] = []
  const lines = items.map(({ at }, index) => lineOf?.(at) ?? index + 1)
  const warningsOf = (index: number): YamlProblem[] => {
    // Several interactions may be on one line.
    const [start = 1, end = Infinity] = [
      lines[index],
      lines.slice(index + 1).find((line) => line > (lines[index] ?? 1)),
    ]
    return parseWarnings.filter(({ line }) => line >= start && line < end)
  }
  for (const [index, { at, read }] of items.entries()) {
    if (index < from) continue
    const line = lines[index] ?? 1
    try {
      const interaction = read()
      if (!interaction) continue
      const itemWarnings = parseWarnings.length === 0 ? [] : warningsOf(index)
      found.push(onInteraction(interaction, { offset: 0, length: 0, line, parseWarnings: itemWarnings }, at))
    } catch (error) {
      if (!(error instanceof FieldError)) throw error
      const name = format.name === defaultFormat ? '' : `${format.name}, `
      const reason = `${name}interaction ${index + 1}: ${error.message}`
      problems.push({ file, line, reason, fix: 'Correct it. The others are served.' })
    }
  }
  return { found, problems, format }
}

function tooLarge<T>(
  file: string,
  size: number,
  { isServing, maxUnsplitFileBytes }: ScanLimits,
  factor = 1,
): FileScan<T> {
  const when = isServing ? 'while requests are served' : 'completely'
  const reason = `the file is too large to be read ${when} (${size} bytes, maximum ${maxUnsplitFileBytes * factor} for its layout)`
  const restart = isServing ? ', or restart the simulator' : ''
  const fix = `Write the list with one "- request:" per item${restart}.`
  return { found: [], problems: [{ file, line: 1, reason, fix }] }
}

function readWhole(file: string, bytes: Buffer, isJson: boolean, limits: ScanLimits): WholeRead {
  if (isGzip(bytes)) return readCompressed(file, bytes, limits)
  const text = bytes.toString()
  if (isJson) return readJson(file, text, limits)
  const read = readYaml(text, limits)
  return 'problem' in read && isOtherJson(file) ? { otherContent: 'text that is not JSON' } : read
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

function readJson(file: string, text: string, limits: ScanLimits): WholeRead {
  const read = readJsonText(text, limits.maxLexemes)
  if ('problem' in read) return isOtherJson(file) || /\.har$/i.test(file) ? read : readYaml(text, limits)
  const [first = null] = read.values
  return { root: read.values.length === 1 ? first : read.values, parseWarnings: [], lineOf: read.lineOf }
}

function readYaml(text: string, limits: ScanLimits): WholeRead {
  const read = readFullYaml(text, limits.maxLexemes)
  return 'problem' in read
    ? read
    : { root: read.value, parseWarnings: read.parseWarnings, lineOf: read.lineOf }
}

function readCompressed(file: string, bytes: Buffer, limits: ScanLimits): WholeRead {
  let text: string
  try {
    text = gunzipSync(bytes, { maxOutputLength: limits.maxUnsplitFileBytes }).toString()
  } catch (error) {
    const isLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    const limit = `it has more than ${limits.maxUnsplitFileBytes} bytes without gzip`
    return {
      problem: { line: 1, reason: isLarge ? limit : `gzip cannot be decompressed: ${reasonOf(error)}` },
      fix: 'Decompress it yourself. The other files are served.',
    }
  }
  if (startsLikeJson(Buffer.from(text.slice(0, 100))))
    return withoutLines(readJson(file.replace(/\.gz$/i, ''), text, limits))
  const unixText = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text
  const fast = readBlock(unixText, 0)
  if (fast && unixText.slice(fast.end).trim() === '')
    return { root: fast.value, parseWarnings: [], lineOf: undefined }
  return withoutLines(readYaml(text, limits))
}

/** Lines of decompressed text would not help: the location is the number of the interaction. */
function withoutLines(read: WholeRead): WholeRead {
  return 'root' in read ? { ...read, lineOf: undefined } : read
}

/** Whether a file may be JSON of another purpose, by its name. */
function isOtherJson(file: string): boolean {
  return /\.(?:json|jsonl|ndjson)(?:\.gz)?$/i.test(file)
}

function startsLikeJson(bytes: Buffer): boolean {
  return /^[\ufeff\s]*[[{]/.test(bytes.toString('utf8', 0, 1_000))
}

/** Whether a file begins like JSON, without a key of a recording. */
function isUnrelatedJson(file: string): boolean {
  const { descriptor } = openRegularFile(file)
  try {
    const start = Buffer.alloc(START_BYTES)
    const bytes = start.subarray(0, readSync(descriptor, start))
    return startsLikeJson(bytes) && !mayBeRecording(bytes.toString())
  } finally {
    closeSync(descriptor)
  }
}

/** The bytes of a file, or its size if it is too large. */
function readFileUpTo(file: string, maxBytes: number): Buffer | number {
  const { descriptor, size } = openRegularFile(file)
  try {
    return size > maxBytes ? size : readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
