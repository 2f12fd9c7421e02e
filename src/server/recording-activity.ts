import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { RecentMap } from '../lib/caches.ts'
import type { Random } from '../lib/random.ts'
import { clearInterval, setInterval } from '../lib/real-timers.ts'
import { Exchange } from '../pipeline/exchange.ts'
import { outcomeStatus } from '../pipeline/reply.ts'
import { isStream } from '../pipeline/stream-events.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'
import { locationOf } from '../recordings/interaction.ts'
import type { RecordResult } from '../recordings/record-mode.ts'
import {
  type KeptMiss,
  type Miss,
  MissRing,
  type RecordingUseSink,
  type SentUse,
  type ShownNearest,
  withoutCredentials,
} from '../recordings/recording-use.ts'
import type { Replay } from '../recordings/replay-mode.ts'
import { answerWithoutUpstream } from './answer-without-upstream.ts'
import type { SourceTable } from './source-table.ts'

/** A request that can be recorded. */
export type KeptRequest = Pick<
  Miss,
  'resource' | 'requestId' | 'method' | 'path' | 'query' | 'headers' | 'body' | 'bodyBytes'
>

/** Why a request cannot be recorded. */
export interface RecordProblem {
  /** Status of the answer of the admin API. */
  readonly status: number
  readonly code: string
  /** Reason and fix, as sentences. */
  readonly message: string
}

/** A request that was recorded. */
export interface RecordedRequest {
  /** Id of the request to the upstream, in the log. */
  readonly requestId: string
  readonly upstream: string | undefined
  readonly file: string
  /** Undefined if the folder is not replayed. */
  readonly line: number | undefined
  readonly status: number
  readonly streamed: boolean
  readonly durationMs: number
}

/** A miss with what is known about it now. */
export interface MissReport {
  readonly miss: KeptMiss
  /** False if it was not compared with the recordings yet. */
  readonly isCompared: boolean
  /** Undefined without one, or if it was not compared. */
  readonly nearest: ShownNearest | undefined
  /** Location of a recording that answers it now; undefined without one. */
  readonly recorded: string | undefined
  /** Undefined if it can be recorded. */
  readonly problem: RecordProblem | undefined
}

/** Processes that use the same recordings. */
export interface RecordingPool {
  /** Resolves when all counts and misses of the other processes have arrived. */
  flush(): Promise<void>
  /** Reads files again in the other processes. */
  refresh(paths: readonly string[]): Promise<void>
}

/** Dependencies of `RecordingActivity`. */
interface RecordingActivityDeps {
  readonly config: () => Config
  readonly sources: SourceTable
  readonly clock: Clock
  readonly random: Random
  /** The primary, which keeps the misses and counts of this worker. Absent: this process keeps them. */
  readonly primary: RecordingUseSink | undefined
}

/** Interval at which a worker reports its counts, in milliseconds. */
const REPORT_INTERVAL_MS = 1_000

/** Misses that a worker reports in each interval. The others are counted. */
const MAX_REPORTED_MISSES = 100
const MAX_REPORTED_BYTES = 4 * 1024 * 1024

/** Branch of the random stream for the ids of recorded requests. */
const RECORD_BRANCH = 0x7265_6300

/** Number of misses that one call compares with the recordings. */
const MAX_COMPARED = 10

/** Number of recorded requests that are remembered, in each of two generations. */
const MAX_REMEMBERED = 200

/** What is known about a miss while the recordings do not change. */
interface Compared {
  readonly version: number
  readonly nearest: ShownNearest | undefined
  readonly recorded: string | undefined
}

/** Knows how recordings are used, and records single requests. */
export class RecordingActivity implements RecordingUseSink {
  readonly #deps: RecordingActivityDeps
  readonly #misses = new MissRing()
  readonly #compared = new WeakMap<KeptMiss, Compared>()
  /** Ids of the requests that are being recorded. */
  readonly #running = new Set<string>()
  /** Files with the requests that were recorded, by the ids of the requests. */
  readonly #recorded = new RecentMap<string, string>(MAX_REMEMBERED)
  #pool: RecordingPool | undefined
  #exchanges = 0
  #reportedMisses = 0
  #reportedBytes = 0
  readonly #timer: ReturnType<typeof setInterval> | undefined

  constructor(deps: RecordingActivityDeps) {
    this.#deps = deps
    if (deps.primary) {
      this.#timer = setInterval(() => this.report(), REPORT_INTERVAL_MS)
      this.#timer.unref()
    }
  }

  /** Sets the other processes. */
  setPool(pool: RecordingPool): void {
    this.#pool = pool
  }

