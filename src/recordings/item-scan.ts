import { readInteraction } from './read-interaction.ts'
import { defaultFormat, type FileFormat, isGoVcr, listFormat } from './formats/recording-formats.ts'
import { type RecordingProblem, versionOf, versionProblem } from './recording-problem.ts'
import type { FileScan, OnInteraction, ScanLimits } from './scan-recording-file.ts'
import type { YamlProblem } from './yaml-full-reader.ts'
import { readItems } from './yaml-item.ts'
import { isYamlMap, type YamlValue } from './yaml-value.ts'
import { closeSync, readSync } from 'node:fs'
import { openRegularFile } from '../lib/regular-file.ts'

const invalidItemFix = 'Correct it, or remove the interaction. The others are served.'
const tooLarge = 'the interaction is larger than 128 MB'
const incompleteItem = {
  reason: 'the interaction is incomplete: it has no context_values, which are written last',
  fix: 'Remove it, or add "context_values: {}" if it is complete. The others are served.',
}

/** Bytes between two yields: about a millisecond of work at 60 MB/s (docs/recordings.md). */
const YIELD_BYTES = 64 * 1024

/** The result of a scan, possibly only of the first items. */
export interface ItemsScan<T> extends FileScan<T> {
  /** Index of the first item with an alias to another item; undefined if the scan is complete. */
  readonly firstReferringItem?: number
}

/** Larger items are skipped, so that memory is bounded. Interactions of the service are smaller by a factor of 100. */
const MAX_ITEM_BYTES = 128 * 1024 * 1024

/** Scans the items of one file with a known layout. */
export class ItemScan<T> {
  readonly #file: string
  readonly #window: FileWindow
  readonly #layout: FileLayout
  readonly #onInteraction: OnInteraction<T>
  readonly #limits: ScanLimits
  readonly #found: T[] = []
  readonly #problems: RecordingProblem[] = []
  readonly #isAppended: boolean
  /** Number of items that were read, valid or not. */
  #itemCount = 0
  /** The format, from the first item. */
  #format: FileFormat | undefined
  /** The first line of the window. */
  #line: number

  constructor(
    file: string,
    window: FileWindow,
    layout: FileLayout,
    onInteraction: OnInteraction<T>,
    limits: ScanLimits,
  ) {
    this.#limits = limits
    this.#file = file
    this.#window = window
    this.#layout = layout
    this.#onInteraction = onInteraction
    this.#isAppended = isAppended(layout)
    this.#line = 1 + countLines(window.bytes.subarray(0, layout.headLength))
  }

