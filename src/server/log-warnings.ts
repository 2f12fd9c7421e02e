import type { OnUndefinedDeployment } from '../access/find-deployment.ts'
import { defaultResourceName } from '../config/config.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { showValue } from '../config/zod-problems.ts'
import type { Logger } from '../lib/logger.ts'
import { nearestNames } from '../lib/nearest-names.ts'

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
    const scope = resource === defaultResourceName ? '' : ` of ${resource}`
    const message = `Unknown deployment ${showValue(name)}${scope} is answered as ${model.name}, without limits.${hint} Set ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false to reject unknown names.${last}`
    if (deploymentsAreDefault) logger.info({}, message)
    else logger.warn({}, message)
  }
}
