import type { OnUndefinedDeployment } from '../access/find-deployment.ts'
import { defaultResourceName, type ResourceView } from '../config/config.ts'
import type { LiveConfig } from '../config/live-config.ts'
import type { IncidentPhase } from '../config/incident-file.ts'
import { showValue } from '../config/zod-problems.ts'
import { openLogs, type OpenLogs } from '../journal/log-ring.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { stackOf } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import type { SharedDeps } from './pool-state.ts'
import { isRetired, modelId, retiresAtMs } from '../wire/models/model-catalogue.ts'

/** Maximum warnings of the configuration that are logged individually at a time. */
const MAX_LOGGED_WARNINGS = 25
/** Maximum warnings that are remembered as logged, because patches can cause any number of them. */
const MAX_REMEMBERED_WARNINGS = 10_000

/** Logs the warnings of the configuration at start-up and after each change, each warning once. */
export function logWarnings(live: LiveConfig, logger: Logger): void {
  const logged = new Set<string>()
  const logNew = (): void => {
    const added = live.warnings.filter((warning) => !logged.has(warning))
    for (const warning of added.slice(0, MAX_LOGGED_WARNINGS)) logger.warn({}, warning)
    const more = added.length - MAX_LOGGED_WARNINGS
    if (more > 0) logger.warn({ more }, `${more} more warnings of the configuration.`)
    if (logged.size + added.length > MAX_REMEMBERED_WARNINGS) logged.clear()
    for (const warning of added) logged.add(warning)
  }
  logNew()
  live.onChange(logNew)
}

/** Maximum deployments that one warning names. */
const MAX_NAMED_RETIREMENTS = 20

/**
 * Logs the configured deployments with a model that the service has retired, in one warning at start-up and after each change, each
 * deployment once. The default set is not logged.
 */
export function logRetirements(live: LiveConfig, clock: Clock, logger: Logger): void {
  const logged = new Set<string>()
  /** The last time at which no further model of a resource is retired, in milliseconds since 1970. */
  const checkedUntilMs = new WeakMap<ResourceView, number>()
  const logNew = (): void => {
    const retired: string[] = []
    const nowMs = clock.epochMs()
    let refused = false
    for (const [resource, config] of live.current.resources) {
      if (config.deploymentsAreDefault || config.retiredModels === 'accept') continue
      if (nowMs < (checkedUntilMs.get(config) ?? -Infinity)) continue
      let untilMs = Infinity
      for (const { name, model } of config.deployments.values()) {
        if (!isRetired(model, nowMs)) {
          untilMs = Math.min(untilMs, retiresAtMs(model))
          continue
        }
        const key = `${resource}/${name}/${modelId(model)}`
        if (logged.has(key)) continue
        if (logged.size < MAX_REMEMBERED_WARNINGS) logged.add(key)
        retired.push(`${showValue(name)}${scopeOf(resource)} (${modelId(model)}, ${model.retires})`)
        refused ||= config.retiredModels === 'refuse'
      }
      checkedUntilMs.set(config, untilMs)
    }
    if (retired.length === 0) return
    const more = retired.length - MAX_NAMED_RETIREMENTS
    const names = retired.slice(0, MAX_NAMED_RETIREMENTS).join(', ')
    const effect = refused
      ? 'Requests get the error of the service, because RETIRED_MODELS is refuse.'
      : 'Requests are answered. RETIRED_MODELS=refuse returns the error of the service, accept turns this warning off.'
    logger.warn(
      {},
      `The service has retired the models of these deployments: ${names}${more > 0 ? ` and ${more} more` : ''}. ${effect}`,
    )
  }
  logNew()
  live.onChange(logNew)
}

function scopeOf(resource: string): string {
  return resource === defaultResourceName ? '' : ` of ${resource}`
}

/** Maximum names of unknown deployments that are logged, because clients choose them. */
const MAX_LOGGED_NAMES = 20

/**
 * Returns a callback that logs each unknown deployment once, because a misspelled name is otherwise an unnoticed deployment without limits.
 * The level is `warn` if deployments are configured, and `info` otherwise.
 */
export function createUndefinedReport(logger: Logger): OnUndefinedDeployment {
  const logged = new Set<string>()
  return (name, { model }, { resource, config }) => {
    const key = `${resource}/${name}`
    if (logged.size === MAX_LOGGED_NAMES || logged.has(key)) return
    logged.add(key)
    const { deployments, deploymentsAreDefault } = config
    const [nearest] =
      deployments.size > 1_000 ? [] : nearestNames(name.slice(0, 100), [...deployments.keys()], 1)
    const hint = nearest === undefined ? '' : ` Did you mean ${showValue(nearest)}?`
    const last = logged.size === MAX_LOGGED_NAMES ? ' Further unknown names are not logged.' : ''
    const message = `Unknown deployment ${showValue(name)}${scopeOf(resource)} is answered as ${model.name}, without limits.${hint} Set ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false to reject unknown names.${last}`
    if (deploymentsAreDefault) logger.info({}, message)
    else logger.warn({}, message)
  }
}

/** Logs the error of a request or a page, with its stack. */
export function logFailure(logger: Logger, error: unknown, fields: object, message: string): void {
  logger.error({ ...fields, err: stackOf(error) }, message)
}

/** Logs the begin of an incident phase, or the end of the timetable. */
export function logPhase(
  logger: Logger,
  resourceName: string,
  phase: IncidentPhase | undefined,
  round: number,
): void {
  const resource = resourceName === defaultResourceName ? undefined : resourceName
  if (!phase) {
    logger.info({ resource, rounds: round }, 'The incident timetable has ended.')
    return
  }
  const { name, deployment, startMs, endMs } = phase
  const seconds = endMs === Infinity ? undefined : (endMs - startMs) / 1_000
  logger.info({ resource, phase: name, round, deployment, seconds }, 'An incident phase has started.')
}

/** Opens the log ring of a simulator. */
export function openSimulatorLogs(
  { current: { logRing: size, logLevel: level }, secrets }: LiveConfig,
  {
    clock,
    logger,
    logs: sink,
    processNumber: worker,
  }: { readonly clock: Clock; readonly logger: Logger } & Pick<SharedDeps, 'logs' | 'processNumber'>,
): OpenLogs {
  return openLogs({
    logger,
    size,
    level,
    secrets: secrets.list,
    epochMs: () => clock.epochMs(),
    sink,
    worker,
  })
}
