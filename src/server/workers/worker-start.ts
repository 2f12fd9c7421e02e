import type { ConfigInputs } from '../../config/config-inputs.ts'
import type { IncidentTimetable } from '../../config/incident-timetable.ts'
import { settingsTable } from '../../config/settings-table.ts'
import type { GivenValue } from '../../config/sources.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { pack, type Packed, unpack } from './packed.ts'

/** A timetable of incidents that runs. */
export interface RunningIncidents {
  readonly timetable: IncidentTimetable
  /** In milliseconds since the start of the machine. */
  readonly startedMs: number
}

/** How the primary stands at a moment: what a worker has to be like. */
export interface PrimaryState {
  readonly inputs: ConfigInputs
  /** Undefined while none run. */
  readonly incidents: RunningIncidents | undefined
}

type SentInputs = Omit<ConfigInputs, 'given' | 'models'> & {
  /** Settings go by their variable. */
  readonly given: readonly { readonly env: string; readonly value: unknown; readonly typedAs: string }[]
  /** Absent for the built-in ones. */
  readonly models?: ConfigInputs['models']
}

interface SentState extends Omit<PrimaryState, 'inputs'> {
  readonly inputs: SentInputs
}

/** Prepares the state for a worker: it reads no file and no variable itself, so that it cannot have read another one. */
export function packState({ inputs, incidents }: PrimaryState): Packed {
  const { given, models, ...same } = inputs
  const sent: SentInputs = {
    ...same,
    given: given.map(({ setting, value, typedAs }) => ({ env: setting.env, value, typedAs })),
    ...(models !== builtInCatalogue && { models }),
  }
  const state: SentState = { inputs: sent, incidents }
  return pack(state)
}

/** Gives what was packed. */
export function unpackState(packed: Packed): PrimaryState {
  const { inputs, incidents } = unpack(packed) as SentState
  const settings = new Map(settingsTable().map((setting) => [setting.env, setting]))
  const given = inputs.given.flatMap(({ env, value, typedAs }): GivenValue[] => {
    const setting = settings.get(env)
    return setting ? [{ setting, value, typedAs }] : []
  })
  return { inputs: { ...inputs, given, models: inputs.models ?? builtInCatalogue }, incidents }
}
