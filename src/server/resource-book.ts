import { randomBytes } from 'node:crypto'
import { inputsOf } from '../config/apply-patches.ts'
import { generateKey, hashOfKey, type ResourceKey, type SigningKey } from '../config/access-settings.ts'
import { defaultResourceName } from '../config/config.ts'
import { spellingProblems } from '../config/file-settings.ts'
import type { LiveConfig } from '../config/live-config.ts'
import {
  type Changes,
  changesOf,
  type MadeResource,
  type Patches,
  putEntry,
  withChanges,
} from '../config/patches.ts'
import type { ConfigInputs, ResourceInputs } from '../config/read-inputs.ts'
import { type EntryContext, readResourceEntry, storedEntry } from '../config/resource-entry.ts'
import { showValue } from '../config/zod-problems.ts'
import type { Clock } from '../lib/clock.ts'
import { fieldsOf, ownValue, withoutKey } from '../lib/record.ts'
import { isResourceName, resourceNameRule } from '../wire/route.ts'

/** Maximum number of resources. With 1,000 resources and 10,000 deployments, a change takes less than 20 ms. */
const MAX_RESOURCES = 10_000

const MAX_KEYS_OF_RESOURCE = 100

/** Limits of one tenant, so that it leaves room for others. */
const MAX_RESOURCES_OF_TENANT = 1_000
const MAX_DEPLOYMENTS_OF_TENANT_RESOURCE = 1_000

/** Result of a change of resources. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Something with this name exists already. Nothing has changed. */
  | { readonly kind: 'exists' }
  /** The resource, or the part of it, does not exist, or belongs to another tenant. */
  | { readonly kind: 'unknown' }
  /** Problems have one or two sentences each. `isFull`: the maximum number exists already. Nothing has changed. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[]; readonly isFull?: boolean }

/** Who makes a change. A tenant sees only its own resources; absent: the administrator, who sees all. */
export interface Actor {
  readonly tenant?: string | undefined
}

/** Name for people, which only /_twin shows. */
interface Named {
  readonly friendlyName?: string
}

/** A key that was added, with its text, which is shown only once. */
export interface AddedKey extends ResourceKey {
  readonly text: string
}

/** Dependencies of a `ResourceBook`. */
export interface ResourceBookDeps {
  readonly live: LiveConfig
  readonly clock: Clock
  /** Creates an RSA key pair, which takes about 0.2 s. */
  readonly makeSigningKey: () => Promise<SigningKey>
}

type Planned<T> = { readonly patches?: Patches; readonly result: Outcome<T> }

/** The one place that creates, changes and deletes resources and their keys. The admin API and /_twin use it. */
export class ResourceBook {
  readonly #live: LiveConfig
  readonly #clock: Clock
  readonly #makeSigningKey: () => Promise<SigningKey>
  /** Keys that are being created, by the id of their resource. */
  readonly #signing = new Map<string, Promise<SigningKey | undefined>>()

  constructor({ live, clock, makeSigningKey }: ResourceBookDeps) {
    this.#live = live
    this.#clock = clock
    this.#makeSigningKey = makeSigningKey
  }

  /** Returns the inputs of a resource that the actor may see. */
  find(name: string, { tenant }: Actor = {}): ResourceInputs | undefined {
    return visible(this.#live.inputs, name, tenant)
  }

  /** Creates a resource. `unknown` means that the tenant does not exist. */
  create(name: string, entry: unknown, actor: Actor & Named = {}): Promise<Outcome<'created'>> {
    return this.#put(name, entry, actor, true)
  }

  /** Creates a resource, or replaces its entry. A replaced resource keeps its state, and its keys unless the entry has keys. */
  put(name: string, entry: unknown, actor: Actor = {}): Promise<Outcome<'created' | 'replaced'>> {
    return this.#put(name, entry, actor, false)
  }

  /** Deletes a resource with its deployments, keys and state. */
  remove(name: string, { tenant }: Actor = {}): Promise<Outcome<undefined>> {
    return this.#change((patches, inputs) => {
      if (name === defaultResourceName || !visible(inputs, name, tenant))
        return { result: { kind: 'unknown' } }
      return {
        patches: withoutResources(patches, new Set([name]), this.#live.base),
        result: { kind: 'done', value: undefined },
      }
    })
  }

