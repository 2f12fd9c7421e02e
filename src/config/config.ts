import type { ResourceKey, SigningKey } from './access-settings.ts'
import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import type { FaultRule } from './fault-rules.ts'
import type { IncidentTimetable } from './incident-file.ts'
import type { ModelMap } from './model-mapper.ts'
import type { FilledTree, ReadonlyTree } from './mapping-file.ts'
import type { HostKey, Settings } from './settings-schema.ts'
import type { MissAction } from './recording-settings.ts'
import type { SourceName } from './source-names.ts'
import type { TlsFiles } from './tls-settings.ts'
import type { Upstream } from './upstreams.ts'

/** A normal distribution of latency, in milliseconds per unit of work. Both numbers are at least 0 and finite. */
export type Latency = ResourceConfig['latency']['embeddings']

/** Latency of an operation that returns tokens. */
export type TokenLatency = ResourceConfig['latency']['chatCompletions']

/** The host settings that the configuration contains unchanged after validation. */
type SameInHost = ReadonlyTree<
  Omit<Pick<Settings, HostKey>, 'config' | 'adminApiKey' | 'extensionPath' | 'tls'>
>

/** The settings of the server process, which all resources share. */
export interface HostConfig extends SameInHost {
  /** Key of the admin API; default: the `apiKey` of the default resource. Secret. */
  readonly adminApiKey: string
  /** Files, folders or packages with extensions, as configured and in the order in which they run. */
  readonly extensionPaths: readonly string[]
  /** The certificate of the listener; undefined for HTTP without TLS. */
  readonly tls: TlsFiles | undefined
  /** Header that names the test of a request, in lower case. */
  readonly testHeader: string
  /** The services that deployments and resources can name. `default` is AZURE_OPENAI_ENDPOINT. */
  readonly upstreams: ReadonlyMap<string, Upstream>
}

/** The resource settings that the configuration contains unchanged after validation. */
type SameInResource = ReadonlyTree<
  Omit<
    Settings,
    | HostKey
    | 'recordings'
    | 'upstream'
    | 'apiKey'
    | 'entra'
    | 'contentFilter'
    | 'modelMap'
    | 'deploymentConfigPath'
    | 'modelCataloguePath'
    | 'faultsPath'
    | 'incidentsPath'
  >
>

/** The settings of a resource. */
export interface ResourceConfig extends SameInResource {
  /** All sources in use without duplicates: the mode first, then those of deployments. */
  readonly sources: readonly SourceName[]
  /** What replay does without a recording, of all deployments that are replayed. */
  readonly missActions: readonly MissAction[]
  /**
   * The service for requests to deployments without `to`, and for requests without a deployment; undefined unless the address and the
   * credential are set.
   */
  readonly upstream: Upstream | undefined
  /** Settings of recordings, present even if no source uses them. */
  readonly recordings: RecordingsConfig
  /** The key that clients must send; secret. */
  readonly apiKey: string
  /** Whether the key was generated because none was set. The banner shows a generated key. */
  readonly apiKeyGenerated: boolean
  /** Further keys that clients can send, by their hash. */
  readonly keys: ReadonlyMap<string, ResourceKey>
  /** Which tokens clients can send. */
  readonly entra: EntraConfig
  /** Signs tokens; undefined until the first use. */
  readonly signingKey: SigningKey | undefined
  /**
   * Identity of the resource: its name, or a unique id if it was created at run time. State such as limit usage and stored responses
   * has this key, so that a later resource of the same name does not get it.
   */
  readonly id: string
  /** Id of the tenant that owns the resource; undefined unless the resource was created through /_twin. */
  readonly tenant: string | undefined
  /** The models that deployments can use. */
  readonly models: ModelCatalogue
  /** Names of deployments by names of models, for requests that are forwarded or recorded; empty unless set. */
  readonly modelMap: ModelMap
  /** By deployment name, with the case of the deployment file. */
  readonly deployments: ReadonlyMap<string, Deployment>
  /** Whether `deployments` is the default set, because there is no deployment file. */
  readonly deploymentsAreDefault: boolean
  /** Phrases that trigger the content filter, by its result; all empty unless set. */
  readonly contentFilter: FilledTree<Settings['contentFilter']>
  /** Faults for all deployments; empty unless set. */
  readonly faults: readonly FaultRule[]
  /** Incident timetable that begins at start; undefined unless set. */
  readonly incidents: IncidentTimetable | undefined
}

/** The configuration for requests to one resource: its settings, and for extensions also those of the host. */
export interface ResourceView extends HostConfig, ResourceConfig {}

/** The complete configuration of a simulator, validated and deeply frozen. Created by `loadConfig`. */
export interface Config extends HostConfig {
  /** By name, including the default resource. */
  readonly resources: ReadonlyMap<string, ResourceView>
  /** The resource of paths without a prefix. The top-level settings configure it. */
  readonly defaultResource: ResourceView
}

/** Name of the resource of paths without a prefix. */
export const defaultResourceName = 'default'

/** Settings of recordings. The path of the folder is absolute; names of headers are in lower case. */
export interface RecordingsConfig extends FilledTree<Settings['recordings']> {}

/** What must match between a request and a recording in addition to method, path and body. */
export type MatchConfig = RecordingsConfig['match']

/** Which tokens of Microsoft Entra ID a resource accepts. */
export type EntraConfig = FilledTree<Settings['entra']>

/** Settings of replay. */
export type ReplayConfig = RecordingsConfig['replay']
