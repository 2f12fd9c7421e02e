import { mappedName, usualName } from '../config/model-mapper.ts'
import type { UpstreamDeployment } from '../config/upstream-deployment.ts'
import type { Upstream } from '../config/upstreams.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import { isOpenaiPath } from '../wire/route.ts'
import type { Exchange } from './exchange.ts'

/** An upstream, and how a request is forwarded to it. */
export interface UpstreamRoute {
  readonly upstream: Upstream
  readonly to: UpstreamDeployment
}

/** For requests to deployments without `to`, and requests without a deployment. */
const unchanged: UpstreamDeployment = Object.freeze({
  upstream: 'default',
  name: undefined,
  form: undefined,
  drop: new Set<string>(),
  normalize: new Set<never>(),
})

/** Returns where a request is forwarded to; undefined if its resource has no upstream for it. */
export function upstreamOf(exchange: Exchange): UpstreamRoute | undefined {
  const { deployment, config } = exchange
  const to = deployment?.to ?? unchanged
  const upstream = deployment?.to ? config.upstreams.get(to.upstream) : config.upstream
  if (!upstream) return undefined
  if (to.name !== undefined) return { upstream, to }
  const name = deployment ? nameOfConfigured(exchange, deployment.name) : nameOfOther(exchange, upstream)
  return { upstream, to: name === undefined ? to : { ...to, name } }
}

/** The upstream knows a deployment by its own name, also if the request has another spelling of it. */
function nameOfConfigured({ deploymentName, spilledOverFrom }: Exchange, name: string): string | undefined {
  return deploymentName === name && spilledOverFrom === undefined ? undefined : name
}

/** Clients of OpenAI use the names of models, which Azure does not have as deployments. */
function nameOfOther(exchange: Exchange, { kind }: Upstream): string | undefined {
  const { deploymentName: name, config } = exchange
  if (name === undefined) return undefined
  const mapped = mappedName(name, config.modelMap)
  if (mapped !== undefined) return mapped === name ? undefined : mapped
  if (kind !== 'azure' || !isOpenaiPath(exchange.servicePath)) return undefined
  return usualName(name, (model) => findModel(model, config.models) !== undefined)
}
