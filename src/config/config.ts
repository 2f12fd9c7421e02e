import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { LimitProfileName } from './deployment-limits.ts'
import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import type { FaultRule } from './fault-rule.ts'
import type { IncidentTimetable } from './incident-file.ts'
import type { LatencyProfileChoice } from './latency-profiles.ts'
import type { RecordingsConfig, Upstream } from './recordings-config.ts'
import type { SourceName } from './source-names.ts'
import type { ConnectionLimits } from './server-settings.ts'
import type { TelemetryConfig } from './telemetry-settings.ts'

/** A normal distribution of waiting times, in milliseconds per unit of work; both numbers are >= 0 and finite. */
export interface Latency {
  readonly meanMs: number
  readonly stdDevMs: number
}

/** Waiting times of an operation that writes tokens. */
export interface TokenLatency {
  /** Time for each token of the completion. */
  readonly perToken: Latency
  /** Time before the first token, once a request. */
  readonly firstToken: Latency
}

/** The least severity that is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A text that the content filter takes for harm of a category. */
export interface FilterPhrase<C extends PromptCategory = PromptCategory> {
  readonly category: C
  /** In lower case: it is looked for whatever the case of the request. */
  readonly phrase: string
}

/** The settings of the process that serves: one set, whatever the number of resources. */
export interface HostConfig {
  /** The key of the administration; the `apiKey` of the default resource where nobody set another one. Secret. */
  readonly adminApiKey: string
  /** Whether the metrics ask for the key of the administration. */
  readonly metricsAuth: 'none' | 'key'
  /** Whose time counts: the machine's, or a virtual one that stands still until it is moved. */
  readonly clock: 'system' | 'virtual'
  /** Makes answers and waiting times repeatable; undefined means new ones at each start. */
  readonly seed: string | undefined
  readonly host: string
  /** 0 lets the operating system pick a free port. */
  readonly port: number
  /** How many processes answer requests; `auto`: one for each core. */
  readonly workers: number | 'auto'
  /** Largest request body, in MB of 1,048,576 bytes. */
  readonly bodyLimitMb: number
  /**
   * Most memory for the large requests and answers of this process, in MB; `bodyLimitMb` where that is more. Undefined: as
   * `budgetMegabytes` says.
   */
  readonly bodiesLimitMb: number | undefined
  /** What connections may take. */
  readonly connections: ConnectionLimits
  /** How long open requests may go on after the signal to stop. */
  readonly shutdownGraceSeconds: number
  readonly logLevel: LogLevel
  /** How the log looks; `auto`: as text on a terminal, and else as JSON. */
  readonly logFormat: 'auto' | 'text' | 'json'
  /** Whether each request is logged; `auto`: on a terminal. */
  readonly logRequests: 'auto' | 'true' | 'false'
  /** Whether files are read again when they change; `poll` looks at them now and then, where nothing tells of changes. */
  readonly watch: 'false' | 'true' | 'poll'
  /** What names the extensions, as it was typed and in the order in which they act: files, folders or packages. */
  readonly extensionPaths: readonly string[]
  /** Folder of the files that encodings are made of; undefined: those that come with the program. */
  readonly tiktokenCacheDir: string | undefined
  /** How many requests the journal keeps; 0 switches it off, with its judge of retries. */
  readonly journalSize: number
  /** The header, in lower case, that names the test which a request belongs to. */
  readonly testHeader: string
  /** Through which several simulators are one service. */
  readonly redis: {
    /** Secret, since it may hold a password; undefined: this simulator is a service by itself. */
    readonly url: string | undefined
    /** What keys and channels begin with. */
    readonly prefix: string
    /** Whether there is no start without it. */
    readonly required: boolean
    readonly timeoutMs: number
  }
  /** What is exported through OpenTelemetry; nothing unless set. */
  readonly telemetry: TelemetryConfig
}

/** The settings of a resource: what its callers meet. */
export interface ResourceConfig {
  /** What answers requests to deployments that name no source of their own, and all other requests. */
  readonly mode: SourceName
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
  /** Display name of the region in headers and messages: `East US 2`. */
  readonly region: string
  /** The base models that deployments may have. */
  readonly models: ModelCatalogue
  /** Whether a deployment whose model is not among them is refused. */
  readonly modelsStrict: boolean
  /** By deployment name, as written in the deployment file. */
  readonly deployments: ReadonlyMap<string, Deployment>
  /** Whether `deployments` is the default set, since nobody named a deployment file. */
  readonly deploymentsAreDefault: boolean
  /** Whether a request to a deployment that is not in `deployments` is answered. */
  readonly allowUndefinedDeployments: boolean
  /** The era of the limiter of deployments that name none themselves. */
  readonly limitProfile: LimitProfileName
  /** Whether provisioned deployments tell their utilisation in a header. */
  readonly utilizationHeader: boolean
  /** `exact` writes as many tokens as the request allows; `natural` may stop before. */
  readonly completionLength: 'exact' | 'natural'
  /** Share of the answers that call a tool where the request leaves it to the model, from 0 to 1. */
  readonly toolCallProbability: number
  /** Whether an `api-version` that the service does not know is refused. */
  readonly apiVersionCheck: boolean
  /** What the content filter looks for in a request's texts, and what follows; all empty unless set. */
  readonly contentFilter: {
    /** The request is refused. */
    readonly prompt: readonly FilterPhrase[]
    /** The answer is blocked. */
    readonly completion: readonly FilterPhrase<HarmCategory>[]
    /** A stream is cut short on its way, as by the asynchronous filter. */
    readonly late: readonly FilterPhrase<HarmCategory>[]
  }
  readonly latency: {
    /** Every waiting time is multiplied by this; 0 switches all of them off. */
    readonly timeScale: number
    /** Which built-in profile deployments have that name none themselves. */
    readonly profile: LatencyProfileChoice
    readonly chatCompletions: TokenLatency
    readonly completions: TokenLatency
    /** Per request. */
    readonly embeddings: Latency
    /** Per MB (1,048,576 bytes) of audio. */
    readonly translations: Latency
  }
  /** What goes wrong, over all deployments; empty unless set. */
  readonly faults: readonly FaultRule[]
  /** What happens from the start on; undefined unless set. */
  readonly incidents: IncidentTimetable | undefined
  /** Whether the headers `x-sim-...` of a request are followed. */
  readonly simHeaders: boolean
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