  /**
   * Yields periodically, so that the caller can yield to the event loop. Ends early at an item with an alias to another item; the
   * file must then be parsed completely.
   */
  *run(): Generator<void, ItemsScan<T>> {
    const problem = versionProblem(this.#layout.head, true)
    if (problem) return { found: [], problems: [{ file: this.#file, ...problem }] }
    this.#window.drop(this.#layout.headLength)
    const marker = Buffer.from(`\n${' '.repeat(this.#layout.indent)}- `)
    let searched = 0
    let yieldAt = YIELD_BYTES
    let isTooLarge = false
    while (this.#window.bytes.length > 0) {
      const next = this.#window.bytes.indexOf(marker, searched)
      if (next < 0) {
        searched = Math.max(0, this.#window.bytes.length - marker.length)
        if (searched > MAX_ITEM_BYTES) {
          if (!isTooLarge) this.#report(this.#line, tooLarge, invalidItemFix)
          isTooLarge = true
          this.#skip(searched)
          searched = 0
        }
        if (this.#window.more()) continue
      }
      const length = next < 0 ? this.#window.bytes.length : next + 1
      if (isTooLarge) {
        this.#skip(length)
        isTooLarge = false
      } else {
        const outcome = this.#readItem(length)
        if (outcome)
          return outcome === 'refers' ? { ...this.#outcome, firstReferringItem: this.#itemCount } : outcome
      }
      searched = 0
      if (this.#window.offset < yieldAt) continue
      yieldAt = this.#window.offset + YIELD_BYTES
      yield
    }
    return this.#outcome
  }

  get #outcome(): FileScan<T> {
    return { found: this.#found, problems: this.#problems, format: this.#format }
  }

  #readItem(length: number): 'refers' | FileScan<T> | undefined {
    const bytes = this.#window.bytes.subarray(0, length)
    const read = readItems(bytes.toString(), this.#limits.maxLexemes)
    if ('problem' in read) {
      const { line, reason, refers } = read.problem
      if (refers) return 'refers'
      this.#itemCount++
      this.#report(this.#line + line - 1, reason, invalidItemFix)
    } else {
      const [first] = read.values
      this.#format ??= listFormat(this.#layout.key, versionOf(this.#layout.head), first)
      const isGo = isGoVcr(first)
      const headProblem = versionProblem(this.#layout.head, isGo)
      if (headProblem) return { found: [], problems: [{ file: this.#file, ...headProblem }] }
      const tailLine = this.#line + countLines(bytes) - read.tail.split('\n').length + 1
      const problem = versionProblem(read.tail, isGo)
      // A version after the list also applies to the items before it.
      if (problem) {
        const line = tailLine + problem.line - 1
        return { found: [], problems: [{ file: this.#file, ...problem, line }] }
      }
      const parseWarnings = read.parseWarnings.map((warning) => ({
        ...warning,
        line: this.#line + warning.line - 1,
      }))
      for (const value of read.values) this.#addItem(value, length, read.values.length === 1, parseWarnings)
    }
    this.#skip(length)
    return undefined
  }

  #skip(length: number): void {
    this.#line += countLines(this.#window.bytes.subarray(0, length))
    this.#window.drop(length)
  }

  #addItem(value: YamlValue, length: number, isAlone: boolean, parseWarnings: readonly YamlProblem[]): void {
    this.#itemCount++
    if (this.#isAppended && isYamlMap(value) && !value.has('context_values')) {
      this.#report(this.#line, incompleteItem.reason, incompleteItem.fix)
      return
    }
    const result = readInteraction(value)
    if ('problem' in result) {
      this.#report(this.#line, result.problem, invalidItemFix)
      return
    }
    // Items that could not be separated have no separate position, and are kept in memory.
    const location = {
      offset: this.#window.offset,
      length: isAlone ? length : 0,
      line: this.#line,
      parseWarnings,
    }
    this.#found.push(this.#onInteraction(result.interaction, location, value))
  }

  #report(line: number, reason: string, fix: string): void {
    // The default format needs no name.
    const name = this.#format?.name ?? defaultFormat
    this.#problems.push({
      file: this.#file,
      line,
      reason: name === defaultFormat ? reason : `${name}: ${reason}`,
      fix,
    })
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

/** Minimum size of a read. Larger reads are not faster, smaller ones need more calls. */
const MIN_READ_BYTES = 1024 * 1024

/** Maximum size of a read. Reads grow up to this size, because each one copies the bytes in memory. */
const MAX_READ_BYTES = 16 * 1024 * 1024

/** Reads a file sequentially, with only a part of it in memory. */
export class FileWindow {
  readonly #descriptor: number
  /** Size of the file in bytes when it was opened. */
  readonly size: number
  #bytes = Buffer.alloc(0)
  /** Position of `bytes` in the file. */
  #offset = 0
  #atEnd = false

  /** @throws the error of node:fs, or a similar one, if the file is not a regular file or cannot be opened */
  constructor(path: string) {
    const { descriptor, size } = openRegularFile(path)
    this.#descriptor = descriptor
    this.size = size
  }

  /** The bytes in memory, from `offset` on. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Position of `bytes` in the file. */
  get offset(): number {
    return this.#offset
  }

  /** Reads as many bytes as are in memory, up to 16 MB. Returns false at the end of the file. */
  more(): boolean {
    if (this.#atEnd) return false
    // Doubles the bytes in memory, so that a long item is copied only a few times.
    const chunk = Buffer.allocUnsafe(Math.min(MAX_READ_BYTES, Math.max(MIN_READ_BYTES, this.#bytes.length)))
    const length = readSync(this.#descriptor, chunk, 0, chunk.length, this.#offset + this.#bytes.length)
    if (length === 0) {
      this.#atEnd = true
      return false
    }
    const read = chunk.subarray(0, length)
    this.#bytes = this.#bytes.length === 0 ? read : Buffer.concat([this.#bytes, read])
    return true
  }

  /** Removes the first bytes from memory. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#offset += count
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Position and indentation of the list of interactions in a file. */
export interface FileLayout {
  /** The key of the list. */
  readonly key: string
  /** Number of bytes before the first list item. */
  readonly headLength: number
  /** Indentation of the dashes of the items. */
  readonly indent: number
  /** The text before the list: keys and comments. */
  readonly head: string
}

/** The first line of files of the recorder, which only appends to them. */
const appendComment = /^\ufeff?# aoai-sim recording\b/

/** Whether the recorder wrote the file. Each item then ends with `context_values`. */
function isAppended({ head }: FileLayout): boolean {
  return appendComment.test(head)
}

/**
 * Finds the list in the first part of a file: plain keys on separate lines, then `interactions:` or `http_interactions:`, and items
 * that begin with a dash. Undefined for any other layout, which is read as a whole.
 */
export function findLayout(start: Buffer): FileLayout | undefined {
  const text = start.toString('latin1')
  const match =
    /^(?:\xef\xbb\xbf)?(?:(?:#.*|---[ \t]*|[A-Za-z_]\w*: *[^\s&*!|>{[#].*|[ \t]*)\r?\n)*?((?:http_)?interactions):[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*( *)(?=-(?: |\r?\n))/.exec(
      text,
    )
  if (!match) return undefined
  const [head, key = '', indent = ''] = match
  const headBytes = head.length - indent.length
  return { key, headLength: headBytes, indent: indent.length, head: start.toString('utf8', 0, headBytes) }
}
