import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** Asks the rest of the chain for its answer. May be called once. */
export type Next = () => Promise<Reply>

/** An extension's stage of the pipeline: answers itself, or calls `next` and may change what comes back. */
export type Hook = (exchange: Exchange, next: Next) => Promise<Reply>

/** A reply, or the promise of one where it is not known at once: a promise at each stage would cost a tenth of a request. */
export type ReplyOrPromise = MaybePromise<Reply>

/** A stage of the pipeline, as a hook is one, that makes no promise of what is known. */
export type Stage = (exchange: Exchange, next: () => ReplyOrPromise) => ReplyOrPromise

/**
 * The names of the stages, in the order in which a request meets them. The picture of the way of a request and the documents
 * have the same names. Each is a token of HTTP, so that a header can carry it.
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
  /** The name of the extension that brings it; absent for a stage of the simulator's own. */
  readonly extension?: string
  /** Whether a request meets the stage at all; absent: each one does. */
  readonly acts?: (exchange: Exchange) => boolean
  readonly stage: Stage
}

/** What answers requests at the end of the chain; gives undefined for a request that it does not know. */
export type Source = (exchange: Exchange) => MaybePromise<Reply | undefined>

/** Goes on with a value: at once where it is known, so that it costs no turn of promises, and else when it is. */
export function mapMaybe<T, R>(value: MaybePromise<T>, goOn: (known: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}

/** Calls `ask`, and goes on with `rescue` where it throws, or gives a promise that is rejected. */
export function catchMaybe<T>(
  ask: () => MaybePromise<T>,
  rescue: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const value = ask()
    return value instanceof Promise ? value.catch(rescue) : value
  } catch (error) {
    return rescue(error)
  }
}

/** Answers an exchange. */
export type Run = (exchange: Exchange) => ReplyOrPromise

/** A stage, and which requests meet it. */
type Link = Pick<NamedStage, 'acts' | 'stage'>

/** Wraps `innermost` in stages; the first is the outermost. */
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
