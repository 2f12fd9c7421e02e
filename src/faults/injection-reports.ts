/** How often a fault was injected. */
export interface FaultCount {
  readonly resource: string
  /** Name of a configured deployment, `other` for one of no configuration, empty for requests without one. */
  readonly deployment: string
  /** The rule's name, or else that of its error or kind. */
  readonly fault: string
  readonly count: number
}

/** A phase of the timetable of incidents. */
export interface PhaseReport {
  readonly resource: string
  readonly phase: string
  /** Whether it is the present one. */
  readonly active: boolean
}

/** What faults and incidents tell the metrics. */
export interface InjectionReports {
  faults(): Iterable<FaultCount>
  phases(): Iterable<PhaseReport>
}
