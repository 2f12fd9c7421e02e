import { spellingProblems } from './file-settings.ts'
import { applyPatches, inputsOf } from './apply-patches.ts'
import { SerialQueue } from '../lib/queues.ts'
import { type Config, defaultResourceName } from './config.ts'
import { snakeKeys } from './mapping-file.ts'
import { reasonOf } from '../lib/error-text.ts'
import {
  type Changes,
  changesOf,
  joinChanges,
  reuseEntries,
  noChanges,
  type Patches,
  type PatchStore,
  normalizePatch,
  withChanges,
  putEntry,
  patchableSettings,
} from './patches.ts'
import { KnownSecrets } from './redact-config.ts'
import { resolveInputs, type Resolution } from './resolve-inputs.ts'
import { configError, resolveSettings } from './resolve-settings.ts'
import type { Settings } from './settings-schema.ts'
import { showValue } from './zod-problems.ts'
import { normalizeEntry } from './resolve-deployment.ts'
import { type GivenValue, setAt, type Setting } from './settings-table.ts'
import { isRecord, ownValue } from '../lib/record.ts'
import { type ConfigInputs, type ResourceInputs, readInputs } from './read-inputs.ts'
import { collectGivenValues, type ConfigSources } from './sources.ts'
import { certificateProblems } from './tls-settings.ts'

/** Result of a change. */
export interface Change {
  /** One or two sentences each; empty if the change was applied. */
  readonly problems: readonly string[]
  /** The configuration before the change. */
  readonly before: Config
}

/** Result of taking over the changes in the store. */
export interface Adoption {
  /** Why they do not fit the configuration, which then stays as it is; empty if they were applied. */
  readonly problems: readonly string[]
  /** Why changes that the store did not have could not be applied again. */
  readonly dropped: readonly string[]
}

/** Origin of a change: a patch, a reset, an edited file, or another process through shared state. */
export type ChangeOrigin = 'patch' | 'reset' | 'file' | 'store'

/** Prepares a new configuration before requests use it: for example, loads recordings. If it rejects, the change fails. */
export type Prepare = (next: Config) => Promise<void>

/** Computes a change from the current configuration. Called again if another process has changed it in the meantime. */
type Plan = () => {
  readonly base?: ConfigInputs
  readonly patches?: Patches
  readonly problems?: readonly string[]
  /** Default: patch. */
  readonly origin?: ChangeOrigin
}

/** A change, with its last result. */
interface Attempt {
  readonly plan: Plan
  change: Change
  /** The patches of the last result, if the store did not have them yet. */
  patches?: Patches
}

interface State {
  readonly inputs: ConfigInputs
  readonly settings: Settings
  readonly config: Config
  readonly warnings: readonly string[]
  readonly resolution: Resolution
}

/**
 * The configuration, which can change at run time: the base that the simulator was started with, and patches on top of it. A
 * change is validated as a whole and then replaces one reference. An invalid change has no effect.
 */
export class LiveConfig {
  /** Called before a new configuration is used. */
  prepare: Prepare = async () => {}
  /** The keys that must not appear in logs. */
  readonly secrets = new KnownSecrets(() => this.current)
  /** Shares changes with other processes, if set. */
  store?: PatchStore
  #base: ConfigInputs
  #patches: Patches = noChanges
  #state: State
  /** Serialises changes, so that none is lost between the validation and the application of another. */
  readonly #changes = new SerialQueue()
  readonly #listeners: ((config: Config, origin: ChangeOrigin) => void)[] = []
  /** Changes in force that the store does not have yet, in their order. */
  #unstored: Attempt[] = []

  /** @throws {OperatorError} CONFIG_INVALID */
  constructor(inputs: ConfigInputs) {
    const resolved = resolveInputs(inputs)
    if ('problems' in resolved) throw configError('start', resolved.problems)
    this.#base = inputs
    this.#state = { inputs, ...resolved }
  }

  /** The current configuration. */
  get current(): Config {
    return this.#state.config
  }

  /** Warnings about the current configuration, one or two sentences each. */
  get warnings(): readonly string[] {
    return this.#state.warnings
  }

  /** The inputs of the current configuration, including all changes. */
  get inputs(): ConfigInputs {
    return this.#state.inputs
  }

  /** The inputs without the changes since the start. */
  get base(): ConfigInputs {
    return this.#base
  }

