import type { Exchange } from './exchange.ts'
import type { Hook } from './hook.ts'
import type { Reply } from './reply.ts'

/** Answers an exchange. */
export type Run = (exchange: Exchange) => Promise<Reply>

/** Wraps `innermost` in hooks; the first hook is the outermost. */
export function chain(hooks: readonly Hook[], innermost: Run): Run {
  return hooks.reduceRight<Run>((rest, hook) => (exchange) => callHook(hook, exchange, rest), innermost)
}

function callHook(hook: Hook, exchange: Exchange, rest: Run): Promise<Reply> {
  let called = false
  return hook(exchange, () => {
    if (called) throw new Error(`The hook "${hook.name || 'anonymous'}" called next() twice for one request.`)
    called = true
    return rest(exchange)
  })
}
