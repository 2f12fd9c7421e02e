import { isAppended, type FileLayout } from './file-layout.ts'
import type { FileWindow } from './file-window.ts'
import { readInteraction } from './read-interaction.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { versionFault } from './recording-version.ts'
import type { FileScan, Keep } from './scan-recording-file.ts'
import { readItems } from './yaml-item.ts'
import { isYamlMap, type YamlValue } from './yaml-value.ts'

const mend = 'Correct it, or remove the interaction; the others are served.'
const cutOff = {
  reason: 'the interaction has no context_values, which end it: it was cut off while it was written',
  cure: 'Remove it, or add "context_values: {}" if it is complete; the others are served.',
}

/** How much is read between two pauses: about a millisecond's work, at the 60 MB/s of docs/recordings.md. */
const pauseBytes = 64 * 1024

/** Goes through the items of one file, whose list is laid out as `layout` says. */
export class ItemScan<T> {
  readonly #file: string
  readonly #window: FileWindow
  readonly #layout: FileLayout
  readonly #keep: Keep<T>
  readonly #found: T[] = []
  readonly #problems: RecordingProblem[] = []
  readonly #isAppended: boolean
  /** The line that the window begins with. */
  #line: number

  constructor(file: string, window: FileWindow, layout: FileLayout, keep: Keep<T>) {
    this.#file = file
    this.#window = window
    this.#layout = layout
    this.#keep = keep
    this.#isAppended = isAppended(layout)
    this.#line = 1 + countLines(window.bytes.subarray(0, layout.headBytes))
  }

  /**
   * Yields now and then, so that others get their turn. Returns undefined for a file that has to be read as a whole, since its
   * items refer to each other.
   */
  *run(): Generator<void, FileScan<T> | undefined> {
    const problem = versionFault(this.#layout.head)
    if (problem) return { found: [], problems: [{ file: this.#file, ...problem }] }
    this.#window.drop(this.#layout.headBytes)
    const marker = Buffer.from(`\n${' '.repeat(this.#layout.indent)}- `)
    let searched = 0
    let pauseAt = pauseBytes
    while (this.#window.bytes.length > 0) {
      const next = this.#window.bytes.indexOf(marker, searched)
      if (next < 0) {
        searched = Math.max(0, this.#window.bytes.length - marker.length)
        if (this.#window.more()) continue
      }
      const outcome = this.#readItem(next < 0 ? this.#window.bytes.length : next + 1)
      if (outcome) return outcome === 'refers' ? undefined : outcome
      searched = 0
      if (this.#window.offset < pauseAt) continue
      pauseAt = this.#window.offset + pauseBytes
      yield
    }
    return { found: this.#found, problems: this.#problems }
  }

  #readItem(length: number): 'refers' | FileScan<T> | undefined {
    const bytes = this.#window.bytes.subarray(0, length)
    const read = readItems(bytes.toString())
    if ('fault' in read) {
      const { line, reason, refers } = read.fault
      if (refers) return 'refers'
      this.#report(this.#line + line - 1, reason, mend)
    } else {
      const tailLine = this.#line + countLines(bytes) - read.tail.split('\n').length + 1
      const problem = versionFault(read.tail)
      // A version that stands behind the list speaks for what came before it, too.
      if (problem) {
        const line = tailLine + problem.line - 1
        return { found: [], problems: [{ file: this.#file, ...problem, line }] }
      }
      for (const value of read.values) this.#take(value, length, read.values.length === 1)
    }
    this.#line += countLines(bytes)
    this.#window.drop(length)
    return undefined
  }

  #take(value: YamlValue, length: number, isAlone: boolean): void {
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
    const place = { offset: this.#window.offset, length: isAlone ? length : 0, line: this.#line }
    this.#found.push(this.#keep(made.interaction, place))
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
