import type { ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { GivenValue } from './settings-table.ts'

/** What a file says, read but not checked, and the path with which its problems begin. */
export interface FileEntries {
  readonly entries: unknown
  readonly place: string
}

/** What a resource is made from. Nothing here is checked but the models. */
export interface ResourceInputs {
  /** What is set, each setting once. */
  readonly given: readonly GivenValue[]
  readonly models: ModelCatalogue
  /** Deployments by name, in the form of the deployment file. */
  readonly deployments: FileEntries
  readonly deploymentsAreDefault: boolean
  /** A mapping with the list `faults`; absent where there are none. */
  readonly faults?: FileEntries
  /** A timetable of incidents; absent where there is none. */
  readonly incidents?: FileEntries
  /** Which key callers must send where nobody set one; secret. */
  readonly generatedKey: string
}

/**
 * What a configuration is made from: all of it, so that a change at run time goes the same way as the start. By itself it is
 * the default resource, and the settings of the host.
 */
export interface ConfigInputs extends ResourceInputs {
  /** What relative paths start from. */
  readonly workingDirectory: string
  /** What the operator should know of how this was given, a sentence or two each. */
  readonly warnings?: readonly string[]
  /**
   * Further resources by name. Of the settings of a resource, those that it does not give are the default resource's, its key
   * aside; deployments, faults and incidents are its own alone.
   */
  readonly resources?: Readonly<Record<string, ResourceInputs>>
}
