import type { EventsBody } from '../../answer/body.ts'
import { createRandom, type Random } from '../../lib/random.ts'
import { itemEvents, singleEvent, type EventRun } from '../../wire/responses/item-events.ts'
import { hostedItemEvents, hostedText } from '../../wire/responses/hosted-events.ts'
import { type HostedOutput, isModelOutput } from '../../wire/responses/hosted-output.ts'
import {
  type OutputItem,
  type WrittenItem,
  responseObject,
  type ResponseStage,
} from '../../wire/responses/response-object.ts'
import type { ResponseRecord } from './response-archive.ts'
import type { Reply, Schedule } from '../../pipeline/reply.ts'

/**
 * The events of a streamed response: start, one item after another, and end. There is no `[DONE]`. The events of a response are always
 * the same, including the padding in deltas.
 *
 * @param obfuscates whether deltas have padding
 * @param onEnd called before the last event is rendered
 */
export function streamResponse(
  record: ResponseRecord,
  items: readonly WrittenItem[],
  obfuscates: boolean,
  onEnd: () => void,
): EventsBody {
  const noise = obfuscates ? createRandom(record.id) : undefined
  const runs = [
    ...startEvents(record),
    ...items.flatMap((item, index) => eventsOf(item, index, noise)),
    endEvent(record, onEnd),
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

function eventsOf(
  { item, pieces, partialImages }: WrittenItem,
  index: number,
  noise: Random | undefined,
): EventRun[] {
  return isModelOutput(item)
    ? itemEvents({ item, pieces }, index, noise)
    : hostedItemEvents(item, index, { pieces, partialImages, noise })
}

function startEvents(record: ResponseRecord): EventRun[] {
  const state = (type: string, stage: ResponseStage): EventRun =>
    singleEvent(`response.${type}`, () => ({ response: responseObject(record, stage) }))
  const inProgress = state('in_progress', 'in_progress')
  if (record.request.background !== true) return [state('created', 'in_progress'), inProgress]
  return [state('created', 'queued'), state('queued', 'queued'), inProgress]
}

function endEvent(record: ResponseRecord, onEnd: () => void): EventRun {
  const isCut = record.finishReason === 'length' || record.finishReason === 'content_filter'
  const ended = singleEvent(`response.${isCut ? 'incomplete' : 'completed'}`, () => ({
    response: responseObject(record, 'ended'),
  }))
  return {
    ...ended,
    render(index, sequence) {
      onEnd()
      return (record.progress.isCancelled ? cancelledEvent(record) : ended).render(index, sequence)
    },
  }
}

/** The end of a cancelled response (azure-ai-agentserver, contract of the Azure AI Responses API). */
function cancelledEvent(record: ResponseRecord): EventRun {
  return singleEvent('response.failed', () => ({ response: responseObject(record, 'cancelled') }))
}

/** Restores the items of a stored response with their tokens. Without the lengths, an item has one token. */
export function writtenItems({ output, written = [] }: ResponseRecord): WrittenItem[] {
  return output.map((item, index) => {
    const { lengths, partialImages } = written[index] ?? {}
    const images = partialImages && { partialImages }
    const text = textOf(item)
    if (text === undefined) return { item, pieces: [], ...images }
    let end = 0
    const pieces = (lengths ?? [text.length]).map((length) => text.slice(end, (end += length)))
    return { item, pieces, ...images }
  })
}

function textOf(item: OutputItem | HostedOutput): string | undefined {
  if (!isModelOutput(item)) return hostedText(item)
  if (item.type === 'function_call') return item.arguments
  if (item.type === 'custom_tool_call') return item.input
  if (item.type !== 'message') return undefined
  const [part] = item.content
  return part?.type === 'refusal' ? part.refusal : part?.text
}

/** Maps events to runs and to steps of the schedule. */
interface RunIndex {
  readonly count: number
  readonly runOf: Uint32Array
  readonly steps: Uint32Array
  /** Index of the first event of each run. */
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
      // Each token has a step. Events between tokens are sent together with the token before them.
      steps[event] = run.paced ? tokens++ : Math.max(0, tokens - 1)
    }
  }
  return { count, runOf, steps, starts }
}

/**
 * Passes the schedule that a later stage plans for a reply to `take`. A background response takes the time of its
 * answer, while its reply is sent without a delay.
 *
 * @param sending whether the reply itself follows the schedule (`paced`)
 */
