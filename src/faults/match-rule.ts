import { operationsOf } from '../config/fault-schema.ts'
import type { FaultRule } from '../config/fault-rules.ts'
import type { Exchange } from '../pipeline/exchange.ts'

/** Whether a rule may strike a request, chance aside. */
export function matchesRule(rule: FaultRule, exchange: Exchange): boolean {
  const { deployment, operation, stream, fault } = rule
  const asked = exchange.route?.operation
  if (asked === undefined) return false
  if (deployment !== undefined && deployment !== exchange.deployment?.name) return false
  if (operation !== undefined && operation !== asked) return false
  const fitting: readonly string[] | undefined = operationsOf(fault)
  if (fitting && !fitting.includes(asked)) return false
  return stream === undefined || stream === wantsStream(exchange)
}

/** Whether a request asks for its answer as a stream. */
export function wantsStream({ json }: Exchange): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { stream, stream_format: format } = json as { stream?: unknown; stream_format?: unknown }
  return stream === true || format === 'sse'
}
