import { z } from 'zod'
import { findModel, nearestModelNames, type ModelCatalogue } from '../openai/model-catalogue.ts'
import { nearestNames } from '../platform/nearest-names.ts'
import type { Model } from '../openai/models.ts'
import { type DeploymentLatency, resolveLatency } from './deployment-latency.ts'
import type { Deployment } from './deployments.ts'
import type { FaultRule } from './fault-rule.ts'
import { resolveFaults } from './fault-rules.ts'
import { limitProfileNames } from './deployment-limits.ts'
import { showValue } from './show-value.ts'

const count = 'must be an integer of at least 1'
const limit = z.int(count).min(1, count).optional()

/** The keys of an entry; `latency` and `faults` have checks of their own. */
export const deploymentEntrySchema = z.strictObject(
  {
    model: z.string('must be the name of a model'),
    tokensPerMinute: limit,
    requestsPerMinute: limit,
    requestsSliceSeconds: z.literal([1, 10, 60], 'must be 1, 10 or 60').optional(),
    limitProfile: z.enum(limitProfileNames, `must be one of ${limitProfileNames.join(', ')}`).optional(),
    provisionedThroughputUnits: limit,
    spilloverTo: z.string('must be the name of a deployment').optional(),
    embeddingSize: limit,
    latency: z.unknown().optional(),
    faults: z.unknown().optional(),
  },
  {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping with at least a model' : undefined),
  },
)
type Entry = z.output<typeof deploymentEntrySchema>

const advice: Readonly<Record<string, string>> = {
  model: 'Set it to gpt-4o-mini, for example.',
  tokensPerMinute: 'Set it to 20000, for example, or leave it out for no limit.',
  requestsPerMinute: 'Set it to 60, for example, or leave it out to derive it from tokensPerMinute.',
  requestsSliceSeconds: 'Leave it out for 10.',
  limitProfile: 'Leave it out for the newest.',
  provisionedThroughputUnits: 'Set it to 15, for example, or leave it out for a pay-as-you-go deployment.',
  spilloverTo: 'Name a pay-as-you-go deployment of this file, or leave it out.',
  embeddingSize: "Set it to 1536, for example, or leave it out for the model's own size.",
}

/** Resolves one entry of a deployment file; every problem starts with the place in the file. */
export function resolveDeployment(
  name: string,
  entry: unknown,
  catalogue: ModelCatalogue,
): { readonly deployment?: Deployment; readonly problems: readonly string[] } {
  const place = JSON.stringify(name)
  const parsed = deploymentEntrySchema.safeParse(entry)
  const model =
    isRecord(entry) && typeof entry['model'] === 'string' ? findModel(entry['model'], catalogue) : undefined
  const { latency, problems: latencyProblems } = resolveLatency(
    isRecord(entry) ? entry['latency'] : undefined,
    model,
    place,
  )
  const { rules: faults, problems: faultProblems } = resolveFaults(
    isRecord(entry) ? entry['faults'] : undefined,
    { place: `${place}.faults`, deployment: name },
  )
  const problems = [
    ...(name === '' ? [`${place} is no name for a deployment. Give it one that fits into a URL.`] : []),
    ...(parsed.error?.issues ?? []).flatMap((issue) => describeIssue(issue, entry, place)),
    ...describeModelProblems(entry, model, place, catalogue),
    ...latencyProblems,
    ...faultProblems,
    ...describeThroughputProblems(entry, model, place),
  ]
  if (!parsed.success || model === undefined || problems.length > 0) return { problems }
  return { deployment: createDeployment(name, parsed.data, model, { latency, faults }), problems }
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function createDeployment(
  name: string,
  entry: Entry,
  model: Model,
  { latency, faults }: { latency: DeploymentLatency | undefined; faults: readonly FaultRule[] },
): Deployment {
  const { model: _, latency: __, faults: ___, ...limits } = entry
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  return {
    name,
    model,
    ...Object.fromEntries(given),
    ...(latency === undefined ? {} : { latency }),
    ...(faults.length > 0 && { faults }),
  }
}

function describeIssue(issue: z.core.$ZodIssue, entry: unknown, place: string): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => describeUnknownKey(key, place))
  const key = issue.path[0]
  if (typeof key !== 'string')
    return [`${place} ${issue.message} (got ${showValue(entry)}). See docs/config.md.`]
  const value = isRecord(entry) ? entry[key] : undefined
  const got = value === undefined ? 'got nothing' : `got ${showValue(value)}`
  return [`${place}.${key} ${issue.message} (${got}). ${advice[key] ?? ''}`]
}

function describeUnknownKey(key: string, place: string): string {
  const known = Object.keys(deploymentEntrySchema.shape)
  const [nearest] = nearestNames(key, known, 1)
  const hint = nearest === undefined ? `A deployment has ${known.join(', ')}.` : `Did you mean ${nearest}?`
  return `${place}.${key} is not part of a deployment. ${hint}`
}

function describeModelProblems(
  entry: unknown,
  model: Model | undefined,
  place: string,
  catalogue: ModelCatalogue,
): string[] {
  if (!isRecord(entry) || typeof entry['model'] !== 'string') return []
  if (model === undefined) {
    const near = nearestModelNames(entry['model'], catalogue)
    const hint = near.length === 0 ? 'docs/config.md lists the models.' : `Did you mean ${near.join(' or ')}?`
    return [
      `${place}.model must be a model that the simulator knows (got ${showValue(entry['model'])}). ${hint}`,
    ]
  }
  const size = entry['embeddingSize']
  if (typeof size !== 'number' || !(size >= 1)) return []
  const problem = sizeProblem(model, size)
  return problem === undefined ? [] : [`${place}.embeddingSize ${problem}`]
}

function describeThroughputProblems(entry: unknown, model: Model | undefined, place: string): string[] {
  if (!isRecord(entry) || !model || entry['provisionedThroughputUnits'] === undefined) return []
  if (model.provisioned) return []
  return [
    `${place}.provisionedThroughputUnits must be left out for ${model.name}: what a unit of it processes is not known. Give the model its figures in a catalogue of your own (docs/models.md), or take another model.`,
  ]
}

function sizeProblem(model: Model, size: number): string | undefined {
  const { name, embeddingSize: largest } = model
  if (largest === undefined)
    return `must be absent, for ${name} makes no embeddings (got ${size}). Leave it out.`
  if (model.shortensEmbeddings && size > largest) {
    return `must be at most ${largest} for ${name} (got ${size}). Set it to ${largest} or less.`
  }
  if (!model.shortensEmbeddings && size !== largest) {
    return `must be ${largest}, the only size of ${name} (got ${size}). Set it to that, or leave it out.`
  }
  return undefined
}
