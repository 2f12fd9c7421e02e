import type { Schedule } from '../../pipeline/reply.ts'
import type { ResponseStage } from '../../wire/responses/response-object.ts'

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
