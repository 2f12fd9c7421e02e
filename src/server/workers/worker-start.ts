import type { ConfigInputs, ResourceInputs } from '../../config/read-inputs.ts'
import type { Patches } from '../../config/patches.ts'
import { type GivenValue, givenValue, settingsTable } from '../../config/settings-table.ts'
import type { RunningIncidents } from '../../faults/incidents.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { serializeValue, type V8Serialized, deserializeValue } from './worker-messages.ts'
import { availableParallelism } from 'node:os'
import type { Config } from '../../config/config.ts'

/** How the primary stands at a moment: what a worker has to be like. */
export interface PrimaryState {
  /** What the configuration is made from without changes; absent where the worker has it already: it may be large. */
  readonly base?: ConfigInputs
  /** All changes on top of it, so that a state says everything, whatever the worker knew before. */
  readonly patches: Patches
  /** Those that run, with times in milliseconds since the start of the machine. */
  readonly incidents: readonly RunningIncidents[]
}

type SentResource = Omit<ResourceInputs, 'given' | 'models'> & {
  /** Settings go by their variable. */
  readonly given: readonly { readonly env: string; readonly typed: unknown; readonly source: string }[]
  /** Absent for the built-in ones. */
  readonly models?: ConfigInputs['models']
}

interface SentInputs {
  readonly own: SentResource & Omit<ConfigInputs, keyof ResourceInputs | 'resources'>
  readonly resources: Readonly<Record<string, SentResource>>
}

interface SentState extends Omit<PrimaryState, 'base'> {
  readonly base?: V8Serialized
}

/** Prepares inputs for a worker: it reads no file and no variable itself, so that it cannot have read another one. */
export function packInputs({ resources, ...own }: ConfigInputs): V8Serialized {
  const inputs: SentInputs = { own: sent(own), resources: eachOf(resources, sent) }
  return serializeValue(inputs)
}

/** Gives the inputs that were packed. */
export function unpackInputs(packed: V8Serialized): ConfigInputs {
  const { own, resources } = deserializeValue(packed) as SentInputs
  return { ...received(own), resources: eachOf(resources, received) }
}

/** Prepares a state for a worker. */
export function packState({ base, ...changes }: PrimaryState): V8Serialized {
  const state: SentState = { ...changes, ...(base && { base: packInputs(base) }) }
  return serializeValue(state)
}

/** Gives the state that was packed. */
export function unpackState(packed: V8Serialized): PrimaryState {
  const { base, ...changes } = deserializeValue(packed) as SentState
  return { ...changes, ...(base !== undefined && { base: unpackInputs(base) }) }
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

function eachOf<A, B>(
  resources: Readonly<Record<string, A>> = {},
  change: (resource: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(resources).map(([name, resource]) => [name, change(resource)]))
}

/** Marks the environment of a process that the program has started as a worker of itself. */
export const workerMark = 'AOAI_SIM_WORKER'

/** How many processes a configuration asks for. */
export function countWorkers({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}
