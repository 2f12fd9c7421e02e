import { Histogram } from '../src/lib/histogram.ts'

/** What happened in a window of the load, in milliseconds from when each thing was due. */
export interface SoakWindow {
  readonly seconds: number
  readonly sent: number
  /** Answers that ended in the window and were right. */
  readonly done: number
  /** Answers that were not what their kind asks for. */
  readonly wrong: number
  /** How late tokens came. */
  readonly tokenP50Ms: number
  readonly tokenP99Ms: number
  /** How long whole answers took that wait for nothing. */
  readonly answerP50Ms: number
  readonly answerP99Ms: number
  /** How late the generator itself sent. */
  readonly sendP99Ms: number
}

/** A line that the load generator prints: the first window begins, a window has ended, all has ended. */
export type LoadLine =
  | { readonly kind: 'begin' }
  | { readonly kind: 'window'; readonly window: SoakWindow }
  | { readonly kind: 'end'; readonly unfinished: number; readonly wrong: Readonly<Record<string, number>> }

/** What the load generator is told. */
export interface LoadPlan {
  readonly port: number
  readonly key: string
  /** Requests a second, all kinds together. */
  readonly rate: number
  /** Load before the first window, which is not counted: streams must have opened before as many end as begin. */
  readonly leadSeconds: number
  readonly windowSeconds: number
  readonly windows: number
  readonly seed: string
}

/** Of all times, in milliseconds. */
const RESOLUTION = { precision: 0.03, lowest: 0.01 }

/** Collects a window. */
export class WindowCounts {
  sent = 0
  done = 0
  wrong = 0
  readonly tokens = new Histogram(RESOLUTION)
  readonly answers = new Histogram(RESOLUTION)
  readonly sends = new Histogram(RESOLUTION)

  toWindow(seconds: number): SoakWindow {
    return {
      seconds,
      sent: this.sent,
      done: this.done,
      wrong: this.wrong,
      tokenP50Ms: this.tokens.quantile(0.5),
      tokenP99Ms: this.tokens.quantile(0.99),
      answerP50Ms: this.answers.quantile(0.5),
      answerP99Ms: this.answers.quantile(0.99),
      sendP99Ms: this.sends.quantile(0.99),
    }
  }
}
