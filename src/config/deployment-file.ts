import { builtInCatalogue, type ModelCatalogue } from '../openai/model-catalogue.ts'
import type { Deployment } from './deployments.ts'
import { parseMappingFile } from './mapping-file.ts'
import { spilloverProblems } from './spillover-problems.ts'
import { isRecord, resolveDeployment } from './resolve-deployment.ts'

/** What a deployment file says, and all that is wrong with it. */
export interface DeploymentFile {
  readonly deployments: readonly Deployment[]
  /** One sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

/**
 * What entries were resolved to, so that a change of one deployment leaves ten thousand others as they are, and costs no
 * more than that one.
 */
const remembered = new WeakMap<
  object,
  { readonly catalogue: ModelCatalogue; readonly deployment: Deployment }
>()

function resolvedBefore(name: string, entry: unknown, catalogue: ModelCatalogue): Deployment | undefined {
  const before = isRecord(entry) ? remembered.get(entry) : undefined
  return before?.catalogue === catalogue && before.deployment.name === name ? before.deployment : undefined
}

/** Reads a deployment file, JSON or YAML; `catalogue` has the models that it may name. */
export function parseDeploymentFile(
  source: string,
  path: string,
  catalogue: ModelCatalogue = builtInCatalogue,
): DeploymentFile {
  const file = parseMappingFile(source, path, 'must map deployment names to deployments')
  const resolved = resolveDeployments(file.entries, path, catalogue)
  return { deployments: resolved.deployments, problems: [...file.problems, ...resolved.problems] }
}

/** Resolves what stands in a deployment file, once it has been read; `path` is for the problems. */
export function resolveDeployments(
  entries: unknown,
  path: string,
  catalogue: ModelCatalogue = builtInCatalogue,
): DeploymentFile {
  if (!isRecord(entries)) return { deployments: [], problems: [] }
  const problems: string[] = []
  const deployments = Object.entries(entries).flatMap(([name, entry]) => {
    const before = resolvedBefore(name, entry, catalogue)
    if (before) return before
    const resolved = resolveDeployment(name, entry, catalogue)
    problems.push(...resolved.problems.map((problem) => `${path}: ${problem}`))
    if (resolved.deployment && isRecord(entry))
      remembered.set(entry, { catalogue, deployment: resolved.deployment })
    return resolved.deployment ?? []
  })
  problems.push(...spilloverProblems(deployments).map((problem) => `${path}: ${problem}`))
  return { deployments, problems }
}
