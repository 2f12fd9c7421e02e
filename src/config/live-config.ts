import { SerialQueue } from '../lib/queues.ts'
import { isDeepStrictEqual } from 'node:util'
import { type Config, defaultResourceName, type ResourceView } from './config.ts'
import { camelKeys, snakeKeys } from './mapping-file.ts'
import {
  type Changes,
  changesOf,
  joinChanges,
  keepingEntries,
  noChanges,
  type Patches,
  type OverlayStore,
  withCamelKeys,
  withChanges,
  withoutPatchesOf,
  type PatchedInputs,
  patchInputs,
  putDeployments,
  patchableSettings,
} from './patches.ts'
import { configError, resolveInputs, resolveSettings } from './resolve-inputs.ts'
import type { Settings } from './settings-schema.ts'
import { showValue } from './zod-problems.ts'
import { normalizeEntry } from './resolve-deployment.ts'
import { type GivenValue, setAt, type Setting } from './settings-table.ts'
import { frozenMap, isRecord } from '../lib/record.ts'
import { type ConfigInputs, type ResourceInputs, readInputs } from './read-inputs.ts'
import { collectGivenValues, type ConfigSources } from './sources.ts'

/** What a change became: nothing but problems, one sentence or two each, or a new configuration. */
export interface Change {
  /** Empty where the change has been made. */
  readonly problems: readonly string[]
  /** The configuration that the change found. */
  readonly before: Config
}

/**
 * Makes what a new configuration needs before a request meets it, such as an index of recordings. Its rejection refuses the
 * change.
 */
export type Prepare = (next: Config) => Promise<void>

/** What a change makes of the configuration of the moment; made again where another process was faster. */
type Plan = () => { readonly base?: ConfigInputs; readonly patches?: Patches }

interface State {
  readonly inputs: ConfigInputs
  readonly settings: Settings
  readonly config: Config
  readonly warnings: readonly string[]
}

/**
 * The configuration over time: what the simulator was started with, and the patches on top of it. A change is checked as
 * a whole and then swaps one reference; a wrong one changes nothing.
 */
export class LiveConfig {
  /** Set by whoever has to make something ready for a new configuration. */
  prepare: Prepare = async () => {}
  /** Where changes are shared with other processes; set by whoever shares them. */
  store?: OverlayStore
  #base: ConfigInputs
  #patches: Patches = noChanges
  #state: State
  /** Applies one change after another, so that none is lost between the check and the swap of another. */
  readonly #changes = new SerialQueue()
  readonly #listeners: ((config: Config) => void)[] = []
  /** What was changed here while the store was away. */
  #unshared: Plan[] = []

  /** @throws {OperatorError} CONFIG_INVALID */
  constructor(inputs: ConfigInputs) {
    const resolved = resolveInputs(inputs)
    if ('problems' in resolved) throw configError('start', resolved.problems)
    this.#base = inputs
    this.#state = { inputs, ...resolved }
  }

  /** The configuration of the moment. */
  get current(): Config {
    return this.#state.config
  }

  /** What the operator should know of the configuration of the moment, a sentence or two each. */
  get warnings(): readonly string[] {
    return this.#state.warnings
  }

  /** What the configuration of the moment is made from, all changes included. */
  get inputs(): ConfigInputs {
    return this.#state.inputs
  }

  /** What the configuration is made from without the changes since the start. */
  get base(): ConfigInputs {
    return this.#base
  }

