import { type DeploymentFile, resolveDeployments } from '../../src/config/deployment-file.ts'
import { parseMappingFile } from '../../src/config/mapping-file.ts'
import { builtInCatalogue } from '../../src/wire/models/model-catalogue.ts'

/** Reads a deployment file as the configuration does: its form first, and then its deployments. */
export function parseDeploymentFile(source: string, path: string, modelsStrict = false): DeploymentFile {
  const file = parseMappingFile(source, path, 'must map deployment names to deployments')
  const resolved = resolveDeployments(file.entries, path, builtInCatalogue, modelsStrict)
  return { ...resolved, problems: [...file.problems, ...resolved.problems] }
}