  /** Stops the periodic reports. */
  close(): void {
    clearInterval(this.#timer)
  }

  /** Keeps a miss, or reports it to the primary. */
  readonly missed = (miss: Miss): void => {
    const { primary } = this.#deps
    if (!primary) {
      this.#misses.add(miss)
      return
    }
    const bytes = miss.body?.length ?? 0
    if (this.#reportedMisses === MAX_REPORTED_MISSES || this.#reportedBytes + bytes > MAX_REPORTED_BYTES)
      return
    this.#reportedMisses++
    this.#reportedBytes += bytes
    primary.missed(withoutCredentials(miss))
  }

  /** Adds the counts of a worker. */
  used(use: SentUse): void {
    const replay = this.#replays().find(({ id }) => id === use.folder)
    replay?.use.add(use, replay.index)
  }

  /** Reports the counts of this worker to the primary. */
  report(): void {
    this.#reportedMisses = 0
    this.#reportedBytes = 0
    for (const { use } of this.#replays()) {
      const sent = use.take()
      if (sent) this.#deps.primary?.used(sent)
    }
  }

  /** Resolves when the counts and misses of all processes are known. */
  async flush(): Promise<void> {
    await this.#pool?.flush()
  }

  /** Clears the misses, and starts counting from 0. */
  clear(): void {
    this.#misses.clear()
    for (const { use, index } of this.#replays()) use.clear(index)
  }

  clearMisses(): void {
    this.#misses.clear()
  }

  /** Returns a kept miss. */
  missOf(id: number): KeptMiss | undefined {
    return this.#misses.list().find((miss) => miss.id === id)
  }

  /** Returns the request of a miss by the id of the request. */
  requestOf(requestId: string): KeptRequest | undefined {
    return this.#misses.list().find((miss) => miss.requestId === requestId)
  }

  /** Returns the kept misses of a resource, or of all, newest first. */
  misses(resource: string | undefined): readonly KeptMiss[] {
    const all = this.#misses.list()
    return resource === undefined ? all : all.filter((miss) => miss.resource === resource)
  }

  /** Compares misses with the present recordings. Each call compares a few of those that were not compared yet. */
  async reports(misses: readonly KeptMiss[]): Promise<readonly MissReport[]> {
    const reports: MissReport[] = []
    let left = MAX_COMPARED
    for (const miss of misses) {
      const exchange = this.#exchangeOf(miss)
      const replay = this.#replays().find(({ id }) => id === miss.folder)
      let compared = this.#compared.get(miss)
      if (replay && compared?.version !== replay.index.version && left > 0 && exchange && miss.body) {
        left--
        compared = await this.#compare(miss, exchange, replay)
      }
      const problem =
        compared?.recorded === undefined
          ? this.#problemOf(miss, exchange)
          : recordingExists(compared.recorded)
      const nearest = compared?.nearest ?? miss.nearest
      const isCompared = compared !== undefined || miss.nearest !== undefined || !miss.body || !replay
      reports.push({ miss, isCompared, nearest, recorded: compared?.recorded, problem })
    }
    return reports
  }

  async #compare(miss: KeptMiss, exchange: Exchange, replay: Replay): Promise<Compared> {
    const { version } = replay.index
    const recorded = this.#existing(miss, exchange)
    const nearest = miss.nearest ?? (recorded === undefined ? await replay.nearest(exchange) : undefined)
    const compared = { version, nearest, recorded }
    this.#compared.set(miss, compared)
    return compared
  }

  /** Sends a request to its upstream once, and writes the answer to the recordings folder of its resource. */
  async record(kept: KeptRequest): Promise<RecordedRequest | RecordProblem> {
    const exchange = this.#exchangeOf(kept)
    if (!exchange) return resourceGone(kept.resource)
    const existing = this.#existing(kept, exchange)
    const problem = existing === undefined ? this.#problemOf(kept, exchange) : recordingExists(existing)
    if (problem) return problem
    this.#running.add(kept.requestId)
    try {
      const result = await this.#recordNow(exchange)
      if ('file' in result) this.#recorded.set(kept.requestId, result.file)
      return result
    } finally {
      this.#running.delete(kept.requestId)
      const endMs = exchange.clock.nowMs() - exchange.startedMs
      exchange.end({ aborted: false, firstByteMs: undefined, endMs })
    }
  }

  async #recordNow(exchange: Exchange): Promise<RecordedRequest | RecordProblem> {
    const result = await this.#deps.sources.record(exchange)
    const { written, reply } = result
    if (written?.file === undefined) return notRecorded(result, exchange)
    const replays = this.#replays().filter(({ dir }) => dir === exchange.config.recordings.dir)
    await Promise.all(replays.map((replay) => replay.refresh([written.file ?? ''])))
    await this.#pool?.refresh([written.file])
    const entries = replays.flatMap((replay) => replay.matching(exchange))
    return {
      requestId: exchange.id,
      upstream: exchange.upstreamCall?.upstream,
      file: written.file,
      line: entries.findLast(({ file }) => file === written.file)?.line,
      status: outcomeStatus(reply),
      streamed: isStream(reply),
      durationMs: exchange.clock.nowMs() - exchange.startedMs,
    }
  }

  #problemOf(kept: KeptRequest, exchange: Exchange | undefined): RecordProblem | undefined {
    const refusal = (code: string, message: string): RecordProblem => ({ status: 409, code, message })
    if (!exchange) return resourceGone(kept.resource)
    if (this.#running.has(kept.requestId))
      return refusal(
        'RecordingRunning',
        'This request is being recorded. Wait for the answer of the upstream.',
      )
    if (!kept.body) {
      const message = `The body of this request was not kept as a whole: it has ${kept.bodyBytes} bytes. Send the request again with REPLAY_ON_MISS=record or SIMULATOR_MODE=record.`
      return refusal('BodyNotKept', message)
    }
    const route = upstreamOf(exchange)
    if (!route) {
      const { deployment, resource } = exchange
      const subject = deployment ? `deployment '${deployment.name}'` : `resource '${resource}'`
      const message = `The ${subject} has no upstream. Set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_KEY and restart, or add an upstream and name it in 'upstream' of the deployment.`
      return refusal('NoUpstream', message)
    }
    if (route.upstream.credential.kind === 'caller') {
      const message = `The upstream '${route.upstream.name}' uses the credential of the caller, which is not kept. Send the request again with REPLAY_ON_MISS=record, or give the upstream a credential.`
      return refusal('CallerCredential', message)
    }
    if (answerWithoutUpstream(exchange)) {
      const message =
        'The simulator answers lists of models from its deployments. They are not sent to an upstream.'
      return refusal('AnsweredLocally', message)
    }
    return undefined
  }

  /** The location of a recording that answers a request now. */
  #existing({ requestId }: KeptRequest, exchange: Exchange): string | undefined {
    const { replay } = this.#deps.sources.recordingsOf(exchange.config)
    const [entry] = replay?.matching(exchange) ?? []
    if (!entry) return this.#recorded.get(requestId)
    return locationOf({ ...entry, file: entry.file ?? entry.written?.file })
  }

