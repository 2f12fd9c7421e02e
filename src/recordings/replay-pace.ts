import type { Exchange } from '../pipeline/exchange.ts'
import type { Reply, Schedule } from '../pipeline/reply.ts'
import { type ReplayAnswer, prepareAnswerAsync } from './replay-answer.ts'
import type { MatchRequest } from './match-request.ts'
import type { RecordingEntry } from './interaction.ts'
import type { RecordingIndex } from './recording-index.ts'
import type { RecordingReader } from './recording-reader.ts'

/** The recorded timing of a path. */
interface Pace {
  /** Until the first token, in milliseconds. */
  readonly firstMs: number
  /** Between tokens, in milliseconds; 0 if no completion was recorded. */
  readonly tokenMs: number
}

/**
 * Computes the pace of recorded answers: the median time to the first event and the median time per token. For an answer that is
 * not a stream, only the total time is known, and all of it counts as time of its tokens. Undefined if no time was recorded.
 */
function computePace(answers: readonly ReplayAnswer[]): Pace | undefined {
  const firsts: number[] = []
  const perToken: number[] = []
  const totals: number[] = []
  for (const { status, eventsMs, durationMs, usage } of answers) {
    if (status >= 300) continue
    const firstMs = eventsMs?.[0]
    const endMs = eventsMs?.at(-1) ?? durationMs
    if (endMs === undefined) continue
    totals.push(endMs)
    if (firstMs !== undefined) firsts.push(firstMs)
    const tokens = usage?.completionTokens || (eventsMs ? eventsMs.length : 0)
    if (tokens > 0) perToken.push((endMs - (firstMs ?? 0)) / tokens)
  }
  if (totals.length === 0) return undefined
  const firstMs = firsts.length > 0 ? median(firsts) : perToken.length > 0 ? 0 : median(totals)
  return { firstMs, tokenMs: perToken.length > 0 ? median(perToken) : 0 }
}

/** Sets the schedule of a generated answer to the pace of recordings. */
export function applyPace(reply: Reply, { firstMs, tokenMs }: Pace, exchange: Exchange): void {
  const { timeScale } = exchange.config.latency
  if (timeScale === 0 || reply.status >= 300 || reply.schedule) return
  reply.schedule = createSchedule(reply, firstMs * timeScale, tokenMs * timeScale, exchange.queuedMs)
}

function createSchedule(
  { steps, usage }: Reply,
  firstMs: number,
  tokenMs: number,
  beginMs: number,
): Schedule {
  const hidden = steps?.hidden ?? usage?.reasoningTokens ?? 0
  const visible = steps?.visible ?? (usage ? usage.completionTokens - usage.reasoningTokens : 0)
  const stepsMs = new Float64Array(Math.max(0, visible))
  for (let step = 0; step < stepsMs.length; step++)
    stepsMs[step] = beginMs + firstMs + (hidden + step) * tokenMs
  return { stepsMs, endMs: stepsMs.at(-1) ?? beginMs + firstMs + hidden * tokenMs }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Maximum number of recordings that a pace is computed from. */
const MAX_SAMPLED_RECORDINGS = 20

/** Clients choose paths, so their number must be bounded. */
const MAX_CACHED_PATHS = 1_000

/** The paces of recorded paths, computed when they are first needed. */
export class PaceTable {
  readonly #index: RecordingIndex
  readonly #reader: RecordingReader
  readonly #paces = new Map<string, Promise<Pace | undefined>>()

  constructor(index: RecordingIndex, reader: RecordingReader) {
    this.#index = index
    this.#reader = reader
  }

  /** The pace of recordings of the same path, or else of paths with the same end, such as those of other deployments. */
  paceFor(request: MatchRequest): Promise<Pace | undefined> {
    const path = this.#index.keys.pathOf(request)
    let pace = this.#paces.get(path)
    if (!pace) {
      pace = this.#learn(path)
      if (this.#paces.size < MAX_CACHED_PATHS) this.#paces.set(path, pace)
    }
    return pace
  }

  /** Clears the table after recordings have changed. */
  clear(): void {
    this.#paces.clear()
  }

  async #learn(path: string): Promise<Pace | undefined> {
    const answers: ReplayAnswer[] = []
    for (const entry of this.#neighbours(path)) {
      const interaction = await this.#reader.read(entry)
      if (interaction) answers.push(await prepareAnswerAsync(interaction.response))
    }
    return computePace(answers)
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
        for (const list of lists) entries.push(...list.entries.slice(0, MAX_SAMPLED_RECORDINGS))
        if (entries.length >= MAX_SAMPLED_RECORDINGS) return entries.slice(0, MAX_SAMPLED_RECORDINGS)
      }
    }
    return entries
  }
}
