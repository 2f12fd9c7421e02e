import type { ModelOperation } from '../wire/operations.ts'
import type { Concurrency } from './deployment-latency.ts'
import type { LimitProfileName } from './deployment-limits.ts'
import type { Distribution } from './distribution.ts'
import type { FaultRuleOptions } from './fault-options.ts'
import type { Burst, LatencyProfileChoice } from './latency-profiles.ts'
import type { Given } from './given-options.ts'
import type { SourceName } from './source-names.ts'

/** A waiting time: milliseconds, or a distribution of them (docs/timing.md). A gamma distribution may give its mean. */
export type DistributionOptions =
  number | Distribution | { readonly distribution: 'gamma'; readonly shape: number; readonly meanMs: number }

/** How the answers of a deployment take their time, as `latency` of the deployment file (docs/timing.md). */
export interface DeploymentLatencyOptions {
  readonly profile?: LatencyProfileChoice | undefined
  readonly firstToken?: DistributionOptions | undefined
  readonly perToken?: DistributionOptions | undefined
  /** Of a whole request, for models that write no tokens. */
  readonly perRequest?: DistributionOptions | undefined
  readonly promptMsPerToken?: number | undefined
  readonly reasoningMsPerToken?: number | undefined
  readonly burst?: Burst | 'off' | undefined
  readonly load?:
    | {
        readonly slowdown: number
        readonly exponent?: number | undefined
        readonly requests?: number | undefined
      }
    | undefined
  readonly concurrency?: (Given<Concurrency> & { readonly slots: number }) | undefined
}

/** A deployment, as the deployment file has it (docs/config.md). */
export interface DeploymentOptions {
  /** A model of the catalogue: `gpt-4o-mini`. Any other one is treated as the nearest (docs/models.md). */
  readonly model: string
  /** What answers its requests; absent: the simulator's `mode`. */
  readonly source?: SourceName | undefined
  /** At least 1; absent: no limit. */
  readonly tokensPerMinute?: number | undefined
  /** At least 1; absent: derived from `tokensPerMinute`. */
  readonly requestsPerMinute?: number | undefined
  /** The span in which requests are counted; default 10. */
  readonly requestsSliceSeconds?: 1 | 10 | 60 | undefined
  readonly limitProfile?: LimitProfileName | undefined
  /** Makes this a provisioned deployment with so many throughput units. */
  readonly provisionedThroughputUnits?: number | undefined
  /** The pay-as-you-go deployment that answers what this provisioned one refuses. */
  readonly spilloverTo?: string | undefined
  /** Numbers in an embedding when the request names no `dimensions`. */
  readonly embeddingSize?: number | undefined
  readonly latency?: DeploymentLatencyOptions | undefined
  /** What goes wrong with it, before what goes wrong with all. */
  readonly faults?: readonly Omit<FaultRuleOptions, 'deployment'>[] | undefined
}

/**
 * A model, as the model file has it (docs/models.md). A new one needs `contextTokens`, `maxOutputTokens` and `operations`;
 * of a known one, what is given is changed.
 */
export interface ModelOptions {
  readonly aliases?: readonly string[] | undefined
  /** Newest first. */
  readonly versions?: readonly string[] | undefined
  readonly answersAs?: string | undefined
  readonly encoding?: 'cl100k_base' | 'o200k_base' | undefined
  readonly contextTokens?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly operations?: readonly ModelOperation[] | undefined
  readonly reasoning?: boolean | undefined
  readonly embeddingSize?: number | undefined
  readonly shortensEmbeddings?: boolean | undefined
  readonly requestsPerThousandTokens?: number | undefined
  readonly provisioned?:
    { readonly inputTokensPerMinutePerPtu: number; readonly outputToInputRatio: number } | undefined
}
