import { z } from 'zod'
import { assumeModel } from '../wire/models/assume-model.ts'
import { deploymentNameRule, isDeploymentName } from '../wire/route.ts'
import { findModel, nearestModelNames, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import type { Model } from '../wire/models/models.ts'
import {
  type DeploymentLatency,
  type DeploymentLatencyOptions,
  resolveLatency,
} from './deployment-latency.ts'
import { type Deployment, deploymentTiers, limitProfileNames } from './deployments.ts'
import { type FaultRule, type OwnFaultRuleOptions, resolveFaults } from './fault-rules.ts'
import { isRecord } from '../lib/record.ts'
import { type Input, withoutUndefined } from './mapping-file.ts'
import { showValue, describeProblems, type ProblemWords } from './zod-problems.ts'
import { sourceNames } from './source-names.ts'
import { wireProfileNames } from '../wire/wire-profile.ts'

const count = 'must be an integer of at least 1'
const limit = z.int(count).min(1, count).optional()
/** Maximum size of embeddings: five times that of any known model, and still a small answer. */
const MAX_EMBEDDING_SIZE = 16_384
const shareRule = 'must be a number from 0 to 1'
const sizeRule = `must be an integer from 1 to ${MAX_EMBEDDING_SIZE}`

/** Schema of an entry. `latency` and `faults` are validated separately. */
export const deploymentEntrySchema = z.strictObject(
  {
    model: z.string('must be the name of a model'),
    source: z.enum(sourceNames, `must be one of ${sourceNames.join(', ')}`).optional(),
    tokensPerMinute: limit,
    requestsPerMinute: limit,
    requestsSliceSeconds: z.literal([1, 10, 60], 'must be 1, 10 or 60').optional(),
    limitProfile: z.enum(limitProfileNames, `must be one of ${limitProfileNames.join(', ')}`).optional(),
    wireProfile: z.enum(wireProfileNames, `must be one of ${wireProfileNames.join(', ')}`).optional(),
    provisionedThroughputUnits: limit,
    spilloverTo: z.string('must be the name of a deployment').optional(),
    serviceTier: z.enum(deploymentTiers, `must be one of ${deploymentTiers.join(', ')}`).optional(),
    promptCacheHitProbability: z.number(shareRule).min(0, shareRule).max(1, shareRule).optional(),
    embeddingSize: z.int(sizeRule).min(1, sizeRule).max(MAX_EMBEDDING_SIZE, sizeRule).optional(),
    latency: z.custom<DeploymentLatencyOptions>().optional(),
    faults: z.custom<readonly OwnFaultRuleOptions[]>().optional(),
  },
  {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping with at least a model' : undefined),
  },
)

/** A deployment in the form of the deployment file (docs/config.md). */
export interface DeploymentOptions extends Input<typeof deploymentEntrySchema> {}

/** A validated entry of the deployment file. */
export interface DeploymentEntry extends z.output<typeof deploymentEntrySchema> {}

/** Keys with other names in files of the Python simulator. */
export const oldKeys: Readonly<Record<string, string>> = {
  requestPerMinute: 'requestsPerMinute',
  size: 'embeddingSize',
}

/** Keys with integers, which can be strings of digits. */
export const numberKeys: ReadonlySet<string> = new Set([
  'tokensPerMinute',
  'requestsPerMinute',
  'requestsSliceSeconds',
  'provisionedThroughputUnits',
  'embeddingSize',
])

/**
 * Normalizes an entry before it is validated or shown. Files of the Python simulator, which uses `int()`, can have numbers as
 * strings: "512", "60_000".
 */
export function normalizeEntry(entry: unknown): unknown {
  if (!isRecord(entry)) return entry
  const pairs = Object.entries(entry).map(([key, value]) => {
    const old = Object.hasOwn(oldKeys, key) ? oldKeys[key] : undefined
    const name = old === undefined || Object.hasOwn(entry, old) ? key : old
    return [name, numberKeys.has(name) ? readInteger(value) : value]
  })
  return Object.fromEntries(pairs)
}

function readInteger(value: unknown): unknown {
  const isInteger = typeof value === 'string' && /^\s*[+-]?\d+(_\d+)*\s*$/.test(value)
  return isInteger ? Number(value.replaceAll('_', '')) : value
}

const advice: Readonly<Record<string, string>> = {
  model: 'Set it to gpt-4o-mini, for example.',
  source: 'Leave it out to use SIMULATOR_MODE.',
  tokensPerMinute: 'Set it to 20000, for example, or leave it out for no limit.',
  requestsPerMinute: 'Set it to 60, for example, or leave it out to derive it from tokensPerMinute.',
  requestsSliceSeconds: 'Leave it out for 10.',
  limitProfile: 'Leave it out to use LIMIT_PROFILE.',
  wireProfile: 'Leave it out to use WIRE_PROFILE.',
  provisionedThroughputUnits: 'Set it to 15, for example, or leave it out for a pay-as-you-go deployment.',
  spilloverTo: 'Set it to a pay-as-you-go deployment in this file, or leave it out.',
  serviceTier: 'Set it to priority, or leave it out for default.',
  promptCacheHitProbability: 'Set it to 0.3, for example, or leave it out for 1.',
  embeddingSize: 'Set it to 1536, for example, or leave it out for the size of the model.',
}

/** A resolved entry of a deployment file. Each problem and warning begins with the path in the file. */
export interface ResolvedDeployment {
  readonly deployment?: Deployment
  readonly problems: readonly string[]
  /** Returns warnings of one or two sentences each, after a slow search for similar names; absent if there are none. */
  readonly describeWarnings?: (() => readonly string[]) | undefined
}

/**
 * Resolves one entry of a deployment file.
 *
 * @param modelsStrict whether a model that is not in the catalogue is a problem
 */
export function resolveDeployment(
  name: string,
  given: unknown,
  catalogue: ModelCatalogue,
  modelsStrict = false,
): ResolvedDeployment {
  const entry = normalizeEntry(given)
  const location = isDeploymentName(name) ? JSON.stringify(shortText(name)) : showValue(name)
  const parsed = deploymentEntrySchema.safeParse(entry)
  const { model, isAssumed } = findOrAssume(entry, catalogue, modelsStrict)
  const { latency, problems: latencyProblems } = resolveLatency(
    isRecord(entry) ? entry['latency'] : undefined,
    model,
    location,
  )
  const { rules: faults, problems: faultProblems } = resolveFaults(
    isRecord(entry) ? entry['faults'] : undefined,
    { location: `${location}.faults`, deployment: name },
  )
  const problems = [
    ...describeNameProblem(name),
    ...(parsed.error ? describeProblems(parsed.error, entry, location, words) : []),
    ...describeModelProblems(entry, model, location, { catalogue, modelsStrict }),
    ...latencyProblems,
    ...faultProblems,
    ...describeThroughputProblems(entry, model, location),
  ]
  if (!parsed.success || model === undefined || problems.length > 0) return { problems }
  const { data } = parsed
  const isSizeUnused = data.embeddingSize !== undefined && model.embeddingSize === undefined
  const describeWarnings = (): string[] => [
    ...(isAssumed ? [describeAssumed(data.model, model, location, catalogue)] : []),
    ...(isSizeUnused
      ? [
          `${location}.embeddingSize has no effect, because ${model.name} does not create embeddings. Remove it.`,
        ]
      : []),
  ]
  return {
    deployment: createDeployment(name, data, model, { latency, faults }),
    problems,
    describeWarnings: isAssumed || isSizeUnused ? describeWarnings : undefined,
  }
}

function findOrAssume(
  entry: unknown,
  catalogue: ModelCatalogue,
  modelsStrict: boolean,
): { readonly model?: Model | undefined; readonly isAssumed: boolean } {
  const name = isRecord(entry) ? entry['model'] : undefined
  if (typeof name !== 'string') return { isAssumed: false }
  const known = findModel(name, catalogue)
  if (known || modelsStrict) return { model: known, isAssumed: false }
  return { model: assumeModel(name, catalogue), isAssumed: true }
}

function describeNameProblem(name: string): string[] {
  if (isDeploymentName(name)) return []
  return [`The name of a deployment ${deploymentNameRule} (got ${showValue(name)}). Rename it.`]
}

function createDeployment(
  name: string,
  entry: DeploymentEntry,
  model: Model,
  { latency, faults }: { latency: DeploymentLatency | undefined; faults: readonly FaultRule[] },
): Deployment {
  const { model: _, latency: __, faults: ___, ...limits } = entry
  return {
    name,
    model: withSize(model, entry.embeddingSize),
    ...withoutUndefined(limits),
    ...(latency === undefined ? {} : { latency }),
    ...(faults.length > 0 && { faults }),
  }
}

const words: ProblemWords = {
  advice,
  otherwise: 'See docs/config.md.',
  unknownKey: (key) => {
    const known = Object.keys(deploymentEntrySchema.shape)
    const [nearest] = nearestNames(key, known, 1)
    const hint = nearest === undefined ? `The keys are ${known.join(', ')}.` : `Did you mean ${nearest}?`
    return `is not a key of a deployment. ${hint}`
  },
}

function describeModelProblems(
  entry: unknown,
  model: Model | undefined,
  location: string,
  { catalogue, modelsStrict }: { catalogue: ModelCatalogue; modelsStrict: boolean },
): string[] {
  if (model !== undefined || !isRecord(entry) || typeof entry['model'] !== 'string') return []
  const got = `(got ${showValue(entry['model'])})`
  if (!modelsStrict) {
    return [`${location}.model must be a name of 1 to 100 printable characters ${got}. ${advice['model']}`]
  }
  const near = nearestModelNames(entry['model'], catalogue)
  const hint = near.length === 0 ? 'docs/config.md lists the models.' : `Did you mean ${near.join(' or ')}?`
  return [
    `${location}.model must be a known model, because MODELS_STRICT is true ${got}. ${hint} MODEL_CATALOGUE_PATH can add models.`,
  ]
}

/** A deployment can have embeddings of any size, as in the Python simulator. */
function withSize(model: Model, size: number | undefined): Model {
  const { embeddingSize: own, shortensEmbeddings } = model
  if (size === undefined || own === undefined || (shortensEmbeddings && size <= own)) return model
  return { ...model, embeddingSize: size }
}

function describeAssumed(name: string, model: Model, location: string, catalogue: ModelCatalogue): string {
  const [near] = nearestModelNames(name, catalogue)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  return `${location}.model is unknown: the simulator treats ${JSON.stringify(name)} as ${model.name}, with its limits and capabilities.${hint} To describe it, add it to the file in MODEL_CATALOGUE_PATH (docs/models.md). MODELS_STRICT=true rejects unknown models.`
}

function describeThroughputProblems(entry: unknown, model: Model | undefined, location: string): string[] {
  if (!isRecord(entry) || !model || entry['provisionedThroughputUnits'] === undefined) return []
  if (model.provisioned) return []
  return [
    `${location}.provisionedThroughputUnits does not apply to ${model.name}: its throughput per unit is unknown. Add it to a model file (docs/models.md), or use another model.`,
  ]
}
