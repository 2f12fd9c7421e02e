import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** Calls the rest of the chain. Must be called at most once. */
export type Next = () => Promise<Reply>

/** A stage of an extension: returns a reply, or calls `next` and returns its reply, which it may change. */
export type Hook = (exchange: Exchange, next: Next) => Promise<Reply>

/** A reply, or a promise if it is not available synchronously. Awaiting at each stage would cost about 10 % of a request. */
export type ReplyOrPromise = MaybePromise<Reply>

/** A stage of the pipeline: like a hook, but may return a reply without a promise. */
export type Stage = (exchange: Exchange, next: () => ReplyOrPromise) => ReplyOrPromise

/**
 * Names of the stages, in the order of the pipeline. The documentation uses the same names. Each is an HTTP token, so that it is
 * valid in a header.
 */
export const stageNames = [
  'metrics',
  'journal',
  'telemetry',
  'request-log',
  'extension',
  'service-headers',
  'api-version',
  'key',
  'deployment',
  'model-version',
  'incidents',
  'limits',
  'faults',
  'latency',
] as const

export type StageName = (typeof stageNames)[number]

/** A stage with its name. */
export interface NamedStage {
  readonly name: StageName
  /** Name of the extension; absent for a stage of the simulator. */
  readonly extension?: string
  /** Whether the stage applies to a request; absent: it applies to all. */
  readonly acts?: (exchange: Exchange) => boolean
  readonly stage: Stage
}

/** A source of answers at the end of the chain. Returns undefined for a request that it cannot answer. */
export type Source = (exchange: Exchange) => MaybePromise<Reply | undefined>

/** Applies `map` to a value: synchronously if it is available, or else when its promise resolves. */
export function mapMaybe<T, R>(value: MaybePromise<T>, map: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(map) : map(value)
}

/** Calls `run`, and `recover` if it throws or returns a promise that rejects. */
export function catchMaybe<T>(
  run: () => MaybePromise<T>,
  recover: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const value = run()
    return value instanceof Promise ? value.catch(recover) : value
  } catch (error) {
    return recover(error)
  }
}

/** Returns the reply to an exchange. */
export type Run = (exchange: Exchange) => ReplyOrPromise

/** A stage with its condition. */
type Link = Pick<NamedStage, 'acts' | 'stage'>

/** Wraps `innermost` in stages. The first stage is the outermost. */
export function chain(links: readonly Link[], innermost: Run): Run {
  return links.reduceRight<Run>((rest, { acts, stage }) => {
    if (!acts) return (exchange) => callStage(stage, exchange, rest)
    return (exchange) => (acts(exchange) ? callStage(stage, exchange, rest) : rest(exchange))
  }, innermost)
}

function callStage(stage: Stage, exchange: Exchange, rest: Run): ReplyOrPromise {
  let called = false
  return stage(exchange, () => {
    if (called)
      throw new Error(`The hook "${stage.name || 'anonymous'}" called next() twice for one request.`)
    called = true
    return rest(exchange)
  })
}
