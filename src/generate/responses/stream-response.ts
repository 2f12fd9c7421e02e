import type { EventsBody } from '../../answer/body.ts'
import type { Random } from '../../lib/random.ts'
import { itemEvents, singleEvent, type EventRun } from '../../wire/responses/item-events.ts'
import { type WrittenItem, responseObject, type ResponseStage } from '../../wire/responses/response-object.ts'
import type { ResponseRecord } from './response-archive.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'

/**
 * The events of a streamed response: its beginning, its items one after the other, and its end. There is no `[DONE]`.
 *
 * @param noise where the padding of deltas is drawn from; undefined leaves it out
 * @param onEnd is called before the last event is written
 */
export function streamResponse(
  record: ResponseRecord,
  items: readonly WrittenItem[],
  noise: Random | undefined,
  onEnd: () => void,
): EventsBody {
  const runs = [
    ...beginning(record),
    ...items.flatMap((item, index) => itemEvents(item, index, noise)),
    ending(record, onEnd),
  ]
  const index = indexRuns(runs)
  return {
    kind: 'events',
    count: index.count,
    stepOf: (event) => index.steps[event] ?? 0,
    render(event) {
      const run = index.runOf[event] ?? 0
      return runs[run]?.render(event - (index.starts[run] ?? 0), event) ?? ''
    },
  }
}

function beginning(record: ResponseRecord): EventRun[] {
  const state = (type: string, stage: ResponseStage): EventRun =>
    singleEvent(`response.${type}`, () => ({ response: responseObject(record, stage) }))
  const inProgress = state('in_progress', 'in_progress')
  if (record.request.background !== true) return [state('created', 'in_progress'), inProgress]
  return [state('created', 'queued'), state('queued', 'queued'), inProgress]
}

function ending(record: ResponseRecord, onEnd: () => void): EventRun {
  const isCut = record.finishReason === 'length' || record.finishReason === 'content_filter'
  return singleEvent(`response.${isCut ? 'incomplete' : 'completed'}`, () => {
    onEnd()
    return { response: responseObject(record, 'ended') }
  })
}

/** Which run an event belongs to, and the step of the schedule that it waits for. */
interface RunIndex {
  readonly count: number
  readonly runOf: Uint32Array
  readonly steps: Uint32Array
  /** The number of the first event of each run. */
  readonly starts: readonly number[]
}

function indexRuns(runs: readonly EventRun[]): RunIndex {
  const count = runs.reduce((sum, run) => sum + run.count, 0)
  const runOf = new Uint32Array(count)
  const steps = new Uint32Array(count)
  const starts: number[] = []
  let event = 0
  let tokens = 0
  for (const [number, run] of runs.entries()) {
    starts.push(event)
    for (let i = 0; i < run.count; i++, event++) {
      runOf[event] = number
      // A token has its own step; what comes between tokens goes out with the one before.
      steps[event] = run.paced ? tokens++ : Math.max(0, tokens - 1)
    }
  }
  return { count, runOf, steps, starts }
}

/**
 * Lets `take` have the schedule that a later stage plans for a reply. Work in the background takes the time that its
 * answer would have taken, while the reply that only announces it goes out at once.
 *
 * @param sending whether the reply itself keeps to the schedule (`paced`) or not
 */
export function divertSchedule(
  reply: Reply,
  take: (schedule: Schedule) => void,
  sending: 'paced' | 'at-once',
): Reply {
  let planned: Schedule | undefined
  return Object.defineProperty(reply, 'schedule', {
    configurable: true,
    enumerable: true,
    get: () => (sending === 'paced' ? planned : undefined),
    set(schedule: Schedule) {
      planned = schedule
      take(schedule)
    },
  })
}

/** The part of its time that a background response stands in the queue; the service says nothing of its queue. */
const QUEUED_SHARE = 0.1

/** A `ResponseProgress` as JSON, for another process. Times are milliseconds since 1970. */
export interface ProgressState {
  readonly background: boolean
  readonly createdMs: number
  /** How long the work in the background takes; null: without end. */
  readonly workMs: number | null
  /** Whether that is known yet. */
  readonly planned: boolean
  /** Null while it has not ended. */
  readonly endedMs: number | null
  readonly cancelled: boolean
}

/**
 * Where a response stands in time. One that its client waits for is over once it has been sent. One in the background
 * takes the time of the schedule that was planned for it, a tenth of it in the queue; without a schedule (latency is
 * switched off) it is over as soon as somebody asks.
 */
export class ResponseProgress {
  readonly #background: boolean
  readonly #createdMs: number
  #schedule: Pick<Schedule, 'endMs'> | undefined
  #endedMs: number | undefined
  #cancelled = false

  /** @param createdMs milliseconds since 1970, as all times here */
  constructor(background: boolean, createdMs: number) {
    this.#background = background
    this.#createdMs = createdMs
  }

  /** What another process told of a response. */
  static of(state: ProgressState): ResponseProgress {
    const progress = new ResponseProgress(state.background, state.createdMs)
    progress.take(state)
    return progress
  }

  /** Takes over how far the response is elsewhere. */
  take({ workMs, planned, endedMs, cancelled }: ProgressState): void {
    this.#schedule = planned ? { endMs: workMs ?? Infinity } : undefined
    this.#endedMs = endedMs ?? undefined
    this.#cancelled = cancelled
  }

  /** How far it is, for another process. */
  get state(): ProgressState {
    const workMs = this.#schedule?.endMs ?? 0
    return {
      background: this.#background,
      createdMs: this.#createdMs,
      workMs: workMs === Infinity ? null : workMs,
      planned: this.#schedule !== undefined,
      endedMs: this.#endedMs ?? null,
      cancelled: this.#cancelled,
    }
  }

  /** The time that the work takes, counted from its creation. */
  plan(schedule: Pick<Schedule, 'endMs'>): void {
    this.#schedule = schedule
  }

  /** Whether nothing more is to be told of it but that it is cancelled. */
  get isSettled(): boolean {
    return (
      this.#cancelled || this.#endedMs !== undefined || (this.#background && this.#schedule !== undefined)
    )
  }

  /** The answer has been sent to its end. */
  finish(nowMs: number): void {
    this.#endedMs ??= nowMs
  }

  /** Stops what is not over yet; else does nothing. */
  cancel(nowMs: number): void {
    if (this.stageAt(nowMs) !== 'ended') this.#cancelled = true
  }

  stageAt(nowMs: number): ResponseStage {
    if (this.#cancelled) return 'cancelled'
    const elapsedMs = nowMs - this.#createdMs
    if (!this.#background) return this.#endedMs === undefined ? 'in_progress' : 'ended'
    const workMs = this.#schedule?.endMs ?? 0
    if (elapsedMs >= workMs) return 'ended'
    return elapsedMs < workMs * QUEUED_SHARE ? 'queued' : 'in_progress'
  }

  /** When it was over, or will be. */
  get endMs(): number {
    if (this.#background) return this.#createdMs + (this.#schedule?.endMs ?? 0)
    return this.#endedMs ?? this.#createdMs
  }
}
