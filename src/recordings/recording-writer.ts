import type { RecordingsConfig } from '../config/config.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
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
}

/** Writes interactions to the disk immediately, or keeps them in memory until `save` (RECORDING_AUTOSAVE=false). */
export class RecordingWriter {
  readonly #autosave: boolean
  readonly #store: AppendStore
  readonly #writes = new Set<Promise<void>>()
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
   * @param item item list item with its line feed
   * @throws {AppendFailure} if it could not be written
   */
  async write(path: string, text: string): Promise<void> {
    if (!this.#autosave) {
      this.#pending.push({ path, text })
      return
    }
    const writing = this.#store.append(path, text)
    this.#writes.add(writing)
    await writing.finally(() => this.#writes.delete(writing))
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
          await this.#store.append(item.path, item.text)
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
