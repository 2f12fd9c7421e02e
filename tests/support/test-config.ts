import { type Config, defaultResourceName, type ResourceView } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/live-config.ts'

/**
 * A configuration with the usual defaults, and what a test sets of it.
 *
 * @param view of the default resource, and of the host
 * @param others further resources by name
 */
export function testConfig(
  view: Partial<ResourceView> = {},
  others: Readonly<Record<string, Partial<ResourceView>>> = {},
): Config {
  const base = loadConfig({
    flags: {},
    env: { SIMULATOR_API_KEY: 'key' },
    workingDirectory: '/',
    readFile: () => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    },
  })
  const defaultResource = { ...base.defaultResource, ...view }
  const named = Object.entries(others).map(
    ([name, other]) => [name, { ...base.defaultResource, id: name, ...other }] as const,
  )
  return {
    ...base,
    ...view,
    resources: new Map<string, ResourceView>([[defaultResourceName, defaultResource], ...named]),
    defaultResource,
  }
}
