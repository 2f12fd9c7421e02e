import { limitProfileNames } from './deployment-limits.ts'
import type { deploymentEntrySchema } from './resolve-deployment.ts'
import { sourceNames } from './source-names.ts'

/** What the documents say of a key of a deployment. */
export interface DeploymentKey {
  /** In Markdown, without a full stop at its end. */
  readonly meaning: string
  readonly range: string
  /** What holds without the key. */
  readonly whenAbsent: string
}

const count = 'an integer of at least 1'

/** Every key of a deployment, for the documents and the OpenAPI document; the compiler compares them with the schema. */
export const deploymentKeys: Readonly<Record<keyof typeof deploymentEntrySchema.shape, DeploymentKey>> = {
  model: {
    meaning:
      'Base model, by a name listed in docs/config.md, in any case; a version may follow (`gpt-4o-2024-08-06`); an unknown one is treated as docs/models.md says',
    range: 'a name of at most 100 characters',
    whenAbsent: 'a problem',
  },
  source: {
    meaning: 'What answers its requests (docs/recording.md)',
    range: sourceNames.map((name) => `\`${name}\``).join(', '),
    whenAbsent: 'as `SIMULATOR_MODE` says',
  },
  tokensPerMinute: {
    meaning: 'Tokens per minute that the deployment may use',
    range: count,
    whenAbsent: 'tokens are not limited',
  },
  requestsPerMinute: {
    meaning: 'Requests per minute that the deployment may take',
    range: count,
    whenAbsent: 'derived from the tokens per minute by the ratio of the model; no limit without them',
  },
  requestsSliceSeconds: {
    meaning: 'Seconds of the span in which requests are counted',
    range: '1, 10 or 60',
    whenAbsent: '10',
  },
  limitProfile: {
    meaning: 'The era of its limiter (docs/limits.md)',
    range: limitProfileNames.map((name) => `\`${name}\``).join(', '),
    whenAbsent: 'as `LIMIT_PROFILE` says',
  },
  provisionedThroughputUnits: {
    meaning: 'Makes it a provisioned deployment with so many units; the limits per minute then do not apply',
    range: count,
    whenAbsent: 'it is pay-as-you-go',
  },
  spilloverTo: {
    meaning: 'The pay-as-you-go deployment that answers what this provisioned one refuses',
    range: 'a deployment of the file',
    whenAbsent: 'the client gets the 429',
  },
  embeddingSize: {
    meaning: 'Numbers in an embedding when the request names no `dimensions`',
    range: 'an integer from 1 to 16,384',
    whenAbsent: "the model's own size",
  },
  latency: {
    meaning: 'How its answers take their time (docs/timing.md)',
    range: 'a mapping',
    whenAbsent: 'as the settings say',
  },
  faults: {
    meaning: 'What goes wrong with it (docs/faults.md)',
    range: 'a list',
    whenAbsent: 'nothing, unless for all deployments',
  },
}
