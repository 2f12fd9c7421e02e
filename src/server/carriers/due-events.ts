import type { Exchange, PacingWatch } from '../../pipeline/exchange.ts'
import { isAsciiBody, type EventsBody } from '../../answer/body.ts'
import { type Schedule } from '../../pipeline/reply.ts'

/** Sums of times are exact to the last bit only; an event that is due by a hair is due. */
const roundingMs = 1e-6

/**
 * How much is rendered in one go: streams of a few hundred tokens leave in one write when they are not delayed, and a
 * long one that is due as a whole (its reader stalled) is not held in memory as a whole.
 */
const mostCharacters = 256 * 1024

/** The events of one answer on their way out: what is due is rendered, and its punctuality told to the watch. */
export class DueEvents {
  readonly #pacingWatch: PacingWatch | undefined
  readonly #startedMs: number
  readonly #body: EventsBody
  readonly #count: number
  readonly #stepsMs: Float64Array | undefined
  readonly #endMs: number
  #next = 0
  /** The step of the next event, and when that is due; asked for once, since each open stream is elsewhere in memory. */
  #step: number
  #dueMs: number
  #lastStep = -1
  #heldUpUntilMs = 0
  /** Whether what is taken is known to be ASCII. */
  readonly isAscii: boolean

  constructor(exchange: Exchange, body: EventsBody, schedule: Schedule | undefined) {
    this.#pacingWatch = exchange.pacingWatch
    this.#startedMs = exchange.startedMs
    this.#body = body
    this.#count = body.count
    this.isAscii = isAsciiBody(body)
    this.#stepsMs = schedule?.stepsMs
    this.#endMs = schedule?.endMs ?? 0
    this.#step = this.#count > 0 ? body.stepOf(0) : 0
    this.#dueMs = this.#dueMsOf(this.#step)
  }

  /** Whether every event has been taken. */
  get done(): boolean {
    return this.#next === this.#count
  }

  /** When the next event is due, in milliseconds from the start of the request; 0 without a schedule. */
  get nextDueMs(): number {
    return this.done ? 0 : this.#dueMs
  }

  /** Renders what is due at a time from the start of the request, as one text; of very much only a part. */
  take(elapsedMs: number): string {
    let text = ''
    while (this.#next < this.#count && text.length < mostCharacters) {
      if (this.#dueMs > elapsedMs + roundingMs) break
      if (this.#step !== this.#lastStep) this.#tell(elapsedMs)
      text += this.#body.render(this.#next++)
      if (this.#next === this.#count) break
      this.#step = this.#body.stepOf(this.#next)
      this.#dueMs = this.#dueMsOf(this.#step)
    }
    return text
  }

  /** What was due while the reader did not read is late by the reader's doing, and is not told as late. */
  heldUpUntil(elapsedMs: number): void {
    this.#heldUpUntilMs = elapsedMs
  }

  #dueMsOf(step: number): number {
    return this.#stepsMs === undefined ? 0 : (this.#stepsMs[step] ?? this.#endMs)
  }

  /** Several events of one step are one token: those of several choices, or an end with the token before it. */
  #tell(elapsedMs: number): void {
    const isFirst = this.#lastStep < 0
    this.#lastStep = this.#step
    if (this.#stepsMs === undefined || this.#dueMs < this.#heldUpUntilMs) return
    const lateMs = Math.max(0, elapsedMs - this.#dueMs)
    this.#pacingWatch?.sent(isFirst ? 'first-token' : 'token', lateMs, this.#startedMs + elapsedMs)
  }
}