  /** What can change at run time of the host and of the default resource, as GET /++/config shows it. */
  shown(): Readonly<Record<string, unknown>> {
    return showConfig(this.#state.inputs, this.#state.settings)
  }

  /** A deployment as `shown` has it; undefined where there is none of this name. */
  shownDeployment(name: string, resource = defaultResourceName): unknown {
    const inputs = inputsOf(this.#state.inputs, resource)
    return inputs && showDeployment(inputs, name)
  }

  /** What was changed since the start or the last reset. */
  get patches(): Patches {
    return this.#patches
  }

  /** Calls `listener` after each change. */
  onChange(listener: (config: Config) => void): void {
    this.#listeners.push(listener)
  }

  /** Applies a JSON merge patch of what `shown` shows; of a named resource, its own part. */
  patch(patch: unknown, resource = defaultResourceName): Promise<Change> {
    return this.#changeOne(resource, (changes, inputs) => joinChanges(changes, withCamelKeys(patch), inputs))
  }

  /** Puts a deployment into the place of what had its name, patches of it included; null removes it. */
  putDeployment(name: string, entry: unknown, resource = defaultResourceName): Promise<Change> {
    return this.#changeOne(resource, ({ put, patch }) => ({
      put: { ...put, [name]: camelKeys(entry) },
      patch: withoutPatchesOf(new Set([name]), patch),
    }))
  }

  /** Takes a new base, such as a deployment file that was edited; the changes since the start stay on top. */
  rebase(inputs: ConfigInputs): Promise<Change> {
    return this.#change(() => ({ base: { ...inputs, generatedKey: this.#base.generatedKey } }))
  }

  /** Takes over the changes of another process, and its base where that is another one than the one that is here. */
  follow(patches: Patches, base: ConfigInputs = this.#base): Promise<Change> {
    return this.#change(() => ({ base, patches }))
  }

  /** Puts other changes into the place of those since the start; without an argument, none. */
  reset(patches: Patches = { ...noChanges }): Promise<Change> {
    return this.#change(() => ({ patches }))
  }

  /**
   * Takes over changes from the store in the place of its own.
   *
   * @param find is asked when all changes before are done; undefined leaves things as they are
   */
  adopt(find: () => Patches | undefined): Promise<Change> {
    return this.#changes.run(() => {
      const patches = find()
      return this.#make(patches ? { patches } : {})
    })
  }

  /** Makes the changes again that the store has missed while it was away, on top of what it has now. */
  async offerAgain(): Promise<void> {
    const missed = this.#unshared
    this.#unshared = []
    for (const plan of missed) await this.#change(plan)
  }

  #changeOne(
    resource: string,
    change: (changes: Changes, inputs: ResourceInputs) => Changes,
  ): Promise<Change> {
    return this.#change(() => {
      const inputs = inputsOf(this.#state.inputs, resource) ?? this.#state.inputs
      const patches = this.#patches
      return { patches: withChanges(patches, resource, change(changesOf(patches, resource), inputs)) }
    })
  }

  #change(plan: Plan): Promise<Change> {
    return this.#changes.run(async () => {
      const before = this.current
      for (;;) {
        const planned = plan()
        const offered = await this.#make(planned, () => this.#offer(plan, planned.patches))
        if (offered.newer === undefined) return { problems: offered.problems, before }
        const { problems } = await this.#make({ patches: offered.newer })
        if (problems.length > 0) return { problems, before }
      }
    })
  }

  /** Gives what another process has put into the store since, which this change has not seen. */
  async #offer(plan: Plan, patches: Patches | undefined): Promise<Patches | undefined> {
    if (!patches || !this.store) return undefined
    const answer = await this.store.offer(patches, this.#patches)
    if (answer === 'away') this.#unshared.push(plan)
    return typeof answer === 'string' ? undefined : answer
  }

  /** @param offer is asked when everything is ready but the swap; what it gives is in the way of the change */
  async #make(
    { base = this.#base, patches = this.#patches }: ReturnType<Plan>,
    offer: () => Promise<Patches | undefined> = async () => undefined,
  ): Promise<Change & { readonly newer?: Patches | undefined }> {
    const before = this.current
    const patched = applyPatches(base, patches)
    const inputs = keepingEntries(patched.inputs, this.#state.inputs)
    const resolved = resolveInputs(inputs)
    const problems = [...patched.problems, ...('problems' in resolved ? resolved.problems : [])]
    if ('problems' in resolved || problems.length > 0) return { problems, before }
    const config = keepingSources(resolved.config, before)
    await this.prepare(config)
    const newer = await offer()
    if (newer) return { problems, before, newer }
    this.#base = base
    this.#patches = patches
    this.#state = { ...resolved, config, inputs }
    for (const listener of this.#listeners) listener(config)
    return { problems, before }
  }
}

/** What a resource is made from. */
function inputsOf(inputs: ConfigInputs, resource: string): ResourceInputs | undefined {
  if (resource === defaultResourceName) return inputs
  const { resources = {} } = inputs
  return Object.hasOwn(resources, resource) ? resources[resource] : undefined
}

function applyPatches(base: ConfigInputs, patches: Patches): PatchedInputs<ConfigInputs> {
  const { inputs, problems } = patchInputs(putDeployments(base, patches.put), patches.patch)
  const changes = Object.entries(patches.resources ?? {})
  if (changes.length === 0) return { inputs, problems }
  const resources = { ...inputs.resources }
  const found = changes.flatMap(([name, { put, patch }]) => {
    const own = inputsOf(base, name)
    if (!own) return [`There is no resource ${showValue(name)}, but changes of it.`]
    const patched = patchInputs(putDeployments(own, put), patch, true)
    resources[name] = patched.inputs
    return patched.problems.map((problem) => `resources.${name}: ${problem}`)
  })
  return { inputs: { ...inputs, resources }, problems: [...problems, ...found] }
}

/** What has not changed stays the same object, by which recordings and connections are found. */
function keepingSources(next: Config, before: Config): Config {
  const kept = <T>(now: T, then: T): T => (isDeepStrictEqual(now, then) ? then : now)
  const resources = new Map(
    Array.from(next.resources, ([name, view]): [string, ResourceView] => {
      const known = before.resources.get(name)
      if (!known) return [name, view]
      const upstream = kept(view.upstream, known.upstream)
      const recordings = kept(view.recordings, known.recordings)
      return [name, Object.freeze({ ...view, upstream, recordings })]
    }),
  )
  const defaultResource = resources.get(defaultResourceName) ?? next.defaultResource
  return Object.freeze({ ...next, resources: frozenMap(resources), defaultResource })
}

/**
 * The part of the configuration that can change at run time, as the administration shows and takes it: snake_case, settings
 * by their place, deployments and faults as they were given. No secret is in it.
 */
function showConfig(
  { given, deployments, faults }: ResourceInputs,
  settings: Settings,
): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const [place, { path, env }] of patchableSettings()) {
    const value = valueAt(settings, path)
    // A list in the words in which it was given, which are also those in which it can be sent.
    const asGiven =
      typeof value === 'object' ? textOf(given.find(({ setting }) => setting.env === env)) : value
    setAt(shown, place.split('.'), asGiven ?? null)
  }
  const listed = isRecord(faults?.entries) ? faults.entries['faults'] : undefined
  const entries = isRecord(deployments.entries) ? deployments.entries : {}
  return {
    ...shown,
    faults: snakeKeys(listed ?? []),
    openai_deployments: Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [name, snakeKeys(normalizeEntry(entry))]),
    ),
  }
}

