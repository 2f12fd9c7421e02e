import type { Exchange } from './exchange.ts'
import type { ReplyOrPromise, NamedStage, Stage } from './stage.ts'

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
