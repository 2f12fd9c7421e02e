import { readInteraction } from './read-interaction.ts'
import { type RecordingProblem, versionProblem } from './recording-problem.ts'
import type { FileScan, Keep, ScanLimits } from './scan-recording-file.ts'
import type { YamlFault } from './yaml-full-reader.ts'
import { readItems } from './yaml-item.ts'
import { isYamlMap, type YamlValue } from './yaml-value.ts'
import { closeSync, readSync } from 'node:fs'
import { openRegularFile } from '../lib/regular-file.ts'

const mend = 'Correct it, or remove the interaction; the others are served.'
const tooLarge = 'the interaction is larger than 128 MB'
const cutOff = {
  reason: 'the interaction has no context_values, which end it: it was cut off while it was written',
  fix: 'Remove it, or add "context_values: {}" if it is complete; the others are served.',
}

/** How much is read between two pauses: about a millisecond's work, at the 60 MB/s of docs/recordings.md. */
const PAUSE_BYTES = 64 * 1024

/** What was found in a file, or in its first items. */
export interface ItemsScan<T> extends FileScan<T> {
  /** How many items there are in front of the first one that refers to another; undefined where none does. */
  readonly restFrom?: number
}

/** An interaction of the service has a hundredth of this. What is larger is passed over, so that memory is bounded. */
const MAX_ITEM_BYTES = 128 * 1024 * 1024

/** Goes through the items of one file, whose list is laid out as `layout` says. */
export class ItemScan<T> {
  readonly #file: string
  readonly #window: FileWindow
  readonly #layout: FileLayout
  readonly #keep: Keep<T>
  readonly #limits: ScanLimits
  readonly #found: T[] = []
  readonly #problems: RecordingProblem[] = []
  readonly #isAppended: boolean
  /** Items that were read, whatever came of them. */
  #taken = 0
  /** The line that the window begins with. */
  #line: number

  constructor(file: string, window: FileWindow, layout: FileLayout, keep: Keep<T>, limits: ScanLimits) {
    this.#limits = limits
    this.#file = file
    this.#window = window
    this.#layout = layout
    this.#keep = keep
    this.#isAppended = isAppended(layout)
    this.#line = 1 + countLines(window.bytes.subarray(0, layout.headBytes))
  }

