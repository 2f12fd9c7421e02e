import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { GivenValue } from './sources.ts'

/** What a file says, read but not checked, and the path with which its problems begin. */
export interface FileEntries {
  readonly entries: unknown
  readonly place: string
}

/**
 * What a configuration is made from: all of it, so that a change at run time goes the same way as the start. Nothing here is
 * checked but the models.
 */
export interface ConfigInputs {
  /** What is set, each setting once. */
  readonly given: readonly GivenValue[]
  /** What relative paths start from. */
  readonly workingDirectory: string
  readonly models: ModelCatalogue
  /** Deployments by name, in the form of the deployment file. */
  readonly deployments: FileEntries
  readonly deploymentsAreDefault: boolean
  /** A mapping with the list `faults`; absent where there are none. */
  readonly faults?: FileEntries
  /** A timetable of incidents; absent where there is none. */
  readonly incidents?: FileEntries
  /** What the operator should know of how this was given, a sentence or two each. */
  readonly warnings?: readonly string[]
  /** Which key callers must send where nobody set one; secret. */
  readonly generatedKey: string
}
