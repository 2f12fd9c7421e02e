import type { RecordingsConfig } from '../config/config.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import type { WrittenTo } from './interaction.ts'
import { AppendStore } from './append-store.ts'

/** The result of a save. */
export interface SaveReport {
  /** How many interactions were written. */
  readonly saved: number
  /** How many could not be written. They stay in memory for the next attempt. */
  readonly unsaved: number
  /** The reasons, each once. */
  readonly failures: readonly string[]
}

interface PendingItem {
  readonly path: string
  readonly text: string
  readonly written: WrittenTo
}

/** Writes interactions to the disk immediately, or keeps them in memory until `save` (RECORDING_AUTOSAVE=false). */
export class RecordingWriter {
  readonly #autosave: boolean
  readonly #store: AppendStore
  readonly #writes = new Set<Promise<string>>()
  #pending: PendingItem[] = []

  constructor({ dir, autosave }: RecordingsConfig, logger: Logger) {
    this.#autosave = autosave
    this.#store = new AppendStore(dir, (fields, message) => logger.warn(fields, message))
  }

  /** @throws {AppendFailure} if the folder is not writable */
  open(): Promise<void> {
    return this.#store.open()
  }

  /**
   * Resolves when the interaction is on the disk, or in memory without autosave.
   *
   * @param path of the URL
   * @param text list item with its line feed
   * @param isImmediate whether it is written also without autosave
   * @throws {AppendFailure} if it could not be written
   */
  async write(path: string, text: string, isImmediate = false): Promise<WrittenTo> {
    if (!this.#autosave && !isImmediate) {
      const written = { file: undefined }
      this.#pending.push({ path, text, written })
      return written
    }
    const writing = this.#store.append(path, text)
    this.#writes.add(writing)
    return { file: await writing.finally(() => this.#writes.delete(writing)) }
  }

  /** Number of interactions in memory. */
  get pending(): number {
    return this.#pending.length
  }

  /** Writes the interactions in memory. */
  async save(): Promise<SaveReport> {
    const all = this.#pending
    this.#pending = []
    const failed: PendingItem[] = []
    const reasons = new Set<string>()
    await Promise.all(
      all.map(async (item) => {
        try {
          item.written.file = await this.#store.append(item.path, item.text)
        } catch (error) {
          failed.push(item)
          reasons.add(reasonOf(error))
        }
      }),
    )
    // Keeps the order, in which equal requests are replayed.
    const failedItems = new Set(failed)
    this.#pending = [...all.filter((item) => failedItems.has(item)), ...this.#pending]
    return { saved: all.length - failed.length, unsaved: failed.length, failures: [...reasons] }
  }

  /** How many files have been written to. */
  get fileCount(): number {
    return this.#store.fileCount
  }

  /** Writes everything and releases the folder. */
  async close(): Promise<SaveReport> {
    await Promise.allSettled(this.#writes)
    const report = await this.save()
    await this.#store.close()
    return report
  }
}
