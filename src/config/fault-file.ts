import { type FaultRules, resolveFaults } from './fault-rules.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { parseMappingFile } from './mapping-file.ts'
import { isRecord } from './resolve-deployment.ts'
import { showValue } from './show-value.ts'

/**
 * Reads a file of faults, YAML or JSON: a list under `faults`.
 *
 * @param path begins the problems
 * @param known the names of all deployments; absent where they are not known for certain
 */
export function parseFaultFile(source: string, path: string, known?: ReadonlySet<string>): FaultRules {
  const { entries, problems } = parseMappingFile(source, path, 'must have a list of faults')
  if (!entries || problems.length > 0) return { rules: [], problems }
  return checkFaultFile(entries, path, known)
}

/** Checks what a file of faults says, once it has been read. */
export function checkFaultFile(entries: unknown, path: string, known?: ReadonlySet<string>): FaultRules {
  if (!isRecord(entries)) {
    return { rules: [], problems: [`${path} must have a list of faults (got ${showValue(entries)}).`] }
  }
  const unknown = describeFirst(
    Object.keys(entries).filter((key) => key !== 'faults'),
    (key) => `${shortText(key)} is not known here. The only key is faults.`,
  )
  const missing = 'faults' in entries ? [] : ['faults must be a list of faults (got nothing).']
  const { rules, problems } = resolveFaults(entries['faults'], { place: 'faults', ...(known && { known }) })
  return { rules, problems: [...unknown, ...missing, ...problems].map((problem) => `${path}: ${problem}`) }
}
