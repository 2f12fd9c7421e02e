import { listProblems, shortText } from '../lib/error-text.ts'
import { builtInCatalogue, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import { type ResolvedDeployment, resolveDeployment } from './resolve-deployment.ts'
import { problemAt } from './mapping-file.ts'
import { showValue } from './zod-problems.ts'
import { isRecord } from '../lib/record.ts'

/** The deployments of a deployment file, with all problems. */
export interface DeploymentFile {
  readonly deployments: readonly Deployment[]
  /** One or two sentences each, with the path of the file and the path in it. */
  readonly problems: readonly string[]
  /** Assumed models and settings without effect, in the same form. */
  readonly warnings: readonly string[]
}

/** After this many problems, further deployments are not validated: most likely all problems have the same cause. */
const MAX_PROBLEMS = 50

/** Bounds the time for warnings, because each one searches for similar names. */
const MAX_WARNED_DEPLOYMENTS = 20

/** Results by entry, so that a change of one of 10,000 deployments resolves only that one. */
const cache = new WeakMap<object, CachedResult>()

interface CachedResult {
  readonly resolved: ResolvedDeployment
  readonly name: string
  readonly catalogue: ModelCatalogue
  readonly modelsStrict: boolean
}

/**
 * Resolves the parsed entries of a deployment file.
 *
 * @param path path of the file, with which problems begin
 * @param modelsStrict whether a model that is not in the catalogue is a problem
 */
export function resolveDeployments(
  entries: unknown,
  path: string,
  catalogue: ModelCatalogue = builtInCatalogue,
  modelsStrict = false,
): DeploymentFile {
  const deployments: Deployment[] = []
  const problems: string[] = []
  const warnings: string[] = []
  let unchecked = 0
  let warned = 0
  const byName = isRecord(entries) ? entries : {}
  for (const name of Object.keys(byName)) {
    const entry = byName[name]
    const before = resolvedBefore(name, entry, catalogue, modelsStrict)
    if (!before && problems.length >= MAX_PROBLEMS) {
      unchecked++
      continue
    }
    const resolved = before ?? resolveDeployment(name, entry, catalogue, modelsStrict)
    if (resolved.deployment) deployments.push(resolved.deployment)
    for (const problem of resolved.problems) problems.push(problemAt(path, problem))
    if (resolved.describeWarnings && ++warned <= MAX_WARNED_DEPLOYMENTS)
      warnings.push(...resolved.describeWarnings().map((warning) => problemAt(path, warning)))
    if (!before && resolved.deployment && isRecord(entry))
      cache.set(entry, { resolved, name, catalogue, modelsStrict })
  }
  if (unchecked > 0)
    problems.push(
      problemAt(path, `${unchecked} more deployments were not checked. Fix the problems above first.`),
    )
  else
    problems.push(...listProblems(spilloverProblems(deployments)).map((problem) => problemAt(path, problem)))
  if (warned > MAX_WARNED_DEPLOYMENTS)
    warnings.push(problemAt(path, `${warned - MAX_WARNED_DEPLOYMENTS} more deployments have such warnings.`))
  return { deployments, problems, warnings }
}

function resolvedBefore(
  name: string,
  entry: unknown,
  catalogue: ModelCatalogue,
  modelsStrict: boolean,
): ResolvedDeployment | undefined {
  const before = isRecord(entry) ? cache.get(entry) : undefined
  const isSame =
    before?.name === name && before.catalogue === catalogue && before.modelsStrict === modelsStrict
  return isSame ? before.resolved : undefined
}

/**
 * Validates spillover. A provisioned deployment can spill over to a pay-as-you-go deployment that supports the same operations.
 * Returns problems of one or two sentences each.
 */
function spilloverProblems(deployments: readonly Deployment[]): string[] {
  const spilling = deployments.filter(({ spilloverTo }) => spilloverTo !== undefined)
  if (spilling.length === 0) return []
  const byName = new Map(deployments.map((deployment) => [deployment.name, deployment]))
  return spilling.flatMap(({ name, spilloverTo = '', provisionedThroughputUnits, model }) => {
    const location = `${JSON.stringify(shortText(name))}.spilloverTo`
    const got = `(got ${showValue(spilloverTo)})`
    const target = byName.get(spilloverTo)
    if (provisionedThroughputUnits === undefined) {
      return [`${location} requires provisionedThroughputUnits ${got}. Set both or neither.`]
    }
    if (!target || target.provisionedThroughputUnits !== undefined) {
      return [
        `${location} must name a pay-as-you-go deployment in this file ${got}. Add a deployment with that name.`,
      ]
    }
    if (model.operations.every((operation) => target.model.operations.includes(operation))) return []
    return [
      `${location} must name a deployment that supports all operations of ${model.name} ${got}. Give it the same model.`,
    ]
  })
}
