import type { OnUndefinedDeployment } from '../access/find-deployment.ts'
import { defaultResourceName } from '../config/config.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { showValue } from '../config/zod-problems.ts'
import type { Logger } from '../lib/logger.ts'
import { nearestNames } from '../lib/nearest-names.ts'

/** Most warnings of the configuration that are logged one by one, each time. */
const MAX_CONCURRENT = 25
/** Most warnings that are remembered as told, since patches can bring any number of them. */
const MAX_CACHED = 10_000

/** Logs what the operator should know of the configuration: once each, at the start and after each change. */
export function logWarnings(live: LiveConfig, logger: Logger): void {
  const told = new Set<string>()
  const tell = (): void => {
    const fresh = live.warnings.filter((warning) => !told.has(warning))
    for (const warning of fresh.slice(0, MAX_CONCURRENT)) logger.warn({}, warning)
    const more = fresh.length - MAX_CONCURRENT
    if (more > 0) logger.warn({ more }, `${more} more such warnings of the configuration.`)
    if (told.size + fresh.length > MAX_CACHED) told.clear()
    for (const warning of fresh) told.add(warning)
  }
  tell()
  live.onChange(tell)
}

/** Most names of undefined deployments that are logged, since clients choose them. */
const MAX_UNDEFINED = 20

/**
 * Logs each name of a deployment that is asked for and not configured, once: a typing error would else be a deployment without
 * limits that nobody notices. It is a warning where somebody has configured deployments, and else information.
 */
export function createUndefinedReport(logger: Logger): OnUndefinedDeployment {
  const told = new Set<string>()
  return (name, { model }, { resource, config }) => {
    const key = `${resource}/${name}`
    if (told.size === MAX_UNDEFINED || told.has(key)) return
    told.add(key)
    const { deployments, deploymentsAreDefault } = config
    const [near] =
      deployments.size > 1_000 ? [] : nearestNames(name.slice(0, 100), [...deployments.keys()], 1)
    const hint = near === undefined ? '' : ` Did you mean ${showValue(near)}?`
    const last = told.size === MAX_UNDEFINED ? ' Further such names are not logged.' : ''
    const message = `No deployment${resource === defaultResourceName ? '' : ` of ${resource}`} is named ${showValue(name)}: it is answered as a ${model.name}, without limits.${hint} ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false refuses such names.${last}`
    if (deploymentsAreDefault) logger.info({}, message)
    else logger.warn({}, message)
  }
}
