import type { Config, ResourceConfig } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import type { IncidentPhase } from '../config/incident-file.ts'
import { sourceOf, sourceTraits } from '../config/source-names.ts'
import { isLimited } from '../pipeline/source-rules.ts'
import { limitsOf } from './limit-plan.ts'
import type { LimitStatus, LimitSubject, RateLimiter } from './rate-limiter.ts'

/** The limits of a deployment and their use. */
export interface LimitReading {
  /** Name of the resource. */
  readonly resource: string
  readonly deployment: string
  readonly status: LimitStatus
}

/** Dependencies of `readLimits`. */
export interface LimitReadingDeps {
  readonly limits: RateLimiter
  /** Returns the current incident phase of a resource. */
  readonly phaseOf: (resource: string) => IncidentPhase | undefined
}

/** Number of concurrent reads. A read in Redis fails after a timeout, so reads of all deployments at the same time would fail. */
const MAX_CONCURRENT_READS = 250

/** Reads the limits of all configured deployments that have limits, used or not. Uses no quota. */
export async function readLimits(
  { resources }: Config,
  { limits, phaseOf }: LimitReadingDeps,
): Promise<LimitReading[]> {
  const limited = [...resources].flatMap(([resource, view]) =>
    Array.from(view.deployments.values()).flatMap((deployment) => {
      const subject = limitSubject(view, deployment, phaseOf(resource))
      return subject ? [{ resource, subject }] : []
    }),
  )
  const readings: LimitReading[] = []
  for (let from = 0; from < limited.length; from += MAX_CONCURRENT_READS) {
    const read = limited.slice(from, from + MAX_CONCURRENT_READS).map(async ({ resource, subject }) => {
      return { resource, deployment: subject.deployment, status: await limits.status(subject) }
    })
    readings.push(...(await Promise.all(read)))
  }
  return readings
}

/** Returns a deployment with the limits that apply to its next request; undefined if it is not limited. */
export function limitSubject(
  config: ResourceConfig,
  deployment: Deployment,
  phase: IncidentPhase | undefined,
): LimitSubject | undefined {
  if (!isLimited(deployment, config)) return undefined
  const limits = limitsOf(
    deployment,
    deployment.limitProfile ?? config.limitProfile,
    phase && isAffected(deployment, config, phase) ? phase.limitFactor : 1,
  )
  return limits && { resource: config.id, deployment: deployment.name, limits }
}

/** A phase for all deployments does not affect forwarded requests. */
function isAffected(deployment: Deployment, config: ResourceConfig, phase: IncidentPhase): boolean {
  return phase.deployment === undefined
    ? sourceTraits[sourceOf(deployment, config)].isSimulated
    : phase.deployment === deployment.name
}
