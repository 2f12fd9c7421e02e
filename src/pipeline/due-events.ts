import type { Exchange } from './exchange.ts'
import type { EventsBody, Schedule } from './reply.ts'

/** Sums of times are exact to the last bit only; an event that is due by a hair is due. */
const roundingMs = 1e-6

/**
 * How much is rendered in one go: streams of a few hundred tokens leave in one write when they are not delayed, and a
 * long one that is due as a whole (its reader stalled) is not held in memory as a whole.
 */
const mostCharacters = 256 * 1024

/** Streams up to this length are well below that, at some 500 characters an event. */
const mostAtOnce = 500

/** The events of one answer on their way out: what is due is rendered, and its punctuality told to the watch. */
export class DueEvents {
  readonly #exchange: Exchange
  readonly #body: EventsBody
  readonly #schedule: Schedule | undefined
  #next = 0
  #lastStep = -1
  #heldUpUntilMs = 0
  /** Whether what was taken last is known to be ASCII. */
  isAscii = false

  constructor(exchange: Exchange, body: EventsBody, schedule: Schedule | undefined) {
    this.#exchange = exchange
    this.#body = body
    this.#schedule = schedule
  }

  /** Whether every event has been taken. */
  get done(): boolean {
    return this.#next === this.#body.count
  }

  /** When the next event is due, in milliseconds from the start of the request; 0 without a schedule. */
  get nextDueMs(): number {
    return this.done ? 0 : this.#dueMs(this.#body.stepOf(this.#next))
  }

  /** Renders what is due at a time from the start of the request, as one text; of very much only a part. */
  take(elapsedMs: number): string {
    const whole = this.#takeAll()
    if (whole !== undefined) return whole
    let text = ''
    while (this.#next < this.#body.count && text.length < mostCharacters) {
      const step = this.#body.stepOf(this.#next)
      const dueMs = this.#dueMs(step)
      if (dueMs > elapsedMs + roundingMs) break
      if (step !== this.#lastStep) this.#tell(step, dueMs, elapsedMs)
      text += this.#body.render(this.#next++)
    }
    return text
  }

  /** A stream without delays tells nobody of its punctuality. */
  #takeAll(): string | undefined {
    if (this.#schedule || this.#next > 0 || this.#body.count > mostAtOnce) return undefined
    const whole = this.#body.renderAll?.(this.#body)
    if (!whole) return undefined
    this.#next = this.#body.count
    this.isAscii = whole.isAscii
    return whole.text
  }

  /** What was due while the reader did not read is late by the reader's doing, and is not told as late. */
  heldUpUntil(elapsedMs: number): void {
    this.#heldUpUntilMs = elapsedMs
  }

  #dueMs(step: number): number {
    if (!this.#schedule) return 0
    return this.#schedule.stepsMs[step] ?? this.#schedule.endMs
  }

  /** Several events of one step are one token: those of several choices, or an end with the token before it. */
  #tell(step: number, dueMs: number, elapsedMs: number): void {
    const isFirst = this.#lastStep < 0
    this.#lastStep = step
    if (!this.#schedule || dueMs < this.#heldUpUntilMs) return
    const { pacingWatch, startedMs } = this.#exchange
    const lateMs = Math.max(0, elapsedMs - dueMs)
    pacingWatch?.sent(isFirst ? 'first-token' : 'token', lateMs, startedMs + elapsedMs)
  }
}