  /** Creates the exchange of a kept request in the present configuration; undefined if its resource was removed. */
  #exchangeOf(kept: KeptRequest): Exchange | undefined {
    const { config, clock, random } = this.#deps
    const { method, path, body = Buffer.alloc(0) } = kept
    const { headers, query } = withoutCredentials(kept)
    const exchange = new Exchange(
      { method, path, query, headers, body },
      {
        config: config(),
        clock,
        random: random.branch(RECORD_BRANCH + ++this.#exchanges),
        startedMs: clock.nowMs(),
      },
    )
    if (exchange.resource !== kept.resource) return undefined
    exchange.deployment = exchange.configured
    return exchange
  }

  #replays(): readonly Replay[] {
    const { sources, config } = this.#deps
    return sources.inUse(config()).flatMap(({ replay }) => replay ?? [])
  }
}

function recordingExists(location: string): RecordProblem {
  const message = `This request has a recording now (${location}). Remove it first to record the request again.`
  return { status: 409, code: 'RecordingExists', message }
}

function resourceGone(resource: string): RecordProblem {
  const message = `The resource '${resource}' of this request does not exist any more. Create it, or clear the list.`
  return { status: 409, code: 'ResourceNotFound', message }
}

/** The reason why an answer was not written. */
function notRecorded({ reply, whyNot }: RecordResult, exchange: Exchange): RecordProblem {
  const status = outcomeStatus(reply)
  const { service } = reply
  const failure = service && 'code' in service ? service : undefined
  const { status: upstreamStatus, message: problem } = exchange.upstreamCall ?? {}
  if (failure && (upstreamStatus === undefined || problem !== undefined)) {
    const message = problem ?? failure.message
    return { status: status >= 500 ? 502 : 409, code: failure.code ?? 'NotForwarded', message }
  }
  const answered = `The upstream answered ${status}${status === reply.status ? '' : ' in its stream'}.`
  const message = whyNot ?? `${answered} Answers with an error are recorded only with RECORDING_ERRORS=on.`
  return { status: 409, code: 'AnswerNotRecorded', message }
}