  /**
   * Yields now and then, so that others get their turn. Ends early with a file that has to be read as a whole from there on,
   * since its items refer to each other.
   */
  *run(): Generator<void, ItemsScan<T>> {
    const problem = versionProblem(this.#layout.head)
    if (problem) return { found: [], problems: [{ file: this.#file, ...problem }] }
    this.#window.drop(this.#layout.headBytes)
    const marker = Buffer.from(`\n${' '.repeat(this.#layout.indent)}- `)
    let searched = 0
    let pauseAt = PAUSE_BYTES
    let isTooLarge = false
    while (this.#window.bytes.length > 0) {
      const next = this.#window.bytes.indexOf(marker, searched)
      if (next < 0) {
        searched = Math.max(0, this.#window.bytes.length - marker.length)
        if (searched > MAX_ITEM_BYTES) {
          if (!isTooLarge) this.#report(this.#line, tooLarge, mend)
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
        if (outcome) return outcome === 'refers' ? { ...this.#outcome, restFrom: this.#taken } : outcome
      }
      searched = 0
      if (this.#window.offset < pauseAt) continue
      pauseAt = this.#window.offset + PAUSE_BYTES
      yield
    }
    return this.#outcome
  }

  get #outcome(): FileScan<T> {
    return { found: this.#found, problems: this.#problems }
  }

  #readItem(length: number): 'refers' | FileScan<T> | undefined {
    const bytes = this.#window.bytes.subarray(0, length)
    const read = readItems(bytes.toString(), this.#limits.lexemes)
    if ('fault' in read) {
      const { line, reason, refers } = read.fault
      if (refers) return 'refers'
      this.#taken++
      this.#report(this.#line + line - 1, reason, mend)
    } else {
      const tailLine = this.#line + countLines(bytes) - read.tail.split('\n').length + 1
      const problem = versionProblem(read.tail)
      // A version that stands behind the list speaks for what came before it, too.
      if (problem) {
        const line = tailLine + problem.line - 1
        return { found: [], problems: [{ file: this.#file, ...problem, line }] }
      }
      const doubts = read.doubts.map((doubt) => ({ ...doubt, line: this.#line + doubt.line - 1 }))
      for (const value of read.values) this.#take(value, length, read.values.length === 1, doubts)
    }
    this.#skip(length)
    return undefined
  }

  #skip(length: number): void {
    this.#line += countLines(this.#window.bytes.subarray(0, length))
    this.#window.drop(length)
  }

  #take(value: YamlValue, length: number, isAlone: boolean, doubts: readonly YamlFault[]): void {
    this.#taken++
    if (this.#isAppended && isYamlMap(value) && !value.has('context_values')) {
      this.#report(this.#line, cutOff.reason, cutOff.fix)
      return
    }
    const made = readInteraction(value)
    if ('fault' in made) {
      this.#report(this.#line, made.fault, mend)
      return
    }
    // Items that could not be told apart are kept in memory, where each is found again.
    const place = { offset: this.#window.offset, length: isAlone ? length : 0, line: this.#line, doubts }
    this.#found.push(this.#keep(made.interaction, place, value))
  }

  #report(line: number, reason: string, fix: string): void {
    this.#problems.push({ file: this.#file, line, reason, fix })
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

/** How much is read at a time. Larger pieces were no faster; smaller ones cost calls. */
const PIECE_BYTES = 1024 * 1024

/** What is in memory is copied for each piece, so that pieces grow, and memory is bounded. */
const MAX_PIECE_BYTES = 16 * 1024 * 1024

/** A file that is read from front to back, of which only a part is in memory. */
export class FileWindow {
  readonly #descriptor: number
  /** Of the file, in bytes, when it was opened. */
  readonly size: number
  #bytes = Buffer.alloc(0)
  /** Where in the file the bytes in memory begin. */
  #offset = 0
  #atEnd = false

  /** @throws the error of node:fs, or one of its form, for what is no regular file or cannot be opened */
  constructor(path: string) {
    const { descriptor, size } = openRegularFile(path)
    this.#descriptor = descriptor
    this.size = size
  }

  /** What is in memory, from `offset` on. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where in the file `bytes` begins. */
  get offset(): number {
    return this.#offset
  }

  /** Reads a further piece, as long as what is in memory up to 16 MB; false at the end of the file. */
  more(): boolean {
    if (this.#atEnd) return false
    // As much again each time, so that a long item is copied a few times only.
    const piece = Buffer.allocUnsafe(Math.min(MAX_PIECE_BYTES, Math.max(PIECE_BYTES, this.#bytes.length)))
    const length = readSync(this.#descriptor, piece, 0, piece.length, this.#offset + this.#bytes.length)
    if (length === 0) {
      this.#atEnd = true
      return false
    }
    const read = piece.subarray(0, length)
    this.#bytes = this.#bytes.length === 0 ? read : Buffer.concat([this.#bytes, read])
    return true
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#offset += count
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Where the list of interactions begins in a file. */
export interface FileLayout {
  /** The bytes in front of the first list item. */
  readonly headBytes: number
  /** How far the dashes of the items are indented. */
  readonly indent: number
  /** The keys in front of the list, and the file's comments. */
  readonly head: string
}

/** The comment that a file begins with which is only appended to. */
const appendMark = /^\ufeff?# aoai-sim recording\b/

/** Whether this simulator wrote the file, each item of which then ends with `context_values`. */
function isAppended({ head }: FileLayout): boolean {
  return appendMark.test(head)
}

/**
 * Finds the list in the first part of a file: plain keys on a line each, then `interactions:` and items that begin with a
 * dash. Undefined for any other layout, which is left to the full parser.
 */
export function findLayout(start: Buffer): FileLayout | undefined {
  const text = start.toString('latin1')
  const match =
    /^(?:\xef\xbb\xbf)?(?:(?:#.*|---[ \t]*|[A-Za-z_]\w*: *[^\s&*!|>{[#].*|[ \t]*)\r?\n)*?interactions:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*( *)(?=-(?: |\r?\n))/.exec(
      text,
    )
  if (!match) return undefined
  const [head, indent = ''] = match
  const headBytes = head.length - indent.length
  return { headBytes, indent: indent.length, head: start.toString('utf8', 0, headBytes) }
}
