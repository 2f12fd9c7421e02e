import type { FaultRuleOptions } from './fault-rules.ts'
import type { IncidentOptions } from './incident-file.ts'
import type { ModelOptions } from './model-catalogue-file.ts'
import type { DeploymentOptions } from './resolve-deployment.ts'
import type { SettingsInput } from './settings-schema.ts'

/** Settings that are replaced by another option, or do not apply to the library. */
export type ReplacedSetting =
  | 'config'
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

/** Types of settings in options: all are optional, and a list can be an array or the text of its variable. */
type GivenSettings<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? string | readonly Item[]
    : { readonly [Key in keyof T]?: GivenSettings<T[Key]> | undefined }

type UpstreamInput = SettingsInput['upstream']

/** A key of a resource: its text, or its SHA-256 in hexadecimal digits. */
export type ResourceKeyOptions =
  | string
  | {
      readonly key?: string | undefined
      readonly hash?: string | undefined
      /** Default: derived from the key. */
      readonly id?: string | undefined
      readonly label?: string | undefined
      readonly enabled?: boolean | undefined
    }

/**
 * A resource with its own deployments, keys and settings (docs/config.md). Names of settings are those of `PATCH /++/config` in
 * camelCase. A setting that is absent has the value of the default resource.
 */
export interface ResourceOptions {
  /** Keys of clients. Without keys, only tokens are accepted. */
  readonly keys?: readonly ResourceKeyOptions[] | undefined
  /** Deployments by name; default: none. */
  readonly deployments?: Readonly<Record<string, DeploymentOptions>> | undefined
  /** Faults for all deployments of the resource; default: none. */
  readonly faults?: readonly FaultRuleOptions[] | undefined
  /** Incident timetable that begins at start; default: none. */
  readonly incidents?: IncidentOptions | undefined
  /** Name of one of `upstreams`; default: `upstream`. */
  readonly upstream?: string | undefined
  readonly simulatorMode?: SettingsInput['mode'] | undefined
  readonly region?: SettingsInput['region']
  readonly tokens?: EntraInput['tokens']
  readonly audiences?: GivenSettings<EntraInput['audiences']>
  readonly tokenTenants?: GivenSettings<EntraInput['tenants']>
  readonly tokenAuthority?: EntraInput['authority']
  readonly limitProfile?: SettingsInput['limitProfile']
  readonly wireProfile?: SettingsInput['wireProfile']
  readonly utilizationHeader?: SettingsInput['utilizationHeader']
  readonly allowUndefinedOpenaiDeployments?: SettingsInput['allowUndefinedDeployments']
  readonly retiredModels?: SettingsInput['retiredModels']
  readonly modelMap?: GivenSettings<SettingsInput['modelMap']>
  readonly modelsStrict?: SettingsInput['modelsStrict']
  readonly apiVersionCheck?: SettingsInput['apiVersionCheck']
  readonly encryptedContentCheck?: SettingsInput['encryptedContentCheck']
  readonly completionLength?: SettingsInput['completionLength']
  readonly toolCallProbability?: SettingsInput['toolCallProbability']
  readonly toolCallsPerAnswer?: SettingsInput['toolCallsPerAnswer']
  readonly toolCallRounds?: SettingsInput['toolCallRounds']
  readonly contentFilter?: GivenSettings<SettingsInput['contentFilter']> | undefined
  readonly latency?:
    | {
        readonly timeScale?: SettingsInput['latency']['timeScale']
        readonly profile?: SettingsInput['latency']['profile']
      }
    | undefined
  readonly simHeaders?: SettingsInput['simHeaders']
  /** Folder of recordings. */
  readonly recordingDir?: SettingsInput['recordings']['dir']
}

type EntraInput = SettingsInput['entra']

type SettingOptions = GivenSettings<Omit<SettingsInput, ReplacedSetting>>

/**
 * Options of `createSimulator()`. Each option is a setting of docs/config.md, with the range, unit and default from there unless noted
 * otherwise. The environment and `.env` are not read.
 */
export interface ConfigOptions extends SettingOptions {
  /** Source of answers for deployments without `source`; default `generate`. */
  readonly mode?: SettingsInput['mode'] | undefined
  /** Recordings to read or write. `dir` can be a URL: `new URL('./recordings', import.meta.url)`. */
  readonly recordings?:
    | (Omit<GivenSettings<SettingsInput['recordings']>, 'dir'> & { readonly dir?: string | URL | undefined })
    | undefined
  /** The real service for record and forward. */
  readonly upstream?: GivenSettings<SettingsInput['upstream']> | undefined
  /** Key of clients; default: random, see `apiKey` of the simulator. */
  readonly apiKey?: string | undefined
  /** Key of the admin API under `/++/`; default: `apiKey`. */
  readonly adminApiKey?: string | undefined
  /** Tokens of Microsoft Entra ID that clients can send instead of a key. */
  readonly entra?: GivenSettings<SettingsInput['entra']> | undefined
  /** Files of the certificate with which `listen()` serves HTTPS; default: HTTP. */
  readonly tls?: GivenSettings<SettingsInput['tls']> | undefined
  /** Seed that makes answers and latency the same in each run; default: random. */
  readonly seed?: string | undefined
  /** Deployments by name; default: the default set in docs/config.md. An empty object has none. */
  readonly deployments?: Readonly<Record<string, DeploymentOptions>> | undefined
  /**
   * Further resources by name, below the path prefix `/<name>`. They inherit the settings above, but not deployments, faults,
   * incidents and keys.
   */
  readonly resources?: Readonly<Record<string, ResourceOptions>> | undefined
  /** Further real services that resources can use, by name. */
  readonly upstreams?:
    | Readonly<
        Record<string, GivenSettings<Required<Pick<UpstreamInput, 'endpoint' | 'key'>> & UpstreamInput>>
      >
    | undefined
  /** New or changed models, by name. */
  readonly models?: Readonly<Record<string, ModelOptions>> | undefined
  /** Latency. The default of `timeScale` is 0, which turns off all latency. Set it to 1 for realistic times. */
  readonly latency?: SettingOptions['latency']
  /** Faults for all deployments; default: none. */
  readonly faults?: readonly FaultRuleOptions[] | undefined
  /** Incident timetable that begins at start; default: none. */
  readonly incidents?: IncidentOptions | undefined
  /** Number of requests kept for `requests()`: true for 1,000, false for 0; default false. */
  readonly journal?: boolean | number | undefined
  /** Minimum severity to log; default `warn`. */
  readonly log?: SettingsInput['logLevel'] | undefined
  /** Time that `close()` waits for open answers, in seconds; default 1. */
  readonly shutdownGraceSeconds?: number | undefined
  /**
   * Any setting by the name of its variable: `{ LATENCY_PROFILE: 'auto' }`. Files named by a variable are read. An option for
   * the same setting has priority. Unknown names that begin with `SIMULATOR_` are errors.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}
