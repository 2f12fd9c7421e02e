import { collectGivenValues } from '../config/sources.ts'
import type { CliHost } from './cli-host.ts'
import { configSources } from './config-sources.ts'

/** The key that the environment or `.env` has for a simulator under this name; undefined where neither has one. */
export function givenKey(
  host: CliHost,
  env: 'SIMULATOR_API_KEY' | 'ADMIN_API_KEY' = 'SIMULATOR_API_KEY',
): string | undefined {
  const { given } = collectGivenValues(configSources(host))
  const key = given.find(({ setting }) => setting.env === env)?.value
  return typeof key === 'string' ? key : undefined
}
