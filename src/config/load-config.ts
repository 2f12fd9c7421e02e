import type { Config } from './config.ts'
import { LiveConfig } from './live-config.ts'
import { readInputs } from './read-inputs.ts'
import { configError, resolveInputs, resolveSettings } from './resolve-inputs.ts'
import type { Settings } from './settings-schema.ts'
import type { Setting } from './settings-table.ts'
import { collectGivenValues, type ConfigSources } from './sources.ts'

/**
 * Reads the configuration: flag before variable before `.env` before default.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the name that was typed.
 */
export function loadConfig(sources: ConfigSources): Config {
  return loadLiveConfig(sources).current
}

/**
 * Reads some settings alone, for a command that uses no others: what is wrong elsewhere does not stop it.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem of those settings
 */
export function loadSettings(sources: ConfigSources, isUsed: (setting: Setting) => boolean): Settings {
  const { given, unreadable } = collectGivenValues(sources)
  return resolveSettings(
    given.filter(({ setting }) => isUsed(setting)),
    unreadable,
  )
}

/**
 * Reads the configuration so that it can change later.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the name that was typed.
 */
export function loadLiveConfig(sources: ConfigSources): LiveConfig {
  const { inputs, problems } = readInputs(sources)
  if (problems.length === 0) return new LiveConfig(inputs)
  const resolved = resolveInputs(inputs, problems)
  throw configError('start', 'problems' in resolved ? resolved.problems : problems)
}