export function divertSchedule(
  reply: Reply,
  onSchedule: (schedule: Schedule) => void,
  sending: 'paced' | 'at-once',
): Reply {
  let planned: Schedule | undefined
  return Object.defineProperty(reply, 'schedule', {
    configurable: true,
    enumerable: true,
    get: () => (sending === 'paced' ? planned : undefined),
    set(schedule: Schedule) {
      planned = schedule
      onSchedule(schedule)
    },
  })
}

/** The times of background work, in milliseconds from the creation of the response. */
interface WorkPlan {
  readonly firstMs: number
  readonly endMs: number
}

/** Share of its time that a background response is queued. The service does not document its queue. */
const QUEUED_SHARE = 0.1

/** A `ResponseProgress` as JSON, for another process. Times are milliseconds since 1970. */
export interface ProgressState {
  readonly background: boolean
  readonly createdMs: number
  /** Duration of the background work; null means endless. */
  readonly workMs: number | null
  /** Time of the first token of the background work; null means never. Absent in states of older versions. */
  readonly firstMs?: number | null
  /** Whether the duration is known. */
  readonly planned: boolean
  /** Null until the response has ended. */
  readonly endedMs: number | null
  readonly cancelled: boolean
}

/**
 * Progress of a response. A foreground response ends when it has been sent. A background response takes the time of
 * its planned schedule, a tenth of it in the queue. Without a schedule (latency is off) it ends immediately.
 */
export class ResponseProgress {
  readonly #background: boolean
  readonly #createdMs: number
  #schedule: WorkPlan | undefined
  #endedMs: number | undefined
  #cancelled = false

  /** @param createdMs milliseconds since 1970, like all times here */
  constructor(background: boolean, createdMs: number) {
    this.#background = background
    this.#createdMs = createdMs
  }

  /** Creates a progress from the state of another process. */
  static of(state: ProgressState): ResponseProgress {
    const progress = new ResponseProgress(state.background, state.createdMs)
    progress.apply(state)
    return progress
  }

  /** Applies the state of another process. */
  apply({ workMs, firstMs = 0, planned, endedMs, cancelled }: ProgressState): void {
    this.#schedule = planned ? { endMs: workMs ?? Infinity, firstMs: firstMs ?? Infinity } : undefined
    this.#endedMs = endedMs ?? undefined
    this.#cancelled = cancelled
  }

  /** State for another process. */
  get state(): ProgressState {
    const { endMs: workMs, firstMs } = this.#schedule ?? { endMs: 0, firstMs: 0 }
    return {
      background: this.#background,
      createdMs: this.#createdMs,
      workMs: workMs === Infinity ? null : workMs,
      firstMs: firstMs === Infinity ? null : firstMs,
      planned: this.#schedule !== undefined,
      endedMs: this.#endedMs ?? null,
      cancelled: this.#cancelled,
    }
  }

  /** Sets the times of the work, from the creation of the response. */
  plan({ stepsMs, endMs }: Schedule): void {
    this.#schedule = { firstMs: stepsMs[0] ?? endMs, endMs }
  }

  /** Whether the response was cancelled. */
  get isCancelled(): boolean {
    return this.#cancelled
  }

  /**
   * When a step of the background work is due, in milliseconds since 1970. Steps after the first one are evenly distributed, because
   * only the first and the last time are stored.
   *
   * @param share position of the step, from 0 to 1
   */
  dueMs(share: number): number {
    const { firstMs, endMs } = this.#schedule ?? { firstMs: 0, endMs: 0 }
    if (share === 0 || firstMs === Infinity) return this.#createdMs + firstMs
    return this.#createdMs + firstMs + (endMs - firstMs) * share
  }

  /** Whether the progress is final, except for a cancellation. */
  get isSettled(): boolean {
    return (
      this.#cancelled || this.#endedMs !== undefined || (this.#background && this.#schedule !== undefined)
    )
  }

  /** Marks the answer as completely sent. */
  finish(nowMs: number): void {
    this.#endedMs ??= nowMs
  }

  /** Cancels the response if it has not ended. */
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

  /** Time of the end, in the past or the future. */
  get endMs(): number {
    if (this.#background) return this.#createdMs + (this.#schedule?.endMs ?? 0)
    return this.#endedMs ?? this.#createdMs
  }
}
