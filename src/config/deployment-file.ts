import { listProblems, shortText } from '../lib/error-text.ts'
import { builtInCatalogue, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import { type ResolvedDeployment, resolveDeployment } from './resolve-deployment.ts'
import { showValue } from './zod-problems.ts'
import { isRecord } from '../lib/record.ts'

/** What a deployment file says, and all that is wrong with it. */
export interface DeploymentFile {
  readonly deployments: readonly Deployment[]
  /** One sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
  /** What was assumed or has no effect, in the same form. */
  readonly warnings: readonly string[]
}

/** With so many problems the file is not used, and most likely all of them are the same mistake. */
const MAX_PROBLEMS = 50

/** Each takes a search for near names. */
const MAX_WARNED_DEPLOYMENTS = 20

/**
 * What entries were resolved to, so that a change of one deployment leaves ten thousand others as they are, and costs no
 * more than that one.
 */
const remembered = new WeakMap<object, Remembered>()

interface Remembered {
  readonly resolved: ResolvedDeployment
  readonly name: string
  readonly catalogue: ModelCatalogue
  readonly modelsStrict: boolean
}

/**
 * Resolves what stands in a deployment file, once it has been read.
 *
 * @param path is for the problems
 * @param modelsStrict whether a model that the catalogue does not have is a problem
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
    for (const problem of resolved.problems) problems.push(`${path}: ${problem}`)
    if (resolved.describeWarnings && ++warned <= MAX_WARNED_DEPLOYMENTS)
      warnings.push(...resolved.describeWarnings().map((warning) => `${path}: ${warning}`))
    if (!before && resolved.deployment && isRecord(entry))
      remembered.set(entry, { resolved, name, catalogue, modelsStrict })
  }
  if (unchecked > 0)
    problems.push(`${path}: ${unchecked} more deployments are not checked. Correct these first.`)
  else problems.push(...listProblems(spilloverProblems(deployments)).map((problem) => `${path}: ${problem}`))
  if (warned > MAX_WARNED_DEPLOYMENTS)
    warnings.push(`${path}: ${warned - MAX_WARNED_DEPLOYMENTS} more deployments have such warnings.`)
  return { deployments, problems, warnings }
}

function resolvedBefore(
  name: string,
  entry: unknown,
  catalogue: ModelCatalogue,
  modelsStrict: boolean,
): ResolvedDeployment | undefined {
  const before = isRecord(entry) ? remembered.get(entry) : undefined
  const isSame =
    before?.name === name && before.catalogue === catalogue && before.modelsStrict === modelsStrict
  return isSame ? before.resolved : undefined
}

/**
 * What is wrong with the deployments that spill over, a sentence or two each: a provisioned deployment spills over to a
 * pay-as-you-go one that can do the same, and no further.
 */
function spilloverProblems(deployments: readonly Deployment[]): string[] {
  const spilling = deployments.filter(({ spilloverTo }) => spilloverTo !== undefined)
  if (spilling.length === 0) return []
  const byName = new Map(deployments.map((deployment) => [deployment.name, deployment]))
  return spilling.flatMap(({ name, spilloverTo = '', provisionedThroughputUnits, model }) => {
    const place = `${JSON.stringify(shortText(name))}.spilloverTo`
    const got = `(got ${showValue(spilloverTo)})`
    const target = byName.get(spilloverTo)
    if (provisionedThroughputUnits === undefined) {
      return [`${place} goes with provisionedThroughputUnits ${got}. Set both, or none.`]
    }
    if (!target || target.provisionedThroughputUnits !== undefined) {
      return [`${place} must name a pay-as-you-go deployment of this file ${got}. Add one of that name.`]
    }
    if (model.operations.every((operation) => target.model.operations.includes(operation))) return []
    return [
      `${place} must name a deployment that can do what ${model.name} can ${got}. Give it the same model.`,
    ]
  })
}