  /** Returns the settings of the host and of the default resource that can change at run time, in the form of GET /++/config. */
  shown(): Readonly<Record<string, unknown>> {
    return showConfig(this.#state.inputs, this.#state.settings)
  }

  /** Returns a deployment in the form of `shown`, or undefined if it does not exist. */
  shownDeployment(name: string, resource = defaultResourceName): unknown {
    const inputs = inputsOf(this.#state.inputs, resource)
    return inputs && showDeployment(inputs, name)
  }

  /** The changes since the start or the last reset. */
  get patches(): Patches {
    return this.#patches
  }

  /** Calls `listener` after each change. */
  onChange(listener: (config: Config, origin: ChangeOrigin) => void): void {
    this.#listeners.push(listener)
  }

  /** Applies a JSON merge patch to the result of `shown`. For a named resource, to the settings of that resource. */
  patch(patch: unknown, resource = defaultResourceName): Promise<Change> {
    const problems = spellingProblems(patch)
    if (problems.length > 0) return this.#change(() => ({ problems }))
    return this.#changeOne(resource, (changes, inputs) => joinChanges(changes, normalizePatch(patch), inputs))
  }

  /** Adds or replaces a deployment, and discards patches of it. Null removes it. */
  putDeployment(name: string, entry: unknown, resource = defaultResourceName): Promise<Change> {
    return this.#changeOne(resource, (changes) => putEntry(changes, name, entry))
  }

  /**
   * Changes the patches atomically. If another process changes them at the same time, `plan` is called again with the result.
   *
   * @param plan returns the new patches, or none to change nothing, and any result
   */
  async update<T>(
    plan: (patches: Patches, inputs: ConfigInputs) => { readonly patches?: Patches; readonly result: T },
  ): Promise<Change & { readonly result: T }> {
    let result: { readonly value: T } | undefined
    const change = await this.#change(() => {
      const planned = plan(this.#patches, this.#state.inputs)
      result = { value: planned.result }
      return { patches: planned.patches ?? this.#patches }
    })
    if (!result) throw new Error('A change was not planned.')
    return { ...change, result: result.value }
  }

  /** Replaces the base, for example after an edit of the deployment file. Keeps the changes since the start on top. */
  rebase(inputs: ConfigInputs): Promise<Change> {
    return this.#change(() => ({ base: withSecretsOf(this.#base, inputs), origin: 'file' }))
  }

  /** Replaces the changes with those of another process, and the base if it is given. */
  follow(patches: Patches, base: ConfigInputs = this.#base): Promise<Change> {
    return this.#change(() => ({ base, patches, origin: 'store' }))
  }

  /** Replaces the changes since the start; without an argument, discards them. */
  reset(patches: Patches = { ...noChanges }): Promise<Change> {
    return this.#change(() => ({ patches, origin: 'reset' }))
  }

  /**
   * Replaces the changes with those in the store, and applies again on top of them what the store does not have yet. Without changes
   * from the store, offers the current changes to it.
   *
   * @param find called after all pending changes; returns undefined if the store has nothing new
   */
  adopt(find: () => Patches | undefined): Promise<Adoption> {
    return this.#changes.run(async () => {
      const found = find() ?? (this.#unstored.length > 0 ? await this.#offerCurrent() : undefined)
      if (!found) return { problems: [], dropped: [] }
      const { problems } = await this.#make({ patches: found, origin: 'store' })
      if (problems.length > 0) return { problems, dropped: [] }
      const unstored = this.#unstored
      this.#unstored = []
      const dropped: string[] = []
      for (const attempt of unstored) {
        await this.#try(attempt).catch((error: unknown) => dropped.push(reasonOf(error)))
        dropped.push(...attempt.change.problems)
      }
      return { problems, dropped }
    })
  }

  /** Forgets the changes up to `patches`, which the store has now. */
  markStored(patches: Patches): void {
    const last = this.#unstored.findLastIndex((attempt) => attempt.patches === patches)
    this.#unstored.splice(0, last + 1)
  }

  /** Number of changes in force that the store does not have yet. */
  get unstored(): number {
    return this.#unstored.length
  }

  #changeOne(
    resource: string,
    change: (changes: Changes, inputs: ResourceInputs) => Changes,
  ): Promise<Change> {
    return this.#change(() => {
      const inputs = inputsOf(this.#state.inputs, resource)
      if (!inputs) return { problems: [`The resource ${showValue(resource)} does not exist.`] }
      const patches = this.#patches
      return { patches: withChanges(patches, resource, change(changesOf(patches, resource), inputs)) }
    })
  }

  async #change(plan: Plan): Promise<Change> {
    const attempt: Attempt = { plan, change: { problems: [], before: this.current } }
    await this.#changes.run(() => this.#try(attempt))
    if (attempt.patches) await this.store?.settled?.()
    // If another process was first, this is the result on top of its changes.
    return attempt.change
  }

  async #try(attempt: Attempt): Promise<void> {
    const before = this.current
    delete attempt.patches
    for (;;) {
      const planned = attempt.plan()
      attempt.change = { problems: planned.problems ?? [], before }
      if (planned.problems) return
      if (!planned.base && planned.patches === this.#patches) return
      const offered = await this.#make(planned, () => this.#offer(attempt, planned.patches))
      attempt.change = { problems: offered.problems, before }
      if (offered.newer === undefined) return
      const { problems } = await this.#make({ patches: offered.newer, origin: 'store' })
      attempt.change = { problems, before }
      if (problems.length > 0) return
    }
  }

  /** Offers patches to the store. Returns those of another process if they were stored first, in which case nothing was stored. */
  async #offer(attempt: Attempt, patches: Patches | undefined): Promise<Patches | undefined> {
    if (!patches || !this.store) return undefined
    const answer = await this.store.offer(patches, this.#patches)
    if (answer === 'later') this.#unstored.push(Object.assign(attempt, { patches }))
    return typeof answer === 'string' ? undefined : answer
  }

  /** Offers all current changes to the store. Returns those of another process if they were stored first. */
  async #offerCurrent(): Promise<Patches | undefined> {
    const patches = { ...this.#patches }
    const answer = await this.store?.offer(patches, this.#patches)
    if (typeof answer === 'object') return answer
    if (answer !== 'stored') return undefined
    this.#patches = patches
    this.#unstored = []
    return undefined
  }

  /** @param offer called last, before the change is applied; if it returns patches, the change is not applied */
  async #make(
    { base = this.#base, patches = this.#patches, origin = 'patch' }: ReturnType<Plan>,
    offer: () => Promise<Patches | undefined> = async () => undefined,
  ): Promise<Change & { readonly newer?: Patches | undefined }> {
    const before = this.current
    const patched = applyPatches(base, patches)
    const inputs = reuseEntries(patched.inputs, this.#state.inputs)
    const resolved = resolveInputs(inputs, { before: this.#state.resolution })
    const problems = [...patched.problems, ...('problems' in resolved ? resolved.problems : [])]
    if ('problems' in resolved || problems.length > 0) return { problems, before }
    const { config } = resolved
    await this.prepare(config)
    const newer = await offer()
    if (newer) return { problems, before, newer }
    this.#base = base
    this.#patches = patches
    this.#state = { ...resolved, inputs, warnings: [...resolved.warnings, ...patched.warnings] }
    for (const listener of this.#listeners) listener(config, origin)
    return { problems, before }
  }
}

/** Returns inputs with the generated keys of other inputs, so that a reload does not invalidate them. */
function withSecretsOf(before: ConfigInputs, inputs: ConfigInputs): ConfigInputs {
  const { generatedKey } = before
  if (!inputs.resources) return { ...inputs, generatedKey }
  const resources = Object.entries(inputs.resources).map(([name, resource]) => {
    const known = ownValue(before.resources, name)
    return [name, known ? { ...resource, generatedKey: known.generatedKey } : resource] as const
  })
  return { ...inputs, generatedKey, resources: Object.fromEntries(resources) }
}

/**
 * Returns the part of the configuration that can change at run time, in the form of the admin API: keys in snake_case, deployments
 * and faults as configured, without secrets.
 */
function showConfig(
  { given, deployments, faults }: ResourceInputs,
  settings: Settings,
): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const [location, { path, env, default: byDefault }] of patchableSettings()) {
    const value = valueAt(settings, path)
    // A list is shown as the text that a patch accepts.
    const asGiven =
      typeof value === 'object'
        ? (textOf(given.find(({ setting }) => setting.env === env)) ?? byDefault)
        : value
    setAt(shown, location.split('.'), asGiven ?? null)
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

/** Returns a deployment in the same form, or undefined if it does not exist. */
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
 * Loads the configuration. Priority: flag, variable, `.env`, default.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems, each with the name of its flag, variable or file
 */
export function loadConfig(sources: ConfigSources): Config {
  return loadLiveConfig(sources).current
}

/**
 * Loads and validates only some settings, for a command that uses no others.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems of those settings
 */
export function loadSettings(sources: ConfigSources, isUsed: (setting: Setting) => boolean): Settings {
  const { given, unreadable } = collectGivenValues(sources)
  return resolveSettings(
    given.filter(({ setting }) => isUsed(setting)),
    unreadable,
  )
}

/**
 * Loads the configuration in a form that can change at run time.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems, each with the name of its flag, variable or file
 */
export function loadLiveConfig(sources: ConfigSources): LiveConfig {
  const { inputs, problems: unread } = readInputs(sources)
  const problems = [...unread, ...certificateProblems(inputs.given, sources)]
  if (problems.length === 0) return new LiveConfig(inputs)
  const resolved = resolveInputs(inputs, { unread: problems })
  throw configError('start', 'problems' in resolved ? resolved.problems : problems)
}
