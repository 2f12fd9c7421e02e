import { readRegularText } from '../lib/regular-file.ts'
import type { ConfigSources } from '../config/sources.ts'
import type { CliHost } from './cli-host.ts'

/** Where a command reads its configuration from: its flags, the host's environment, and the files of this machine. */
export function configSources(
  { env, workingDirectory }: Pick<CliHost, 'env' | 'workingDirectory'>,
  flags: ConfigSources['flags'] = {},
): ConfigSources {
  return { flags, env, workingDirectory, readFile: readRegularText }
}
