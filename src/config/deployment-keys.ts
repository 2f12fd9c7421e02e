import { deploymentTiers, limitProfileNames } from './deployments.ts'
import type { deploymentEntrySchema } from './resolve-deployment.ts'
import { missActions } from './recording-settings.ts'
import { sourceNames } from './source-names.ts'
import { upstreamForms } from './upstream-deployment.ts'
import { defaultNormalizations, normalizationNames } from '../wire/normalize-request.ts'
import { wireProfileNames } from '../wire/wire-profile.ts'

/** Documentation of a key of a deployment. */
export interface DeploymentKey {
  /** Markdown, without a full stop at its end. */
  readonly meaning: string
  readonly range: string
  /** Meaning of a missing key. */
  readonly whenAbsent: string
}

const count = 'an integer of at least 1'

/** All keys of a deployment, for the documentation and the OpenAPI document. The compiler compares them with the schema. */
export const deploymentKeys: Readonly<Record<keyof typeof deploymentEntrySchema.shape, DeploymentKey>> = {
  model: {
    meaning:
      'Name in docs/config.md, case-insensitive, optionally with a version (`gpt-4o-2024-08-06`). Unknown models: docs/models.md',
    range: 'a name of at most 100 characters',
    whenAbsent: 'an error; with `upstream`, the model that the name of the deployment indicates',
  },
  source: {
    meaning: 'Source of answers (docs/recording.md); `mode` is another name of this key',
    range: sourceNames.map((name) => `\`${name}\``).join(', '),
    whenAbsent: '`SIMULATOR_MODE`; with `upstream`, `forward` instead of `generate`',
  },
  upstream: {
    meaning:
      'Upstream that requests are forwarded to, with the name of the deployment there after a slash: `east/gpt-4o-prod` (docs/gateway.md)',
    range: 'the name of an upstream, and of a deployment',
    whenAbsent: 'the upstream of the resource; without a slash, the name in the request',
  },
  form: {
    meaning: 'API that the upstream is asked with',
    range: upstreamForms.map((name) => `\`${name}\``).join(', '),
    whenAbsent: 'that of the request, if the model has it, else one that the model has',
  },
  drop: {
    meaning: 'Parameters that a conversion to another API may leave out (docs/gateway.md)',
    range: 'a list of names',
    whenAbsent: 'a 400 that names the parameter',
  },
  normalize: {
    meaning: 'Changes of requests that the model would refuse (docs/gateway.md)',
    range: `a list of ${normalizationNames.map((name) => `\`${name}\``).join(', ')}`,
    whenAbsent: [...defaultNormalizations].map((name) => `\`${name}\``).join(', '),
  },
  onMiss: {
    meaning: 'What replay does without a recording',
    range: missActions.map((name) => `\`${name}\``).join(', '),
    whenAbsent: '`REPLAY_ON_MISS`',
  },
  tokensPerMinute: {
    meaning: 'Limit of tokens per minute',
    range: count,
    whenAbsent: 'no limit',
  },
  requestsPerMinute: {
    meaning: 'Limit of requests per minute',
    range: count,
    whenAbsent: 'derived from `tokensPerMinute`, else no limit',
  },
  inputTokensPerMinute: {
    meaning: 'Limit of input tokens per minute of a Claude model, without those read from the cache',
    range: count,
    whenAbsent: 'no limit',
  },
  outputTokensPerMinute: {
    meaning: 'Limit of output tokens per minute of a Claude model',
    range: count,
    whenAbsent: 'no limit',
  },
  requestsSliceSeconds: {
    meaning: 'Window in which requests are counted, in seconds',
    range: '1, 10 or 60',
    whenAbsent: '10',
  },
  limitProfile: {
    meaning: 'Version of the rate limiter (docs/limits.md)',
    range: limitProfileNames.map((name) => `\`${name}\``).join(', '),
    whenAbsent: '`LIMIT_PROFILE`',
  },
  wireProfile: {
    meaning: 'Version of the form of answers and headers (docs/wire-profiles.md)',
    range: wireProfileNames.map((name) => `\`${name}\``).join(', '),
    whenAbsent: '`WIRE_PROFILE`',
  },
  provisionedThroughputUnits: {
    meaning: 'Provisioned throughput units, instead of limits per minute',
    range: count,
    whenAbsent: 'pay-as-you-go',
  },
  spilloverTo: {
    meaning: 'Pay-as-you-go deployment for requests over the limit of this provisioned one',
    range: 'a deployment in the file',
    whenAbsent: '429',
  },
  serviceTier: {
    meaning: 'Service tier of requests that ask for none (docs/generate.md)',
    range: deploymentTiers.map((name) => `\`${name}\``).join(', '),
    whenAbsent: '`default`',
  },
  promptCacheHitProbability: {
    meaning:
      'Share of the requests that find their prompt in the prompt cache, if it is there (docs/generate.md)',
    range: 'a number from 0 to 1',
    whenAbsent: '1',
  },
  embeddingSize: {
    meaning: 'Default dimensions of an embedding',
    range: 'an integer from 1 to 16,384',
    whenAbsent: 'the size of the model',
  },
  latency: {
    meaning: 'Latency (docs/timing.md)',
    range: 'a mapping',
    whenAbsent: 'the latency settings',
  },
  faults: {
    meaning: 'Faults (docs/faults.md)',
    range: 'a list',
    whenAbsent: 'only faults for all deployments',
  },
}
