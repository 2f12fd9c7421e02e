import { Histogram } from '../src/lib/histogram.ts'

/** Measurements of one window. Times are in milliseconds after the due time. */
export interface SoakWindow {
  readonly seconds: number
  readonly sent: number
  /** Answers that ended in the window and were as expected. */
  readonly done: number
  /** Unexpected answers. */
  readonly wrong: number
  /** Lateness of tokens. */
  readonly tokenP50Ms: number
  readonly tokenP99Ms: number
  /** Duration of answers without latency. */
  readonly answerP50Ms: number
  readonly answerP99Ms: number
  /** Lateness of the generator itself. */
  readonly sendP99Ms: number
}

/** A line of output of the load generator: the first window starts, a window has ended, all answers have ended. */
export type LoadLine =
  | { readonly kind: 'begin' }
  | { readonly kind: 'window'; readonly window: SoakWindow }
  | { readonly kind: 'end'; readonly unfinished: number; readonly wrong: Readonly<Record<string, number>> }

/** Argument of the load generator. */
export interface LoadPlan {
  readonly port: number
  readonly key: string
  /** Requests per second of all kinds. */
  readonly rate: number
  /** Load before the first window, in seconds. It is not counted, because at first more streams start than end. */
  readonly leadSeconds: number
  readonly windowSeconds: number
  readonly windows: number
  readonly seed: string
}

/** Resolution of all times, in milliseconds. */
const RESOLUTION = { precision: 0.03, lowest: 0.01 }

/** Collects the measurements of a window. */
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
