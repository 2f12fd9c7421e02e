import * as z from 'zod'
import { isRecord } from '../lib/record.ts'
import { deploymentNameRule, isDeploymentName } from '../wire/route.ts'
import type { ResourceConfig } from './config.ts'
import type { Deployment } from './deployments.ts'
import type { ValueKind } from './setting.ts'
import { sourceOf, sourceTraits } from './source-names.ts'
import { showValue } from './zod-problems.ts'

/** Names of models, in lower case, with the name of the deployment that is used instead. */
export type ModelMap = ReadonlyMap<string, string>

/**
 * Names of models at OpenAI and Anthropic, with the usual names of their deployments, the most usual first. Azure writes gpt-35-turbo
 * without a dot (Microsoft Learn, "Azure OpenAI models"). The names with a version are those that azure-oai-proxy uses.
 */
const usualDeployments: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'gpt-3.5-turbo': ['gpt-35-turbo', 'gpt-35-turbo-0613'],
    'gpt-3.5-turbo-0301': ['gpt-35-turbo-0301'],
    'gpt-3.5-turbo-0613': ['gpt-35-turbo-0613'],
    'gpt-3.5-turbo-1106': ['gpt-35-turbo-1106'],
    'gpt-3.5-turbo-0125': ['gpt-35-turbo-0125'],
    'gpt-3.5-turbo-16k': ['gpt-35-turbo-16k', 'gpt-35-turbo-16k-0613'],
    'gpt-3.5-turbo-16k-0613': ['gpt-35-turbo-16k-0613', 'gpt-35-turbo-16k'],
    'gpt-3.5-turbo-instruct': ['gpt-35-turbo-instruct', 'gpt-35-turbo-instruct-0914'],
    'gpt-3.5-turbo-instruct-0914': ['gpt-35-turbo-instruct-0914', 'gpt-35-turbo-instruct'],
    'gpt-4': ['gpt-4', 'gpt-4-0613'],
    'gpt-4-32k': ['gpt-4-32k', 'gpt-4-32k-0613'],
    'text-embedding-3-small': ['text-embedding-3-small', 'text-embedding-3-small-1'],
    'text-embedding-3-large': ['text-embedding-3-large', 'text-embedding-3-large-1'],
    'text-embedding-ada-002': ['text-embedding-ada-002', 'text-embedding-ada-002-2'],
    'dall-e-2': ['dall-e-2', 'dall-e-2-2.0'],
    'dall-e-3': ['dall-e-3', 'dall-e-3-3.0'],
    'babbage-002': ['babbage-002', 'babbage-002-1'],
    'davinci-002': ['davinci-002', 'davinci-002-1'],
    'tts-1': ['tts', 'tts-001'],
    'tts-1-hd': ['tts-hd', 'tts-hd-001'],
    tts: ['tts', 'tts-001'],
    'tts-hd': ['tts-hd', 'tts-hd-001'],
    'whisper-1': ['whisper', 'whisper-001'],
    whisper: ['whisper', 'whisper-001'],
    'claude-opus-4-5': ['claude-opus-4-5', 'claude-opus-4.5'],
    'claude-sonnet-4-5': ['claude-sonnet-4-5', 'claude-sonnet-4.5'],
    'claude-haiku-4-5': ['claude-haiku-4-5', 'claude-haiku-4.5'],
    'claude-opus-4-1': ['claude-opus-4-1', 'claude-opus-4.1'],
  }),
)

/** The date at the end of a model name: `-2024-11-20` or `-20251001`. */
const dateSuffix = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/

/**
 * Returns the names of deployments that a model name can mean, in lower case and in the order of their priority: the name itself, that
 * of MODEL_MAP, the usual names of its deployment, and the same for the name without its date.
 */
function deploymentCandidates(name: string, map: ModelMap): readonly string[] {
  const whole = name.toLowerCase()
  const undated = whole.replace(dateSuffix, '')
  const candidates: string[] = []
  for (const model of undated === whole ? [whole] : [whole, undated]) {
    const mapped = map.get(model)
    candidates.push(model)
    if (mapped !== undefined) candidates.push(mapped.toLowerCase())
    candidates.push(...(usualDeployments.get(model) ?? []))
  }
  return candidates
}