  /**
   * Adds a key.
   *
   * @param key text of the key; default: 64 random hexadecimal digits
   */
  async addKey(
    resource: string,
    { label, key }: { readonly label?: string | undefined; readonly key?: string | undefined } = {},
    actor: Actor = {},
  ): Promise<Outcome<AddedKey>> {
    const text = key ?? randomBytes(32).toString('hex')
    const stored: ResourceKey = {
      id: `apikey_${randomBytes(12).toString('base64url')}`,
      ...(label !== undefined && { label }),
      hash: hashOfKey(text),
      createdAt: this.#now(),
    }
    const outcome = await this.#changeKeys<AddedKey>(resource, actor, (keys) => {
      if (keys.some(({ hash }) => hash === stored.hash)) return { kind: 'exists' }
      if (keys.length >= MAX_KEYS_OF_RESOURCE)
        return tooMany('A resource', MAX_KEYS_OF_RESOURCE, 'keys').result
      return { kind: 'done', id: stored.id, key: stored, value: { ...stored, text } }
    })
    if (outcome.kind === 'done') this.#live.secrets.learn(text)
    return outcome
  }

  /** Enables or disables a key, or changes its label. */
  changeKey(
    resource: string,
    id: string,
    change: { readonly enabled?: boolean | undefined; readonly label?: string | undefined },
    actor: Actor = {},
  ): Promise<Outcome<ResourceKey>> {
    return this.#changeKeys(resource, actor, (keys) => {
      const before = keys.find((key) => key.id === id)
      if (!before) return { kind: 'unknown' }
      const { enabled = before.enabled, label = before.label } = change
      const key = { ...before, enabled, label }
      return { kind: 'done', id, key, value: key }
    })
  }

  /** Deletes a key. Requests with it, and with tokens that it has issued, are refused from then on. */
  removeKey(resource: string, id: string, actor: Actor = {}): Promise<Outcome<undefined>> {
    return this.#changeKeys(resource, actor, (keys) =>
      keys.some((key) => key.id === id)
        ? { kind: 'done', id, key: null, value: undefined }
        : { kind: 'unknown' },
    )
  }

  /**
   * Adds or replaces a deployment.
   *
   * @param options.onlyNew whether an existing deployment is not replaced
   */
  putDeployment(
    resource: string,
    name: string,
    entry: unknown,
    { tenant, onlyNew = false, friendlyName = '' }: Actor & Named & { readonly onlyNew?: boolean } = {},
  ): Promise<Outcome<'created' | 'replaced'>> {
    const problems = spellingProblems(entry)
    return this.#change((patches, inputs) => {
      const own = visible(inputs, resource, tenant)
      if (!own) return { result: { kind: 'unknown' } }
      if (problems.length > 0) return { result: { kind: 'invalid', problems } }
      const exists = hasDeployment(own, name)
      if (exists && onlyNew) return { result: { kind: 'exists' } }
      if (
        tenant !== undefined &&
        Object.keys(fieldsOf(own.deployments.entries)).length >= MAX_DEPLOYMENTS_OF_TENANT_RESOURCE
      ) {
        return tooMany('A resource', MAX_DEPLOYMENTS_OF_TENANT_RESOURCE, 'deployments')
      }
      const changes = withFriendlyName(changesOf(patches, resource), name, friendlyName)
      return {
        patches: withChanges(patches, resource, putEntry(changes, name, entry)),
        result: { kind: 'done', value: exists ? 'replaced' : 'created' },
      }
    })
  }

  /** Deletes a deployment. */
  removeDeployment(resource: string, name: string, { tenant }: Actor = {}): Promise<Outcome<undefined>> {
    return this.#change((patches, inputs) => {
      const own = visible(inputs, resource, tenant)
      if (!own || !hasDeployment(own, name)) return { result: { kind: 'unknown' } }
      const changes = withFriendlyName(changesOf(patches, resource), name, '')
      return {
        patches: withChanges(patches, resource, putEntry(changes, name, null)),
        result: { kind: 'done', value: undefined },
      }
    })
  }

  /** Returns the key with which a resource signs tokens. The first call creates it. Undefined if the resource does not exist. */
  signingKey(resource: string): Promise<SigningKey | undefined> {
    const view = this.#live.current.resources.get(resource)
    if (!view || view.signingKey) return Promise.resolve(view?.signingKey)
    const { id } = view
    const known = this.#signing.get(id)
    if (known) return known
    const made = this.#storeSigningKey(resource, id).finally(() => this.#signing.delete(id))
    this.#signing.set(id, made)
    return made
  }

  async #storeSigningKey(resource: string, id: string): Promise<SigningKey | undefined> {
    const made = await this.#makeSigningKey()
    const outcome = await this.#change<SigningKey>((patches, inputs) => {
      const own = inputsOf(inputs, resource)
      // Deleted in the meantime, or created again.
      if (!own || (own.id ?? resource) !== id) return { result: { kind: 'unknown' } }
      if (own.signingKey) return { result: { kind: 'done', value: own.signingKey } }
      const changes = { ...changesOf(patches, resource), signingKey: made }
      return { patches: withChanges(patches, resource, changes), result: { kind: 'done', value: made } }
    })
    return outcome.kind === 'done' ? outcome.value : undefined
  }

  async #put<K extends 'created' | 'replaced'>(
    name: string,
    entry: unknown,
    { tenant, friendlyName }: Actor & Named,
    onlyNew: boolean,
  ): Promise<Outcome<K>> {
    if (!isResourceName(name)) {
      return {
        kind: 'invalid',
        problems: [`The name of a resource ${resourceNameRule} (got ${showValue(name)}).`],
      }
    }
    const fresh = {
      id: `${name}~${randomBytes(9).toString('base64url')}`,
      secret: generateKey(),
    }
    const createdAt = this.#now()
    return this.#change((patches, inputs) => {
      if (tenant !== undefined && !ownValue(patches.tenants, tenant)) return { result: { kind: 'unknown' } }
      const own = inputsOf(inputs, name)
      if (own && (onlyNew || (tenant !== undefined && own.tenant !== tenant)))
        return { result: { kind: 'exists' } }
      const others = Object.values(inputs.resources ?? {})
      if (!own && others.length >= MAX_RESOURCES) return tooMany('The simulator', MAX_RESOURCES, 'resources')
      const ofTenant = tenant === undefined ? [] : others.filter((resource) => resource.tenant === tenant)
      if (!own && ofTenant.length >= MAX_RESOURCES_OF_TENANT)
        return tooMany('A tenant', MAX_RESOURCES_OF_TENANT, 'resources')
      const context: EntryContext = { models: inputs.models, before: own }
      const read = readResourceEntry(entry, context)
      if (read.problems.length > 0) return { result: { kind: 'invalid', problems: read.problems } }
      const before = ownValue(patches.made, name)
      const owner = own ? own.tenant : tenant
      const named = friendlyName ?? before?.friendlyName
      const made: MadeResource = {
        entry: storedEntry(entry, context),
        keys: read.inputs.keys ?? [],
        id: own ? (own.id ?? name) : fresh.id,
        secret: own?.generatedKey ?? fresh.secret,
        ...(owner !== undefined && { tenant: owner }),
        ...(named !== undefined && { friendlyName: named }),
        createdAt: before?.createdAt ?? createdAt,
      }
      const otherChanges = withoutKey(patches.resources, name)
      const { signingKey } = ownValue(patches.resources, name) ?? {}
      const resources = signingKey
        ? { ...otherChanges, [name]: { put: {}, patch: {}, signingKey } }
        : otherChanges
      return {
        patches: { ...patches, resources, made: { ...patches.made, [name]: made } },
        result: { kind: 'done', value: (own ? 'replaced' : 'created') as K },
      }
    })
  }

  #changeKeys<T>(
    resource: string,
    { tenant }: Actor,
    change: (
      keys: readonly ResourceKey[],
    ) =>
      | Exclude<Outcome<T>, { readonly kind: 'done' }>
      | { readonly kind: 'done'; readonly id: string; readonly key: ResourceKey | null; readonly value: T },
  ): Promise<Outcome<T>> {
    return this.#change<T>((patches, inputs) => {
      const own = visible(inputs, resource, tenant)
      if (!own) return { result: { kind: 'unknown' } }
      const changed = change(own.keys ?? [])
      if (changed.kind !== 'done') return { result: changed }
      const before = changesOf(patches, resource)
      const others = withoutKey(before.keys, changed.id)
      const isListed = keysBefore(this.#live, patches, resource).some(({ id }) => id === changed.id)
      const keys = changed.key === null && !isListed ? others : { ...others, [changed.id]: changed.key }
      return {
        patches: withChanges(patches, resource, { ...before, keys }),
        result: { kind: 'done', value: changed.value },
      }
    })
  }

  async #change<T>(plan: (patches: Patches, inputs: ConfigInputs) => Planned<T>): Promise<Outcome<T>> {
    const { problems, result } = await this.#live.update(plan)
    return problems.length > 0 ? { kind: 'invalid', problems } : result
  }

  #now(): string {
    return new Date(this.#clock.epochMs()).toISOString()
  }
}

