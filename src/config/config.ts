import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import type { FaultRule } from './fault-rules.ts'
import type { IncidentTimetable } from './incident-file.ts'
import type { FilledTree, ReadonlyTree } from './mapping-file.ts'
import type { HostKey, Settings } from './settings-schema.ts'
import type { SourceName } from './source-names.ts'

/** A normal distribution of waiting times, in milliseconds per unit of work; both numbers are >= 0 and finite. */
export type Latency = ResourceConfig['latency']['embeddings']

/** Waiting times of an operation that writes tokens. */
export type TokenLatency = ResourceConfig['latency']['chatCompletions']

/** The settings of the host that the configuration has as they were checked. */
type SameInHost = ReadonlyTree<Omit<Pick<Settings, HostKey>, 'adminApiKey' | 'extensionPath'>>

/** The settings of the process that serves: one set, whatever the number of resources. */
export interface HostConfig extends SameInHost {
  /** The key of the administration; the `apiKey` of the default resource where nobody set another one. Secret. */
  readonly adminApiKey: string
  /** What names the extensions, as it was typed and in the order in which they act: files, folders or packages. */
  readonly extensionPaths: readonly string[]
  /** The header, in lower case, that names the test which a request belongs to. */
  readonly testHeader: string
}

/** The settings of a resource that the configuration has as they were checked. */
type SameInResource = ReadonlyTree<
  Omit<
    Settings,
    | HostKey
    | 'recordings'
    | 'upstream'
    | 'apiKey'
    | 'contentFilter'
    | 'deploymentConfigPath'
    | 'modelCataloguePath'
    | 'faultsPath'
    | 'incidentsPath'
  >
>

/** The settings of a resource: what its callers meet. */
export interface ResourceConfig extends SameInResource {
  /** Every source that answers something: the mode first, and then those of deployments, each once. */
  readonly sources: readonly SourceName[]
  /** Where requests are forwarded to; undefined unless the address and the key are set. */
  readonly upstream: Upstream | undefined
  /** The folder of recordings, whether a source uses it or not. */
  readonly recordings: RecordingsConfig
  /** The key that callers must send; secret. */
  readonly apiKey: string
  /** True when nobody set a key, so that it has to be shown to whoever started the simulator. */
  readonly apiKeyGenerated: boolean
  /** The base models that deployments may have. */
  readonly models: ModelCatalogue
  /** By deployment name, as written in the deployment file. */
  readonly deployments: ReadonlyMap<string, Deployment>
  /** Whether `deployments` is the default set, since nobody named a deployment file. */
  readonly deploymentsAreDefault: boolean
  /** What the content filter looks for in the texts of a request, and what follows; all empty unless set. */
  readonly contentFilter: FilledTree<Settings['contentFilter']>
  /** What goes wrong, over all deployments; empty unless set. */
  readonly faults: readonly FaultRule[]
  /** What happens from the start on; undefined unless set. */
  readonly incidents: IncidentTimetable | undefined
}

/** The configuration as the requests to one resource see it: its settings, and beside them, for extensions, those of the host. */
export interface ResourceView extends HostConfig, ResourceConfig {}

/** The whole configuration of a simulator, checked and deeply frozen. Made by `loadConfig`. */
export interface Config extends HostConfig {
  /** By name, the default one included. */
  readonly resources: ReadonlyMap<string, ResourceView>
  /** The resource of paths without a prefix, which the flat settings describe. */
  readonly defaultResource: ResourceView
}

/** The name of the resource of paths without a prefix. */
export const defaultResourceName = 'default'

/** Where requests are forwarded to. The address has no slash at its end; the key is secret. */
export interface Upstream extends FilledTree<Settings['upstream']> {}

/** The recordings that record writes and replay reads. The path of the folder is absolute, and names are in lower case. */
export interface RecordingsConfig extends FilledTree<Settings['recordings']> {}

/** What makes two requests the same beside method, path and body. */
export type MatchConfig = RecordingsConfig['match']

/** How recordings are replayed. */
export type ReplayConfig = RecordingsConfig['replay']
