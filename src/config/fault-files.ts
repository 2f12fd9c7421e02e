import { parseFaultFile } from './fault-file.ts'
import type { FaultRule } from './fault-rule.ts'
import { parseIncidentFile } from './incident-file.ts'
import type { IncidentTimetable } from './incident-timetable.ts'

/** What the files of faults and incidents say, and all that is wrong with them. */
export interface FaultFiles {
  readonly faults: readonly FaultRule[]
  readonly incidents: IncidentTimetable | undefined
  /** A sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

type ReadFile = (
  env: string,
  kind: string,
) => { readonly source: string; readonly path: string } | { readonly problem: string } | undefined

/**
 * Loads the files that FAULTS_PATH and INCIDENTS_PATH name.
 *
 * @param read gives the file that a setting names; undefined where nobody set it
 * @param known the names of all deployments; undefined where they are not known for certain
 */
export function loadFaultFiles(read: ReadFile, known: ReadonlySet<string> | undefined): FaultFiles {
  const problems: string[] = []
  const open = (env: string, kind: string): { source: string; path: string } | undefined => {
    const file = read(env, kind)
    if (!file) return undefined
    if (!('problem' in file)) return file
    problems.push(file.problem)
    return undefined
  }

  const faultFile = open('FAULTS_PATH', 'file of faults')
  const faults = faultFile && parseFaultFile(faultFile.source, faultFile.path, known)
  const incidentFile = open('INCIDENTS_PATH', 'timetable of incidents')
  const incidents = incidentFile && parseIncidentFile(incidentFile.source, incidentFile.path, known)
  return {
    faults: faults?.rules ?? [],
    incidents: incidents?.timetable,
    problems: [...problems, ...(faults?.problems ?? []), ...(incidents?.problems ?? [])],
  }
}
