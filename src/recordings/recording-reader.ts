import { open } from 'node:fs/promises'
import { READ_WITHOUT_WAITING } from '../lib/regular-file.ts'
import { RecentMap } from '../lib/caches.ts'
import { prepareAnswerAsync, type ReplayAnswer } from './replay-answer.ts'
import type { Interaction, RecordingEntry } from './interaction.ts'
import { readInteraction } from './read-interaction.ts'
import { readItems } from './yaml-item.ts'

/** Maximum size of one of the two generations of cached answers. */
const MAX_GENERATION_BYTES = 32 * 1024 * 1024

/** Maximum number of open files, far below the limits of operating systems. */
const MAX_OPEN_FILES = 32

/** Reads recordings when they are requested, and caches recent answers. */
export class RecordingReader {
  readonly #answers = new RecentMap<RecordingEntry, ReplayAnswer>(
    MAX_GENERATION_BYTES,
    ({ weight }) => weight + 500,
  )
  #open = 0
  readonly #waiting: (() => void)[] = []

  /** The cached answer; undefined if it must be read. */
  cached(entry: RecordingEntry): ReplayAnswer | undefined {
    return this.#answers.get(entry)
  }

  /** Prepares the answer of an interaction and caches it. */
  async prepare(entry: RecordingEntry, interaction: Interaction): Promise<ReplayAnswer> {
    const answer = await prepareAnswerAsync(interaction.response)
    this.#answers.set(entry, answer)
    return answer
  }

  /** Reads an interaction; undefined if its file has changed and it is not at that position any more. */
  async read({ file, source }: RecordingEntry): Promise<Interaction | undefined> {
    if ('request' in source) return source
    if (file === undefined) return undefined
    const bytes = await this.#limited(() => readPart(file, source.offset, source.length))
    const items = bytes && readItems(bytes.toString())
    if (!items || 'problem' in items || items.values.length !== 1) return undefined
    const result = readInteraction(items.values[0] ?? null)
    return 'interaction' in result ? result.interaction : undefined
  }

  async #limited<T>(task: () => Promise<T>): Promise<T> {
    if (this.#open >= MAX_OPEN_FILES) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#open++
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#open--
    }
  }
}

async function readPart(file: string, offset: number, length: number): Promise<Buffer | undefined> {
  try {
    const handle = await open(file, READ_WITHOUT_WAITING)
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset)
      return bytesRead === length ? buffer : undefined
    } finally {
      await handle.close()
    }
  } catch {
    // A missing or unreadable file is treated like a changed one.
    return undefined
  }
}