/** An entry of the deployment file in the same form; undefined where there is none of this name. */
function showDeployment({ deployments: { entries } }: ResourceInputs, name: string): unknown {
  return isRecord(entries) && Object.hasOwn(entries, name)
    ? snakeKeys(normalizeEntry(entries[name]))
    : undefined
}

function textOf(given: GivenValue | undefined): string | undefined {
  if (!given) return undefined
  const { typed, value, setting } = given
  return typeof typed === 'string' ? typed : setting.write?.(value as never)
}

function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (isRecord(node) ? node[key] : undefined), tree)
}

/**
 * Reads the configuration: flag before variable before `.env` before default.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the name that was typed.
 */
export function loadConfig(sources: ConfigSources): Config {
  return loadLiveConfig(sources).current
}

/**
 * Reads some settings alone, for a command that uses no others: what is wrong elsewhere does not stop it.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem of those settings
 */
export function loadSettings(sources: ConfigSources, isUsed: (setting: Setting) => boolean): Settings {
  const { given, unreadable } = collectGivenValues(sources)
  return resolveSettings(
    given.filter(({ setting }) => isUsed(setting)),
    unreadable,
  )
}

/**
 * Reads the configuration so that it can change later.
 *
 * @throws {OperatorError} CONFIG_INVALID, with every problem at once, each by the name that was typed.
 */
export function loadLiveConfig(sources: ConfigSources): LiveConfig {
  const { inputs, problems } = readInputs(sources)
  if (problems.length === 0) return new LiveConfig(inputs)
  const resolved = resolveInputs(inputs, problems)
  throw configError('start', 'problems' in resolved ? resolved.problems : problems)
}
