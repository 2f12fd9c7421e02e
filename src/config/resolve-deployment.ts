import { z } from 'zod'
import { findModel, nearestModelNames } from '../openai/model-catalogue.ts'
import { nearestNames } from '../platform/nearest-names.ts'
import type { Model } from '../openai/models.ts'
import type { Deployment } from './deployments.ts'
import { showValue } from './show-value.ts'

const count = 'must be an integer of at least 1'
const limit = z.int(count).min(1, count).optional()

const entrySchema = z.strictObject(
  {
    model: z.string('must be the name of a model'),
    tokensPerMinute: limit,
    requestsPerMinute: limit,
    embeddingSize: limit,
  },
  {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping with at least a model' : undefined),
  },
)
type Entry = z.output<typeof entrySchema>

const advice: Readonly<Record<string, string>> = {
  model: 'Set it to gpt-4o-mini, for example.',
  tokensPerMinute: 'Set it to 20000, for example, or leave it out for no limit.',
  requestsPerMinute: 'Set it to 60, for example, or leave it out to derive it from tokensPerMinute.',
  embeddingSize: "Set it to 1536, for example, or leave it out for the model's own size.",
}

/** Resolves one entry of a deployment file; every problem starts with the place in the file. */
export function resolveDeployment(
  name: string,
  entry: unknown,
): { readonly deployment?: Deployment; readonly problems: readonly string[] } {
  const place = JSON.stringify(name)
  const parsed = entrySchema.safeParse(entry)
  const model = isRecord(entry) && typeof entry['model'] === 'string' ? findModel(entry['model']) : undefined
  const problems = [
    ...(name === '' ? [`${place} is no name for a deployment. Give it one that fits into a URL.`] : []),
    ...(parsed.error?.issues ?? []).flatMap((issue) => describeIssue(issue, entry, place)),
    ...describeModelProblems(entry, model, place),
  ]
  if (!parsed.success || model === undefined || problems.length > 0) return { problems }
  return { deployment: createDeployment(name, parsed.data, model), problems }
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function createDeployment(name: string, entry: Entry, model: Model): Deployment {
  const { tokensPerMinute, requestsPerMinute, embeddingSize } = entry
  return {
    name,
    model,
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(embeddingSize === undefined ? {} : { embeddingSize }),
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
  const known = Object.keys(entrySchema.shape)
  const [nearest] = nearestNames(key, known, 1)
  const hint = nearest === undefined ? `A deployment has ${known.join(', ')}.` : `Did you mean ${nearest}?`
  return `${place}.${key} is not part of a deployment. ${hint}`
}

function describeModelProblems(entry: unknown, model: Model | undefined, place: string): string[] {
  if (!isRecord(entry) || typeof entry['model'] !== 'string') return []
  if (model === undefined) {
    const near = nearestModelNames(entry['model'])
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
