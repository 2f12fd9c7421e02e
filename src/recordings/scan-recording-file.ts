import type { Interaction } from './interaction.ts'
import { findLayout, FileWindow, ItemScan } from './item-scan.ts'
import type { FileFormat } from './formats/recording-formats.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { scanWholeFile } from './scan-whole-file.ts'
import type { YamlProblem } from './yaml-full-reader.ts'
import type { YamlValue } from './yaml-value.ts'

/** Position of an interaction in its file. */
export interface ItemLocation {
  /** In bytes. */
  readonly offset: number
  /** In bytes; 0 for an interaction that cannot be read without the rest of its file. */
  readonly length: number
  /** Of its first line, from 1. */
  readonly line: number
  /** Unsupported YAML in it, which is not part of the interaction. */
  readonly parseWarnings: readonly YamlProblem[]
}

/** Converts an interaction to the result of the scan. @param value the complete list item */
export type OnInteraction<T> = (interaction: Interaction, location: ItemLocation, value: YamlValue) => T

/** Limits of a scan. */
export interface ScanLimits {
  /** Maximum size of a file that must be parsed completely, in bytes. */
  readonly maxUnsplitFileBytes: number
  /** Maximum number of lexemes for the full parser, which needs 2 microseconds for each. */
  readonly maxLexemes: number
  /** Whether requests are served meanwhile. */
  readonly isServing: boolean
}

/** Limits at the start. The full parser needs about fifty times the size of a text in memory. */
const startLimits: ScanLimits = {
  maxUnsplitFileBytes: 32 * 1024 * 1024,
  maxLexemes: 2_000_000,
  isServing: false,
}

/** The interactions of a file in order, and its problems. */
export interface FileScan<T> {
  readonly found: readonly T[]
  readonly problems: readonly RecordingProblem[]
  /** The format that was found; undefined for a file without a known one. */
  readonly format?: FileFormat | undefined
  /** What the file is instead, if it is JSON of another purpose, such as `package.json`. It is not a problem. */
  readonly otherContent?: string
}

/**
 * Reads a recording file item by item, so that only a small part of a large file is in memory, and an invalid item does not affect
 * the others. Invalid content is reported as problems.
 *
 * @throws the error of node:fs if the file cannot be read
 */
export function scanRecordingFile<T>(file: string, onInteraction: OnInteraction<T>): FileScan<T> {
  const steps = scanSteps(file, onInteraction)
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

/**
 * `scanRecordingFile` as a generator that yields after each millisecond of work. It must be run to its end, which closes the file.
 *
 * @throws the error of node:fs if the file cannot be read
 */
export function* scanSteps<T>(
  file: string,
  onInteraction: OnInteraction<T>,
  limits: ScanLimits = startLimits,
): Generator<void, FileScan<T>> {
  const window = new FileWindow(file)
  try {
    window.more()
    const layout = findLayout(window.bytes)
    if (layout) {
      const scanned = yield* new ItemScan(file, window, layout, onInteraction, limits).run()
      if (scanned.firstReferringItem === undefined) return scanned
      const rest = scanWholeFile(file, onInteraction, limits, scanned.firstReferringItem)
      return {
        found: [...scanned.found, ...rest.found],
        problems: [...scanned.problems, ...rest.problems],
        format: scanned.format ?? rest.format,
      }
    }
  } finally {
    window.close()
  }
  return scanWholeFile(file, onInteraction, limits)
}
