import type { ConfigInputs, ResourceInputs } from '../../config/read-inputs.ts'
import type { Patches } from '../../config/patches.ts'
import { type GivenValue, givenValue, settingsTable } from '../../config/settings-table.ts'
import type { RunningIncidents } from '../../faults/incidents.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { serializeValue, type V8Serialized, deserializeValue } from './worker-messages.ts'
import { availableParallelism } from 'node:os'
import type { Config } from '../../config/config.ts'

/** The state of the primary that workers follow. */
export interface PrimaryState {
  /** Inputs of the configuration without changes. Absent if the worker has them, because they can be large. */
  readonly base?: ConfigInputs
  /** All changes to `base`, so that a worker that missed a state is up to date after the next one. */
  readonly patches: Patches
  /** Running timetables; times are in milliseconds since the machine started. */
  readonly incidents: readonly RunningIncidents[]
}

type SentResource = Omit<ResourceInputs, 'given' | 'models'> & {
  /** Settings are identified by their environment variable. */
  readonly given: readonly { readonly env: string; readonly typed: unknown; readonly source: string }[]
  /** Absent for the built-in catalogue. */
  readonly models?: ConfigInputs['models']
}

interface SentInputs {
  readonly own: SentResource & Omit<ConfigInputs, keyof ResourceInputs | 'resources'>
  readonly resources: Readonly<Record<string, SentResource>>
}

interface SentState extends Omit<PrimaryState, 'base'> {
  readonly base?: V8Serialized
}

/** Serializes inputs for a worker. The worker reads no files or variables itself, so that its configuration cannot differ. */
export function serializeInputs({ resources, ...own }: ConfigInputs): V8Serialized {
  const inputs: SentInputs = { own: sent(own), resources: mapResources(resources, sent) }
  return serializeValue(inputs)
}

/** Returns inputs that `serializeInputs` has serialized. */
export function deserializeInputs(serialized: V8Serialized): ConfigInputs {
  const { own, resources } = deserializeValue(serialized) as SentInputs
  return { ...received(own), resources: mapResources(resources, received) }
}

/** Serializes a state for a worker. */
export function serializeState({ base, ...changes }: PrimaryState): V8Serialized {
  const state: SentState = { ...changes, ...(base && { base: serializeInputs(base) }) }
  return serializeValue(state)
}

/** Returns a state that `serializeState` has serialized. */
export function deserializeState(serialized: V8Serialized): PrimaryState {
  const { base, ...changes } = deserializeValue(serialized) as SentState
  return { ...changes, ...(base !== undefined && { base: deserializeInputs(base) }) }
}

function sent<T extends ResourceInputs>({ given, models, ...same }: T) {
  return {
    ...same,
    given: given.map(({ setting, typed, source }) => ({ env: setting.env, typed, source })),
    ...(models !== builtInCatalogue && { models }),
  }
}

function received<T extends SentResource>({ given, models = builtInCatalogue, ...same }: T) {
  const settings = new Map(settingsTable().map((setting) => [setting.env, setting]))
  return {
    ...same,
    given: given.flatMap(({ env, typed, source }): GivenValue[] => {
      const setting = settings.get(env)
      return setting ? [givenValue(setting, typed, source)] : []
    }),
    models,
  }
}

function mapResources<A, B>(
  resources: Readonly<Record<string, A>> = {},
  change: (resource: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(resources).map(([name, resource]) => [name, change(resource)]))
}

/** The environment variable that marks a process as a worker; its value is the number of the worker. */
export const workerEnvVar = 'AOAI_SIM_WORKER'

/** Returns the number of processes that serve a configuration. */
export function countWorkers({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}
