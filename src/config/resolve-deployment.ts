import * as z from 'zod'
import { assumeModel, modelOfDeployment } from '../wire/models/assume-model.ts'
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
import { describeLimitProblems } from './deployment-limits.ts'
import { type Deployment, deploymentTiers, limitProfileNames } from './deployments.ts'
import { type FaultRule, type OwnFaultRuleOptions, resolveFaults } from './fault-rules.ts'
import { isRecord, ownValue } from '../lib/record.ts'
import { camelKeys, type Input, withoutUndefined } from './mapping-file.ts'
import { showValue, describeProblems, type ProblemWords } from './zod-problems.ts'
import { missActions } from './recording-settings.ts'
import { sourceNames } from './source-names.ts'
import { type UpstreamDeployment, upstreamForms } from './upstream-deployment.ts'
import { isUpstreamName } from './upstream-settings.ts'
import { defaultNormalizations, normalizationNames } from '../wire/normalize-request.ts'
import { wireProfileNames } from '../wire/wire-profile.ts'

const count = 'must be an integer of at least 1'
const limit = z.int(count).min(1, count).optional()
/** Maximum size of embeddings: five times that of any known model, and still a small answer. */
const MAX_EMBEDDING_SIZE = 16_384
const shareRule = 'must be a number from 0 to 1'
const sizeRule = `must be an integer from 1 to ${MAX_EMBEDDING_SIZE}`

const upstreamRule = 'must be the name of an upstream, such as east or east/gpt-4o'
const normalizeRule = `must be one of ${normalizationNames.join(', ')}`
const dropRule = 'must be the name of a parameter'

/** Schema of an entry. `latency` and `faults` are validated separately. */
export const deploymentEntrySchema = z.strictObject(
  {
    model: z.string('must be the name of a model').optional(),
    source: z.enum(sourceNames, `must be one of ${sourceNames.join(', ')}`).optional(),
    upstream: z.string(upstreamRule).optional(),
    form: z.enum(upstreamForms, `must be one of ${upstreamForms.join(', ')}`).optional(),
    drop: z
      .array(z.string(dropRule).regex(/^[\w-]{1,64}(\.[\w-]{1,64}){0,4}$/, dropRule), 'must be a list')
      .optional(),
    normalize: z.array(z.enum(normalizationNames, normalizeRule), 'must be a list').optional(),
    onMiss: z.enum(missActions, `must be one of ${missActions.join(', ')}`).optional(),
    tokensPerMinute: limit,
    requestsPerMinute: limit,
    inputTokensPerMinute: limit,
    outputTokensPerMinute: limit,
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
    error: (issue) =>
      issue.code === 'invalid_type' ? 'must be a mapping with at least a model or an upstream' : undefined,
  },
)

/** A deployment in the form of the deployment file (docs/config.md). */
export interface DeploymentOptions extends Input<typeof deploymentEntrySchema> {}

/** A validated entry of the deployment file. */
export interface DeploymentEntry extends z.output<typeof deploymentEntrySchema> {}

/** Other names of keys: those of the Python simulator, and `mode`, the name of the setting for all deployments. */
export const oldKeys: Readonly<Record<string, string>> = {
  requestPerMinute: 'requestsPerMinute',
  size: 'embeddingSize',
  mode: 'source',
}

/** Keys with integers, which can be strings of digits. */
export const numberKeys: ReadonlySet<string> = new Set([
  'tokensPerMinute',
  'requestsPerMinute',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'requestsSliceSeconds',
  'provisionedThroughputUnits',
  'embeddingSize',
])

/**
 * Normalizes an entry before it is validated or shown. Files of the Python simulator, which uses `int()`, can have numbers as
 * strings: "512", "60_000".
 */
export function normalizeEntry(entry: unknown): unknown {
  const renamed = renameOldKeys(entry)
  if (!isRecord(renamed)) return renamed
  return Object.fromEntries(
    Object.entries(renamed).map(([name, value]) => [name, numberKeys.has(name) ? readInteger(value) : value]),
  )
}

/** Converts the keys of an entry to camelCase and to their current names, so that no key has two names when entries are merged. */
export function entryKeys(entry: unknown): unknown {
  return renameOldKeys(camelKeys(entry))
}

