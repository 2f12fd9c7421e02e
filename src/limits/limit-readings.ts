import type { Config, ResourceConfig } from '../config/config.ts'
import type { Deployment } from '../config/deployments.ts'
import type { IncidentPhase } from '../config/incident-file.ts'
import { sourceOf, sourceTraits } from '../config/source-names.ts'
import { mapInBatches } from '../lib/queues.ts'
import { isLimited } from '../pipeline/source-rules.ts'
import { limitsOf, outputLimitsOf, outputSubjectName } from './limit-plan.ts'
import type { LimitAmount, LimitSubject, LimitUse, ReadableLimiter } from './rate-limiter.ts'

/** The limits of a deployment and their use. */
export interface LimitReading {
  /** Name of the resource. */
  readonly resource: string
  readonly deployment: string
  readonly use: LimitUse
  /** Output tokens of a Claude deployment that limits them. */
  readonly output?: LimitAmount | undefined
}

/** Dependencies of `readLimits`. */
export interface LimitReadingDeps {
  readonly limits: Pick<ReadableLimiter, 'use'>
  /** Returns the current incident phase of a resource. */
  readonly phaseOf: (resource: string) => IncidentPhase | undefined
}

/** Maximum number of concurrent reads of limits. A read in Redis fails after a timeout, so reads of all deployments at the same time would fail. */
export const MAX_CONCURRENT_READS = 16

/** Reads the limits of all configured deployments that have limits, used or not. Uses no quota. */
export async function readLimits(
  { resources }: Config,
  { limits, phaseOf }: LimitReadingDeps,
): Promise<LimitReading[]> {
  const limited = [...resources].flatMap(([resource, view]) =>
    Array.from(view.deployments.values()).flatMap((deployment) => {
      const phase = phaseOf(resource)
      const subject = limitSubject(view, deployment, phase)
      return subject ? [{ resource, subject, output: outputLimitSubject(view, deployment, phase) }] : []
    }),
  )
  return mapInBatches(limited, MAX_CONCURRENT_READS, async ({ resource, subject, output }) => ({
    resource,
    deployment: subject.deployment,
    use: await limits.use(subject),
    ...(output && { output: tokensOf(await limits.use(output)) }),
  }))
}

function tokensOf(use: LimitUse): LimitAmount | undefined {
  return use.kind === 'provisioned' ? undefined : use.tokens
}

/** Returns a deployment with the limits that apply to its next request; undefined if it is not limited. */
export function limitSubject(
  config: ResourceConfig,
  deployment: Deployment,
  phase: IncidentPhase | undefined,
): LimitSubject | undefined {
  if (!isLimited(deployment, config)) return undefined
  const profileName = deployment.limitProfile ?? config.limitProfile
  const limits = limitsOf(deployment, profileName, factorOf(config, deployment, phase))
  return limits && { resource: config.id, deployment: deployment.name, limits }
}

/** Returns the limit of output tokens of a Claude deployment; undefined if it has none. */
export function outputLimitSubject(
  config: ResourceConfig,
  deployment: Deployment,
  phase: IncidentPhase | undefined,
): LimitSubject | undefined {
  if (!isLimited(deployment, config)) return undefined
  const limits = outputLimitsOf(deployment, factorOf(config, deployment, phase))
  return limits && { resource: config.id, deployment: outputSubjectName(deployment.name), limits }
}

function factorOf(config: ResourceConfig, deployment: Deployment, phase: IncidentPhase | undefined): number {
  return phase && isAffected(deployment, config, phase) ? phase.limitFactor : 1
}

/** A phase for all deployments does not affect forwarded requests. */
function isAffected(deployment: Deployment, config: ResourceConfig, phase: IncidentPhase): boolean {
  return phase.deployment === undefined
    ? sourceTraits[sourceOf(deployment, config)].isSimulated
    : phase.deployment === deployment.name
}
