import { isAppended, type FileLayout } from './file-layout.ts'
import type { FileWindow } from './file-window.ts'
import { readInteraction } from './read-interaction.ts'
import { type RecordingProblem, versionFault } from './recording-problem.ts'
import type { FileScan, Keep, ScanLimits } from './scan-recording-file.ts'
import type { YamlFault } from './yaml-full-reader.ts'
import { readItems } from './yaml-item.ts'
import { isYamlMap, type YamlValue } from './yaml-value.ts'

const mend = 'Correct it, or remove the interaction; the others are served.'
const tooLarge = 'the interaction is larger than 128 MB'
const cutOff = {
  reason: 'the interaction has no context_values, which end it: it was cut off while it was written',
  cure: 'Remove it, or add "context_values: {}" if it is complete; the others are served.',
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
    const problem = versionFault(this.#layout.head)
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
      const problem = versionFault(read.tail)
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
      this.#report(this.#line, cutOff.reason, cutOff.cure)
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

  #report(line: number, reason: string, cure: string): void {
    this.#problems.push({ file: this.#file, line, reason, cure })
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}
