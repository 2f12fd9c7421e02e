import type { ResourceKey, SigningKey } from '../../src/config/access-settings.ts'
import type { ConfigInputs, ResourceInputs } from '../../src/config/read-inputs.ts'
import { givenValue, settingsTable } from '../../src/config/settings-table.ts'

/** A resource beside the default one, in the words of the settings and of their files. */
export interface TestResource {
  /** Settings by the names of their variables. The key is `<name>-key` unless SIMULATOR_API_KEY says otherwise. */
  readonly env?: Readonly<Record<string, string>>
  readonly deployments?: Readonly<Record<string, object>>
  readonly faults?: readonly object[]
  readonly incidents?: object
  /** Its identity. Default: its name. */
  readonly id?: string
  readonly keys?: readonly ResourceKey[]
  readonly signingKey?: SigningKey
  readonly tenant?: string
}

/** Adds resources to what a configuration is made from. */
export function withResources(
  inputs: ConfigInputs,
  resources: Readonly<Record<string, TestResource>>,
): ConfigInputs {
  const named = Object.entries(resources).map(([name, resource]) => [
    name,
    resourceInputs(inputs, name, resource),
  ])
  return { ...inputs, resources: Object.fromEntries(named) as Record<string, ResourceInputs> }
}

function resourceInputs(
  { models }: ConfigInputs,
  name: string,
  { env = {}, deployments = {}, faults, incidents, id, keys, signingKey, tenant }: TestResource,
): ResourceInputs {
  const location = `resources.${name}`
  const given = Object.entries(env).map(([variable, value]) => {
    const setting = settingsTable().find((known) => known.env === variable)
    if (!setting) throw new Error(`No setting is named ${variable}.`)
    return givenValue(setting, value, variable)
  })
  return {
    given,
    models,
    deployments: { entries: deployments, location },
    deploymentsAreDefault: false,
    ...(faults && { faults: { entries: { faults }, location } }),
    ...(incidents && { incidents: { entries: incidents, location } }),
    ...(keys && { keys }),
    ...(signingKey && { signingKey }),
    ...(tenant !== undefined && { tenant }),
    generatedKey: `${name}-key`,
    ...(id !== undefined && { id }),
  }
}
