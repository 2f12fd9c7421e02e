import { readFileSync } from 'node:fs'
import { findLayout } from './file-layout.ts'
import { FileWindow } from './file-window.ts'
import type { Interaction } from './interaction.ts'
import { ItemScan } from './item-scan.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { scanWholeFile } from './scan-whole-file.ts'

/** Where an interaction stands in its file. */
export interface Place {
  /** In bytes. */
  readonly offset: number
  /** In bytes; 0 for an interaction that cannot be read without the rest of its file. */
  readonly length: number
  /** Of its first line, from 1. */
  readonly line: number
}

/** Makes of an interaction what is to be kept of it. */
export type Keep<T> = (interaction: Interaction, place: Place) => T

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
 * @param maxWholeBytes how large a file may be that can only be read in one go
 * @throws the error of node:fs for a file that cannot be read
 */
export function* scanSteps<T>(
  file: string,
  keep: Keep<T>,
  maxWholeBytes = Infinity,
): Generator<void, FileScan<T>> {
  const window = new FileWindow(file)
  try {
    window.more()
    const layout = findLayout(window.bytes)
    const scan = layout && (yield* new ItemScan(file, window, layout, keep).run())
    if (scan) return scan
  } finally {
    window.close()
  }
  const bytes = readFileSync(file)
  if (bytes.length <= maxWholeBytes) return scanWholeFile(file, bytes, keep)
  const reason = `the file is too large to be read while others are served (${bytes.length} bytes, and ${maxWholeBytes} at most in its layout)`
  const cure = 'Write the list with one "- request:" an item, or start again.'
  return { found: [], problems: [{ file, line: 1, reason, cure }] }
}