/** Deployments with forwarded requests, by their name in lower case. */
const forwardedOf = new WeakMap<ResourceConfig, ReadonlyMap<string, Deployment>>()

/**
 * Returns the deployment that the name of a model means, among those with forwarded or recorded requests. Default deployments are
 * only found by their exact name.
 */
export function forwardedDeployment(name: string, config: ResourceConfig): Deployment | undefined {
  if (config.deploymentsAreDefault) return undefined
  let forwarded = forwardedOf.get(config)
  if (!forwarded) forwardedOf.set(config, (forwarded = forwardedIn(config)))
  if (forwarded.size === 0) return undefined
  for (const candidate of deploymentCandidates(name, config.modelMap)) {
    const deployment = forwarded.get(candidate)
    if (deployment) return deployment
  }
  return undefined
}

/** If the names of deployments differ only in their case, the first one counts. */
function forwardedIn(config: ResourceConfig): ReadonlyMap<string, Deployment> {
  const forwarded = new Map<string, Deployment>()
  for (const deployment of config.deployments.values()) {
    const name = deployment.name.toLowerCase()
    if (sourceTraits[sourceOf(deployment, config)].asksUpstream && !forwarded.has(name))
      forwarded.set(name, deployment)
  }
  return forwarded
}

/** Returns the name of MODEL_MAP for a model; undefined if it has none. */
export function mappedName(name: string, map: ModelMap): string | undefined {
  if (map.size === 0) return undefined
  const whole = name.toLowerCase()
  return map.get(whole) ?? map.get(whole.replace(dateSuffix, ''))
}

/**
 * Returns the usual name of the deployment of a model at Azure; undefined if it is the name itself.
 *
 * @param isModel returns whether a name is that of a model
 */
export function usualName(name: string, isModel: (name: string) => boolean): string | undefined {
  const whole = name.toLowerCase()
  const undated = whole.replace(dateSuffix, '')
  const [usual] = usualDeployments.get(whole) ?? usualDeployments.get(undated) ?? []
  const found = usual ?? (undated !== whole && isModel(undated) ? undated : undefined)
  return found === name ? undefined : found
}

const pairRule = `pairs of a model and the name of a deployment, separated by commas: gpt-4=my-gpt-4,gpt-4o=chat`

/** Pairs of names: a mapping, or a text such as `gpt-4=my-gpt-4,gpt-4o=chat`. */
export function modelMap(): ValueKind<ModelMap, string | Readonly<Record<string, string>>> {
  return {
    schema: z.union([z.string(), z.record(z.string(), z.string())]).transform((value, context): ModelMap => {
      const { map, problems } = readPairs(value)
      for (const message of problems) context.addIssue({ code: 'custom', message })
      return map
    }),
    read: (value) => value,
    write: (value) =>
      typeof value === 'string'
        ? value
        : Object.entries(value)
            .map(([model, name]) => `${model}=${name}`)
            .join(','),
    range: pairRule,
    explain: (value) => readPairs(value).problems,
  }
}

function readPairs(value: unknown): { readonly map: ModelMap; readonly problems: readonly string[] } {
  const map = new Map<string, string>()
  const problems: string[] = []
  if (typeof value !== 'string' && !isRecord(value)) return { map, problems }
  const pairs: readonly (readonly [string, unknown])[] =
    typeof value === 'string'
      ? value
          .split(',')
          .filter((pair) => pair.trim() !== '')
          .map((pair) => {
            const equals = pair.indexOf('=')
            return equals < 0
              ? [pair.trim(), undefined]
              : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
          })
      : Object.entries(value)
  for (const [model, name] of pairs) {
    const key = model.toLowerCase()
    if (model === '' || typeof name !== 'string' || !isDeploymentName(name))
      problems.push(
        ` must be ${pairRule} (got ${showValue(name ?? null)} for ${showValue(model)}). The name of a deployment ${deploymentNameRule}.`,
      )
    else if (map.has(key)) problems.push(` has the model ${showValue(model)} twice. Remove one of them.`)
    else map.set(key, name)
  }
  return { map, problems }
}
