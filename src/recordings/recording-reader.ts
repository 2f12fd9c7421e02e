import { open } from 'node:fs/promises'
import { READ_WITHOUT_WAITING } from '../lib/regular-file.ts'
import { RecentMap } from '../lib/caches.ts'
import { prepareAnswerLater, type ReplayAnswer } from './replay-answer.ts'
import type { Interaction, RecordingEntry } from './interaction.ts'
import { readInteraction } from './read-interaction.ts'
import { readItems } from './yaml-item.ts'

/** What a generation of remembered answers may weigh; there are two. */
const MAX_CACHED_BYTES = 32 * 1024 * 1024

/** Files that are open at one time: far below what systems allow a process. */
const MAX_OPEN_FILES = 32

/** Reads recordings when they are asked for, and remembers the answers that were asked for lately. */
export class RecordingReader {
  readonly #answers = new RecentMap<RecordingEntry, ReplayAnswer>(
    MAX_CACHED_BYTES,
    ({ weight }) => weight + 500,
  )
  #open = 0
  readonly #waiting: (() => void)[] = []

  /** The answer that is remembered; undefined when it has to be read. */
  remembered(entry: RecordingEntry): ReplayAnswer | undefined {
    return this.#answers.get(entry)
  }

  /** Makes the answer of an interaction and remembers it. */
  async prepare(entry: RecordingEntry, interaction: Interaction): Promise<ReplayAnswer> {
    const answer = await prepareAnswerLater(interaction.response)
    this.#answers.set(entry, answer)
    return answer
  }

  /** Reads an interaction; undefined when its file has changed, so that it does not stand there any more. */
  async read({ file, source }: RecordingEntry): Promise<Interaction | undefined> {
    if ('request' in source) return source
    if (file === undefined) return undefined
    const bytes = await this.#limited(() => readPart(file, source.offset, source.length))
    const items = bytes && readItems(bytes.toString())
    if (!items || 'fault' in items || items.values.length !== 1) return undefined
    const made = readInteraction(items.values[0] ?? null)
    return 'interaction' in made ? made.interaction : undefined
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
    // Gone, or not to be read any more: the same to the caller as a file that has changed.
    return undefined
  }
}
