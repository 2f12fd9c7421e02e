import type { ConfigInputs, ResourceInputs } from '../../config/read-inputs.ts'
import type { LiveConfig } from '../../config/live-config.ts'
import type { UpstreamInputs } from '../../config/upstreams.ts'
import { changedFields, type FieldChanges, withFields } from '../../config/patch-fields.ts'
import { noChanges, type Patches } from '../../config/patches.ts'
import { type GivenValue, givenValue, settingsTable } from '../../config/settings-table.ts'
import type { IncidentTimetables, RunningIncidents } from '../../faults/incidents.ts'
import { machineOffsetMs } from '../../lib/machine-time.ts'
import { SerialQueue } from '../../lib/queues.ts'
import { builtInCatalogue } from '../../wire/models/model-catalogue.ts'
import { serializeValue, type V8Serialized, deserializeValue } from './worker-messages.ts'
import { availableParallelism } from 'node:os'
import type { Config } from '../../config/config.ts'

/** The state of the primary that workers follow. */
export interface PrimaryState {
  /** Each state has another version. */
  readonly version: number
  /** Inputs of the configuration without changes. */
  readonly base: ConfigInputs
  /** All changes to `base`. */
  readonly patches: Patches
  /** Running timetables by resource; times are in milliseconds since the machine started. */
  readonly incidents: ReadonlyMap<string, RunningIncidents>
}

/** Settings are identified by their environment variable. */
type SentGiven = readonly { readonly env: string; readonly typed: unknown; readonly source: string }[]

type SentResource = Omit<ResourceInputs, 'given' | 'models'> & {
  readonly given: SentGiven
  /** Absent for the built-in catalogue. */
  readonly models?: ConfigInputs['models']
}

interface SentInputs {
  readonly own: SentResource & Omit<ConfigInputs, keyof ResourceInputs | 'resources' | 'upstreams'>
  readonly resources: Readonly<Record<string, SentResource>>
  readonly upstreams: Readonly<Record<string, Omit<UpstreamInputs, 'given'> & { readonly given: SentGiven }>>
}

interface SentState {
  readonly version: number
  /** The version of the state before the changes; undefined for a complete state. */
  readonly after: number | undefined
  /** Absent if the worker has it, because it can be large. */
  readonly base?: V8Serialized
  readonly patches: FieldChanges
  readonly running: readonly RunningIncidents[]
  /** Resources with a timetable that has ended. */
  readonly ended: readonly string[]
}

/** Serializes inputs for a worker. The worker reads no files or variables itself, so that its configuration cannot differ. */
export function serializeInputs({ resources, upstreams, ...own }: ConfigInputs): V8Serialized {
  const inputs: SentInputs = {
    own: sent(own),
    resources: mapEntries(resources, sent),
    upstreams: mapEntries(upstreams, (upstream) => ({ ...upstream, given: sentGiven(upstream.given) })),
  }
  return serializeValue(inputs)
}

/** Returns inputs that `serializeInputs` has serialized. */
export function deserializeInputs(serialized: V8Serialized): ConfigInputs {
  const { own, resources, upstreams } = deserializeValue(serialized) as SentInputs
  return {
    ...received(own),
    resources: mapEntries(resources, received),
    upstreams: mapEntries(upstreams, (upstream) => ({ ...upstream, given: receivedGiven(upstream.given) })),
  }
}

/** Serializes a complete state for a worker. */
export function serializeState(state: PrimaryState): V8Serialized {
  return serializeValue(difference(undefined, state))
}

/** Serializes the difference between two states for a worker; undefined if they are equal. */
export function serializeChanges(before: PrimaryState, next: PrimaryState): V8Serialized | undefined {
  const changes = difference(before, next)
  const { base, patches, running, ended } = changes
  const count = Object.keys(patches.set).length + patches.removed.length + running.length + ended.length
  return count === 0 && base === undefined ? undefined : serializeValue(changes)
}

function difference(before: PrimaryState | undefined, next: PrimaryState): SentState {
  const { version, base, incidents } = next
  const known = before?.incidents
  return {
    version,
    after: before?.version,
    ...(before?.base !== base && { base: serializeInputs(base) }),
    patches: changedFields(before?.patches, next.patches),
    running: [...incidents.values()].filter((one) => !isSameRun(known?.get(one.resource), one)),
    ended: [...(known?.keys() ?? [])].filter((resource) => !incidents.has(resource)),
  }
}

function isSameRun(some: RunningIncidents | undefined, other: RunningIncidents): boolean {
  return some?.timetable === other.timetable && some.startedMs === other.startedMs
}

/** Makes a worker follow the primary. */
export class PrimaryFollower {
  readonly #live: LiveConfig
  readonly #incidents: Pick<IncidentTimetables, 'take' | 'change'>
  /** Each state is applied to the previous one. */
  readonly #states = new SerialQueue()
  #version: number | undefined

  constructor({
    live,
    incidents,
  }: {
    live: LiveConfig
    incidents: Pick<IncidentTimetables, 'take' | 'change'>
  }) {
    this.#live = live
    this.#incidents = incidents
  }

  /** Applies a state that `serializeState` has serialized. Returns false, and changes nothing, if the state before it is missing. */
  apply(serialized: V8Serialized): Promise<boolean> {
    return this.#states.run(async () => {
      const { version, after, base, patches, running, ended } = deserializeValue(serialized) as SentState
      const isComplete = after === undefined
      if (!isComplete && after !== this.#version) return false
      const { problems } = await this.#live.follow(
        withFields(isComplete ? noChanges : this.#live.patches, patches),
        base === undefined ? undefined : deserializeInputs(base),
      )
      if (problems.length > 0)
        throw new Error(`Could not apply the configuration of the primary: ${problems.join(' ')}`)
      this.#version = version
      const offsetMs = machineOffsetMs()
      const shifted = running.map((one) => Object.assign(one, { startedMs: one.startedMs - offsetMs }))
      if (isComplete) this.#incidents.take(shifted)
      else this.#incidents.change(shifted, ended)
      return true
    })
  }
}

function sent<T extends ResourceInputs>({ given, models, ...same }: T) {
  return { ...same, given: sentGiven(given), ...(models !== builtInCatalogue && { models }) }
}

function received<T extends SentResource>({ given, models = builtInCatalogue, ...same }: T) {
  return { ...same, given: receivedGiven(given), models }
}

function sentGiven(given: readonly GivenValue[]): SentGiven {
  return given.map(({ setting, typed, source }) => ({ env: setting.env, typed, source }))
}

const settingsByEnv = new Map(settingsTable().map((setting) => [setting.env, setting]))

function receivedGiven(given: SentGiven): readonly GivenValue[] {
  return given.flatMap(({ env, typed, source }): GivenValue[] => {
    const setting = settingsByEnv.get(env)
    return setting ? [givenValue(setting, typed, source)] : []
  })
}

function mapEntries<A, B>(
  entries: Readonly<Record<string, A>> = {},
  change: (entry: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, change(entry)]))
}

/** The environment variable that marks a process as a worker; its value is the number of the worker. */
export const workerEnvVar = 'AOAI_SIM_WORKER'

/** Returns the number of processes that serve a configuration. */
export function countWorkers({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}
