import type { Exchange } from './exchange.ts'
import type { Answer, Stage } from './stage.ts'

/** Answers an exchange. */
export type Run = (exchange: Exchange) => Answer

/** Wraps `innermost` in stages; the first is the outermost. */
export function chain(stages: readonly Stage[], innermost: Run): Run {
  return stages.reduceRight<Run>((rest, stage) => (exchange) => callStage(stage, exchange, rest), innermost)
}

function callStage(stage: Stage, exchange: Exchange, rest: Run): Answer {
  let called = false
  return stage(exchange, () => {
    if (called)
      throw new Error(`The hook "${stage.name || 'anonymous'}" called next() twice for one request.`)
    called = true
    return rest(exchange)
  })
}
