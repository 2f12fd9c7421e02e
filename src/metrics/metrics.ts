import type { Exchange } from '../pipeline/exchange.ts'
import type { Hook, Next } from '../pipeline/hook.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Clock } from '../platform/clock.ts'
import { processRegistry } from './process-registry.ts'
import { createRequestRegistry } from './request-registry.ts'
import { SeriesTable } from './series-table.ts'

/** The metrics of one simulator. */
export interface Metrics {
  /** The outermost stage: counts every request when its answer has ended. */
  readonly observe: Hook
  /** All metrics in the text format of Prometheus, those of the process included. */
  render(): Promise<string>
  /** The content type of what `render` gives. */
  readonly contentType: string
}

/**
 * Makes metrics that start at nothing. Their labels are `deployment` (empty for a request without one, `other` beyond
 * the first 100 that are not configured), `operation` (`other` for an unknown path) and `status`.
 *
 * @param options.clock the clock that the exchanges' times are from
 */
export function createMetrics({ clock }: { readonly clock: Clock }): Metrics {
  const table = new SeriesTable()
  let inFlight = 0
  const requests = createRequestRegistry({ series: () => table, inFlight: () => inFlight })
  const process = processRegistry()

  return {
    async observe(exchange: Exchange, next: Next): Promise<Reply> {
      inFlight++
      exchange.onEnd(() => inFlight--)
      const reply = await next()
      const baseMs = clock.nowMs() - exchange.startedMs
      exchange.onEnd((outcome) => table.seriesOf(exchange).count(reply, baseMs, outcome))
      return reply
    },
    async render() {
      return `${await requests.metrics()}\n${await process.metrics()}`
    },
    contentType: requests.contentType,
  }
}
