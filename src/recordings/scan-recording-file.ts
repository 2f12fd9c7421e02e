import type { Interaction } from './interaction.ts'
import { findLayout, FileWindow, ItemScan } from './item-scan.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { scanWholeFile } from './scan-whole-file.ts'
import type { YamlFault } from './yaml-full-reader.ts'
import type { YamlValue } from './yaml-value.ts'

/** Where an interaction stands in its file. */
export interface FileOffset {
  /** In bytes. */
  readonly offset: number
  /** In bytes; 0 for an interaction that cannot be read without the rest of its file. */
  readonly length: number
  /** Of its first line, from 1. */
  readonly line: number
  /** What in it could not be understood, and is not part of the interaction. */
  readonly doubts: readonly YamlFault[]
}

/** Makes of an interaction what is to be kept of it; `value` is what the file says, as a whole. */
export type Keep<T> = (interaction: Interaction, place: FileOffset, value: YamlValue) => T

/** What may be read at a time. */
export interface ScanLimits {
  /** How large a file may be that can only be read in one go, in bytes. */
  readonly wholeBytes: number
  /** How many words and signs the full parser takes, which needs 2 microseconds for each. */
  readonly lexemes: number
  /** Whether requests wait meanwhile. */
  readonly isServing: boolean
}

/** The full parser takes some fifty times the size of a text in memory. */
const startLimits: ScanLimits = { wholeBytes: 32 * 1024 * 1024, lexemes: 2_000_000, isServing: false }

/** What a file holds, in its order, and what is wrong with it. */
export interface FileScan<T> {
  readonly found: readonly T[]
  readonly problems: readonly RecordingProblem[]
}

/**
 * Reads a recording file item by item, so that of the largest file only a small part is in memory, and one broken item
 * does not take others with it. Never throws for what a file holds.
 *
 * @throws the error of node:fs for a file that cannot be read
 */
export function scanRecordingFile<T>(file: string, keep: Keep<T>): FileScan<T> {
  const steps = scanSteps(file, keep)
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

/**
 * Does the same, and yields after each millisecond or so of work. What yields has to be gone through to its end, which
 * closes the file.
 *
 * @throws the error of node:fs for a file that cannot be read
 */
export function* scanSteps<T>(
  file: string,
  keep: Keep<T>,
  limits: ScanLimits = startLimits,
): Generator<void, FileScan<T>> {
  const window = new FileWindow(file)
  try {
    window.more()
    const layout = findLayout(window.bytes)
    if (layout) {
      const first = yield* new ItemScan(file, window, layout, keep, limits).run()
      if (first.restFrom === undefined) return first
      const rest = scanWholeFile(file, keep, limits, first.restFrom)
      return { found: [...first.found, ...rest.found], problems: [...first.problems, ...rest.problems] }
    }
  } finally {
    window.close()
  }
  return scanWholeFile(file, keep, limits)
}
