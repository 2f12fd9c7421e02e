import type { LiveConfig } from '../config/live-config.ts'
import type { Logger } from '../platform/logger.ts'

/** Most warnings of the configuration that are logged one by one, each time. */
const maxAtOnce = 20
/** Most warnings that are remembered as told, since patches can bring any number of them. */
const maxRemembered = 10_000

/** Logs what the operator should know of the configuration: once each, at the start and after each change. */
export function logWarnings(live: LiveConfig, logger: Logger): void {
  const told = new Set<string>()
  const tell = (): void => {
    const fresh = live.warnings.filter((warning) => !told.has(warning))
    for (const warning of fresh.slice(0, maxAtOnce)) logger.warn({}, warning)
    const more = fresh.length - maxAtOnce
    if (more > 0) logger.warn({ more }, `${more} more such warnings of the configuration.`)
    if (told.size + fresh.length > maxRemembered) told.clear()
    for (const warning of fresh) told.add(warning)
  }
  tell()
  live.onChange(tell)
}
