import type { ConfigInputs, ResourceInputs } from '../../config/config-inputs.ts'
import type { Overlay } from '../../config/overlay.ts'
import { type GivenValue, givenValue, settingsTable } from '../../config/settings-table.ts'
import type { RunningIncidents } from '../../faults/incidents.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { pack, type Packed, unpack } from './packed.ts'

/** How the primary stands at a moment: what a worker has to be like. */
export interface PrimaryState {
  /** What the configuration is made from without changes; absent where the worker has it already: it may be large. */
  readonly base?: ConfigInputs
  /** All changes on top of it, so that a state says everything, whatever the worker knew before. */
  readonly overlay: Overlay
  /** Those that run, with times in milliseconds since the start of the machine. */
  readonly incidents: readonly RunningIncidents[]
}

type SentResource = Omit<ResourceInputs, 'given' | 'models'> & {
  /** Settings go by their variable. */
  readonly given: readonly { readonly env: string; readonly typed: unknown; readonly typedAs: string }[]
  /** Absent for the built-in ones. */
  readonly models?: ConfigInputs['models']
}

interface SentInputs {
  readonly own: SentResource & Omit<ConfigInputs, keyof ResourceInputs | 'resources'>
  readonly resources: Readonly<Record<string, SentResource>>
}

interface SentState extends Omit<PrimaryState, 'base'> {
  readonly base?: Packed
}

/** Prepares inputs for a worker: it reads no file and no variable itself, so that it cannot have read another one. */
export function packInputs({ resources, ...own }: ConfigInputs): Packed {
  const inputs: SentInputs = { own: sent(own), resources: eachOf(resources, sent) }
  return pack(inputs)
}

/** Gives the inputs that were packed. */
export function unpackInputs(packed: Packed): ConfigInputs {
  const { own, resources } = unpack(packed) as SentInputs
  return { ...received(own), resources: eachOf(resources, received) }
}

/** Prepares a state for a worker. */
export function packState({ base, ...changes }: PrimaryState): Packed {
  const state: SentState = { ...changes, ...(base && { base: packInputs(base) }) }
  return pack(state)
}

/** Gives the state that was packed. */
export function unpackState(packed: Packed): PrimaryState {
  const { base, ...changes } = unpack(packed) as SentState
  return { ...changes, ...(base !== undefined && { base: unpackInputs(base) }) }
}

function sent<T extends ResourceInputs>({ given, models, ...same }: T) {
  return {
    ...same,
    given: given.map(({ setting, typed, typedAs }) => ({ env: setting.env, typed, typedAs })),
    ...(models !== builtInCatalogue && { models }),
  }
}

function received<T extends SentResource>({ given, models = builtInCatalogue, ...same }: T) {
  const settings = new Map(settingsTable().map((setting) => [setting.env, setting]))
  return {
    ...same,
    given: given.flatMap(({ env, typed, typedAs }): GivenValue[] => {
      const setting = settings.get(env)
      return setting ? [givenValue(setting, typed, typedAs)] : []
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
