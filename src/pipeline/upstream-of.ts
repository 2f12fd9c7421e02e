import type { UpstreamDeployment } from '../config/upstream-deployment.ts'
import type { Upstream } from '../config/upstreams.ts'
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
})

/** Returns where a request is forwarded to; undefined if its resource has no upstream for it. */
export function upstreamOf({ deployment, config }: Exchange): UpstreamRoute | undefined {
  const to = deployment?.to
  if (!to) return config.upstream && { upstream: config.upstream, to: unchanged }
  const upstream = config.upstreams.get(to.upstream)
  return upstream && { upstream, to }
}
