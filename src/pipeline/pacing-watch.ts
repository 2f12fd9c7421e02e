import type { Exchange } from './exchange.ts'

/** Is notified when the parts of a scheduled answer are sent. */
export interface PacingWatch {
  /**
   * Called for the first token of a stream, for each further token, and for a complete answer.
   *
   * @param lateMs delay after the due time
   * @param nowMs time of the clock
   */
  sent(part: 'first-token' | 'token' | 'answer', lateMs: number, nowMs: number): void
  /** Returns what counts the times of a stream. Called once, before its first token. */
  streamTimes?(exchange: Exchange): StreamTimes
}

/**
 * Counts the times of streams, in milliseconds. A planned time comes from latency settings, faults and headers, and is 0 for a stream
 * that is due immediately.
 */
export interface StreamTimes {
  /** Counts the first token, since the start of the request. */
  firstToken(plannedMs: number, achievedMs: number): void
  /** Counts the time between tokens. */
  gaps(plannedMs: number, achievedMs: number, count: number): void
}
