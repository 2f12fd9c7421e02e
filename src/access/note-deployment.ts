import type { Exchange } from '../pipeline/exchange.ts'
import type { Answer } from '../pipeline/stage.ts'

/**
 * Notes which configured deployment a request names, for the metrics. It refuses nothing: what a forwarded request may
 * name is for the real service to say.
 */
export function noteDeployment(exchange: Exchange, next: () => Answer): Answer {
  const { route, config } = exchange
  const name = route && (route.deploymentName ?? nameInBody(exchange))
  if (typeof name === 'string') exchange.deployment = config.deployments.get(name)
  return next()
}

function nameInBody({ isForm, form, json }: Exchange): unknown {
  if (isForm) return form?.text('model')
  return typeof json === 'object' && json !== null ? (json as { model?: unknown }).model : undefined
}