/** Returns patches without resources, their changes and their keys. Resources in the configuration are marked as deleted. */
export function withoutResources(
  patches: Patches,
  names: ReadonlySet<string>,
  base: LiveConfig['base'],
): Patches {
  const others = <T>(all: Readonly<Record<string, T>> = {}): [string, T][] =>
    Object.entries(all).filter(([name]) => !names.has(name))
  const configured = [...names].filter((name) => Object.hasOwn(base.resources ?? {}, name))
  return {
    ...patches,
    resources: Object.fromEntries(others(patches.resources)),
    made: Object.fromEntries([...others(patches.made), ...configured.map((name) => [name, null] as const)]),
  }
}

function tooMany(owner: string, most: number, parts: string) {
  const problems = [`${owner} can have at most ${most} ${parts}. Delete one first.`]
  return { result: { kind: 'invalid', problems, isFull: true } } as const
}

/** Returns changes in which a deployment has a name for people; empty removes it. */
function withFriendlyName(changes: Changes, deployment: string, friendlyName: string): Changes {
  const { friendlyNames: before, ...rest } = changes
  const others = withoutKey(before, deployment)
  const friendlyNames = friendlyName === '' ? others : { ...others, [deployment]: friendlyName }
  return Object.keys(friendlyNames).length === 0 ? rest : { ...rest, friendlyNames }
}

function visible(inputs: ConfigInputs, name: string, tenant: string | undefined): ResourceInputs | undefined {
  const own = inputsOf(inputs, name)
  return own && (tenant === undefined || own.tenant === tenant) ? own : undefined
}

/** Returns the keys of the entry of a resource, without those that were added later. */
function keysBefore({ base }: LiveConfig, { made }: Patches, resource: string): readonly ResourceKey[] {
  return ownValue(made, resource)?.keys ?? inputsOf(base, resource)?.keys ?? []
}

function hasDeployment({ deployments }: ResourceInputs, name: string): boolean {
  return Object.hasOwn(fieldsOf(deployments.entries), name)
}
