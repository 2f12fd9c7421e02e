import type { FaultRuleOptions } from './fault-rules.ts'
import type { IncidentOptions } from './incident-file.ts'
import type { ModelOptions } from './model-catalogue-file.ts'
import type { DeploymentOptions } from './resolve-deployment.ts'
import type { SettingsInput } from './settings-schema.ts'

/** Settings that have another option in their place, or none. */
export type ReplacedSetting =
  | 'recordings'
  | 'host'
  | 'port'
  | 'logLevel'
  | 'logFormat'
  | 'logRequests'
  | 'journalSize'
  | 'extensionPath'
  | 'deploymentConfigPath'
  | 'modelCataloguePath'
  | 'faultsPath'
  | 'incidentsPath'
  | 'watch'
  | 'workers'

/** Settings as a caller of the library gives them: each optional, and lists as lists or in the text of their variable. */
type GivenSettings<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? string | readonly Item[]
    : { readonly [Key in keyof T]?: GivenSettings<T[Key]> | undefined }

type SettingOptions = GivenSettings<Omit<SettingsInput, ReplacedSetting>>

/**
 * The configuration of a simulator as a program gives it. Each option is a setting of docs/config.md, which has ranges and
 * units; what is left out has the default from there, but for those that say otherwise. Nothing is read from the
 * environment or from `.env`.
 */
export interface ConfigOptions extends SettingOptions {
  /** What answers requests to deployments that name no `source`; default `generate`. */
  readonly mode?: SettingsInput['mode'] | undefined
  /** What replay reads and record writes. `dir` may be a URL: `new URL('./recordings', import.meta.url)`. */
  readonly recordings?:
    | (Omit<GivenSettings<SettingsInput['recordings']>, 'dir'> & { readonly dir?: string | URL | undefined })
    | undefined
  /** The service that record and forward ask. */
  readonly upstream?: GivenSettings<SettingsInput['upstream']> | undefined
  /** The key that callers must send; default: a new random one, which the simulator's `apiKey` tells. */
  readonly apiKey?: string | undefined
  /** The key of the administration under `/++/`; default: `apiKey`. */
  readonly adminApiKey?: string | undefined
  /** Makes answers and waiting times the same in each run; default: new ones. */
  readonly seed?: string | undefined
  /** By name; default: those of docs/config.md. An empty object has none. */
  readonly deployments?: Readonly<Record<string, DeploymentOptions>> | undefined
  /** New models, or changes of known ones, by name. */
  readonly models?: Readonly<Record<string, ModelOptions>> | undefined
  /**
   * How long answers take. The default of `timeScale` is 0 here, which is no time at all, whatever else is set: a test that
   * wants answers to take their time sets it to 1.
   */
  readonly latency?: SettingOptions['latency']
  /** What goes wrong, over all deployments; default: nothing. */
  readonly faults?: readonly FaultRuleOptions[] | undefined
  /** A timetable that begins with the simulator; default: none. */
  readonly incidents?: IncidentOptions | undefined
  /** How many requests are kept for `requests()`: true is 1,000, false none; default false. */
  readonly journal?: boolean | number | undefined
  /** The least severity that is logged; default `warn`. */
  readonly log?: SettingsInput['logLevel'] | undefined
  /** How long `close()` waits for running answers, in seconds; default 1. */
  readonly shutdownGraceSeconds?: number | undefined
  /**
   * Any setting by the name of its variable: `{ LATENCY_PROFILE: 'auto' }`. Files that a variable names are read. An option
   * that sets the same wins. Names that begin with `SIMULATOR_` and mean nothing are errors.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}
