import type { RecordingsConfig } from '../config/config.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'
import { AppendStore } from './append-store.ts'

/** The result of a save. */
export interface SaveReport {
  /** How many interactions were written. */
  readonly saved: number
  /** How many could not be written. They stay in memory for the next attempt. */
  readonly kept: number
  /** The reasons, each once. */
  readonly failures: readonly string[]
}

interface Kept {
  readonly path: string
  readonly item: string
}

/** Writes interactions to the disk at once, or keeps them in memory until they are saved. */
export class RecordingWriter {
  readonly #autosave: boolean
  readonly #store: AppendStore
  readonly #underWay = new Set<Promise<void>>()
  #kept: Kept[] = []

  constructor({ dir, autosave }: RecordingsConfig, logger: Logger) {
    this.#autosave = autosave
    this.#store = new AppendStore(dir, (fields, message) => logger.warn(fields, message))
  }

  /** @throws {AppendFailure} when the folder cannot be written to */
  open(): Promise<void> {
    return this.#store.open()
  }

  /**
   * Resolves when the interaction is on the disk, or in memory without autosave.
   *
   * @param path of the URL
   * @param item one list item with its line feed
   * @throws {AppendFailure} when it could not be written
   */
  async keep(path: string, item: string): Promise<void> {
    if (!this.#autosave) {
      this.#kept.push({ path, item })
      return
    }
    const writing = this.#store.append(path, item)
    this.#underWay.add(writing)
    await writing.finally(() => this.#underWay.delete(writing))
  }

  /** Writes the interactions in memory. */
  async save(): Promise<SaveReport> {
    const all = this.#kept
    this.#kept = []
    const failed: Kept[] = []
    const reasons = new Set<string>()
    await Promise.all(
      all.map(async (one) => {
        try {
          await this.#store.append(one.path, one.item)
        } catch (error) {
          failed.push(one)
          reasons.add(reasonOf(error))
        }
      }),
    )
    // Keeps their order, in which equal requests are replayed.
    const again = new Set(failed)
    this.#kept = [...all.filter((one) => again.has(one)), ...this.#kept]
    return { saved: all.length - failed.length, kept: failed.length, failures: [...reasons] }
  }

  /** How many files have been written to. */
  get fileCount(): number {
    return this.#store.fileCount
  }

  /** Writes everything and releases the folder. */
  async close(): Promise<SaveReport> {
    await Promise.allSettled(this.#underWay)
    const report = await this.save()
    await this.#store.close()
    return report
  }
}
