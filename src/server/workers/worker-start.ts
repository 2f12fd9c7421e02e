import type { ConfigInputs, ResourceInputs } from '../../config/config-inputs.ts'
import { type GivenValue, givenValue, settingsTable } from '../../config/settings-table.ts'
import type { RunningIncidents } from '../../faults/incidents.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { pack, type Packed, unpack } from './packed.ts'

/** How the primary stands at a moment: what a worker has to be like. */
export interface PrimaryState {
  readonly inputs: ConfigInputs
  /** Those that run, with times in milliseconds since the start of the machine. */
  readonly incidents: readonly RunningIncidents[]
}

type SentResource = Omit<ResourceInputs, 'given' | 'models'> & {
  /** Settings go by their variable. */
  readonly given: readonly { readonly env: string; readonly typed: unknown; readonly typedAs: string }[]
  /** Absent for the built-in ones. */
  readonly models?: ConfigInputs['models']
}

interface SentState {
  readonly own: SentResource & Omit<ConfigInputs, keyof ResourceInputs | 'resources'>
  readonly resources: Readonly<Record<string, SentResource>>
  readonly incidents: PrimaryState['incidents']
}

/** Prepares the state for a worker: it reads no file and no variable itself, so that it cannot have read another one. */
export function packState({ inputs, incidents }: PrimaryState): Packed {
  const { resources, ...own } = inputs
  const state: SentState = { own: sent(own), resources: eachOf(resources, sent), incidents }
  return pack(state)
}

/** Gives what was packed. */
export function unpackState(packed: Packed): PrimaryState {
  const { own, resources, incidents } = unpack(packed) as SentState
  return { inputs: { ...received(own), resources: eachOf(resources, received) }, incidents }
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
