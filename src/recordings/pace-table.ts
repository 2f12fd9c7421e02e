import type { MatchRequest } from './match-request.ts'
import type { RecordingEntry } from './recording-entry.ts'
import type { RecordingIndex } from './recording-index.ts'
import type { RecordingReader } from './recording-reader.ts'
import { prepareAnswerLater, type ReplayAnswer } from './replay-answer.ts'
import { learnPace, type Pace } from './replay-pace.ts'

/** So many recordings of a path are looked at. */
const sampled = 20

/** Paths come from clients, so what is learned about them is bounded. */
const rememberedPaths = 1_000

/** The paces of recorded paths, learned when they are first asked for. */
export class PaceTable {
  readonly #index: RecordingIndex
  readonly #reader: RecordingReader
  readonly #paces = new Map<string, Promise<Pace | undefined>>()

  constructor(index: RecordingIndex, reader: RecordingReader) {
    this.#index = index
    this.#reader = reader
  }

  /** The pace of the neighbours: recordings of the same path, or else of a path with the same end, such as another deployment's. */
  paceFor(request: MatchRequest): Promise<Pace | undefined> {
    const path = this.#index.keys.pathOf(request)
    let pace = this.#paces.get(path)
    if (!pace) {
      pace = this.#learn(path)
      if (this.#paces.size < rememberedPaths) this.#paces.set(path, pace)
    }
    return pace
  }

  /** Forgets what was learned, since recordings have changed. */
  clear(): void {
    this.#paces.clear()
  }

  async #learn(path: string): Promise<Pace | undefined> {
    const answers: ReplayAnswer[] = []
    for (const entry of this.#neighbours(path)) {
      const interaction = await this.#reader.read(entry)
      if (interaction) answers.push(await prepareAnswerLater(interaction.response))
    }
    return learnPace(answers)
  }

  #neighbours(path: string): RecordingEntry[] {
    const same = this.#sample([path])
    if (same.length > 0) return same
    const end = path.split('/').slice(-2).join('/')
    return this.#sample([...this.#index.paths()].filter((other) => other.endsWith(end)))
  }

  #sample(paths: readonly string[]): RecordingEntry[] {
    const entries: RecordingEntry[] = []
    for (const path of paths) {
      for (const { lists } of this.#index.groupsOf(path)) {
        for (const list of lists) entries.push(...list.entries.slice(0, sampled))
        if (entries.length >= sampled) return entries.slice(0, sampled)
      }
    }
    return entries
  }
}
