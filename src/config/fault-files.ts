import type { ConfigInputs } from './config-inputs.ts'
import { checkFaultFile } from './fault-rules.ts'
import type { FaultRule } from './fault-rule.ts'
import { checkIncidents, type IncidentTimetable } from './incident-file.ts'

/** What the files of faults and incidents say, and all that is wrong with them. */
export interface FaultFiles {
  readonly faults: readonly FaultRule[]
  readonly incidents: IncidentTimetable | undefined
  /** A sentence or two each, with the path of the file and the place in it. */
  readonly problems: readonly string[]
}

/**
 * Checks what the files that FAULTS_PATH and INCIDENTS_PATH name say. A file that could not be read has no entries, and its
 * reader has told why.
 *
 * @param namesOf gives the names of all deployments; undefined where they are not known for certain
 */
export function resolveFaultFiles(
  { faults: faultFile, incidents: incidentFile }: Pick<ConfigInputs, 'faults' | 'incidents'>,
  namesOf: (() => ReadonlySet<string>) | undefined,
): FaultFiles {
  const known = faultFile || incidentFile ? namesOf?.() : undefined
  const faults =
    faultFile?.entries === undefined ? undefined : checkFaultFile(faultFile.entries, faultFile.place, known)
  const incidents =
    incidentFile?.entries === undefined
      ? undefined
      : checkIncidents(incidentFile.entries, incidentFile.place, known)
  return {
    faults: faults?.rules ?? [],
    incidents: incidents?.timetable,
    problems: [...(faults?.problems ?? []), ...(incidents?.problems ?? [])],
  }
}