/** Keeps an older name if the entry has the current one as well, which is a problem. */
function renameOldKeys(entry: unknown): unknown {
  if (!isRecord(entry) || !Object.keys(oldKeys).some((old) => Object.hasOwn(entry, old))) return entry
  const pairs = Object.entries(entry).map(([key, value]) => {
    const current = ownValue(oldKeys, key)
    return [current === undefined || Object.hasOwn(entry, current) ? key : current, value]
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
  upstream: 'Set it to the name of an upstream, with the name of the deployment there after a slash.',
  form: 'Leave it out to use an API that the model has.',
  normalize: 'Leave it out for the default, or set it to [] for none.',
  drop: 'Set it to a list of parameters, such as [logit_bias].',
  onMiss: 'Leave it out to use REPLAY_ON_MISS.',
  tokensPerMinute: 'Set it to 20000, for example, or leave it out for no limit.',
  requestsPerMinute: 'Set it to 60, for example, or leave it out to derive it from tokensPerMinute.',
  inputTokensPerMinute: 'Set it to 40000, for example, or leave it out for no limit.',
  outputTokensPerMinute: 'Set it to 8000, for example, or leave it out for no limit.',
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
  const { to, problems: upstreamProblems } = resolveTo(entry, location)
  const { model, isAssumed, isGuessed } = findOrAssume(entry, catalogue, modelsStrict, to?.name ?? name)
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
    ...upstreamProblems,
    ...latencyProblems,
    ...faultProblems,
    ...describeLimitProblems(entry, model, location),
  ]
  if (!parsed.success || model === undefined || problems.length > 0) return { problems }
  const { data } = parsed
  const isSizeUnused = data.embeddingSize !== undefined && model.embeddingSize === undefined
  const describeWarnings = (): string[] => [
    ...(isAssumed ? [describeAssumed(data.model ?? name, model, location, catalogue)] : []),
    ...(isSizeUnused
      ? [
          `${location}.embeddingSize has no effect, because ${model.name} does not create embeddings. Remove it.`,
        ]
      : []),
  ]
  return {
    deployment: createDeployment(name, data, model, {
      latency,
      faults,
      // An upstream may have another API than the model that is assumed.
      to: to && isGuessed ? { ...to, form: to.form ?? 'asked' } : to,
    }),
    problems,
    describeWarnings: isAssumed || isSizeUnused ? describeWarnings : undefined,
  }
}

interface FoundModel {
  readonly model?: Model | undefined
  /** Whether the entry has a model that is not in the catalogue. */
  readonly isAssumed: boolean
  /** Whether neither the entry nor the name of the deployment indicates the model. */
  readonly isGuessed: boolean
}

/** @param upstreamName name of the deployment at its upstream, which can indicate a model that the entry does not have */
function findOrAssume(
  entry: unknown,
  catalogue: ModelCatalogue,
  modelsStrict: boolean,
  upstreamName: string,
): FoundModel {
  const name = isRecord(entry) ? entry['model'] : undefined
  if (name === undefined && isRecord(entry) && entry['upstream'] !== undefined) {
    const indicated = findModel(upstreamName, catalogue) ?? modelOfDeployment(upstreamName, catalogue)
    const model = indicated ?? assumeModel(upstreamName.slice(0, 100), catalogue)
    return { model, isAssumed: false, isGuessed: indicated === undefined }
  }
  if (typeof name !== 'string') return { isAssumed: false, isGuessed: false }
  const known = findModel(name, catalogue)
  if (known || modelsStrict) return { model: known, isAssumed: false, isGuessed: false }
  return {
    model: assumeModel(name, catalogue),
    isAssumed: true,
    isGuessed: modelOfDeployment(name, catalogue) === undefined,
  }
}

/** Keys that have an effect only with `upstream`. */
const upstreamKeys = ['form', 'drop', 'normalize'] as const

/** Returns where an entry forwards to. Another part of the configuration has the upstream itself. */
function resolveTo(
  entry: unknown,
  location: string,
): { readonly to?: UpstreamDeployment | undefined; readonly problems: readonly string[] } {
  if (!isRecord(entry)) return { problems: [] }
  const { upstream: given, source, onMiss, form, drop, normalize } = entry
  const problems: string[] = []
  if (onMiss !== undefined && source !== undefined && source !== 'replay')
    problems.push(
      `${location}.onMiss has no effect, because source is ${showValue(source)}. Remove it, or set source to replay.`,
    )
  if (given === undefined) {
    const unused = upstreamKeys.filter((key) => entry[key] !== undefined)
    for (const key of unused)
      problems.push(
        `${location}.${key} has no effect without upstream. Remove it, or set upstream to default for AZURE_OPENAI_ENDPOINT.`,
      )
  }
  if (typeof given !== 'string') return { problems }
  const slash = given.indexOf('/')
  const upstream = slash < 0 ? given : given.slice(0, slash)
  const name = slash < 0 ? undefined : given.slice(slash + 1)
  if (!isUpstreamName(upstream) || (name !== undefined && !isDeploymentName(name)))
    problems.push(
      `${location}.upstream ${upstreamRule} (got ${showValue(given)}). The name after the slash ${deploymentNameRule}.`,
    )
  if (source === 'generate')
    problems.push(
      `${location}.upstream has no effect, because source is generate. Remove it, or set source to forward, record or replay.`,
    )
  const to = {
    upstream,
    name,
    form: upstreamForms.find((known) => known === form),
    drop: new Set(Array.isArray(drop) ? drop.map(String) : []),
    normalize: Array.isArray(normalize)
      ? new Set(normalizationNames.filter((known) => normalize.includes(known)))
      : defaultNormalizations,
  }
  return { to, problems }
}

function describeNameProblem(name: string): string[] {
  if (isDeploymentName(name)) return []
  return [`The name of a deployment ${deploymentNameRule} (got ${showValue(name)}). Rename it.`]
}

function createDeployment(
  name: string,
  entry: DeploymentEntry,
  model: Model,
  {
    latency,
    faults,
    to,
  }: {
    latency: DeploymentLatency | undefined
    faults: readonly FaultRule[]
    to: UpstreamDeployment | undefined
  },
): Deployment {
  const {
    model: _,
    latency: __,
    faults: ___,
    upstream: _upstream,
    form: _form,
    drop: _drop,
    normalize: _normalize,
    ...limits
  } = entry
  return {
    name,
    model: withSize(model, entry.embeddingSize),
    ...withoutUndefined(limits),
    ...(to && { to }),
    ...(latency === undefined ? {} : { latency }),
    ...(faults.length > 0 && { faults }),
  }
}

const words: ProblemWords = {
  advice,
  otherwise: 'See docs/config.md.',
  unknownKey: (key) => {
    const renamed = ownValue(oldKeys, key)
    if (renamed !== undefined) return `is another name of ${renamed}. Remove one of them.`
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
  if (model !== undefined || !isRecord(entry)) return []
  if (entry['model'] === undefined)
    return entry['upstream'] === undefined
      ? [`${location}.model must be the name of a model (got nothing). ${advice['model']}`]
      : []
  if (typeof entry['model'] !== 'string') return []
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
