import { isDeepStrictEqual } from 'node:util'
import { canJoin, joinPatches, mergePatch } from '../lib/merge-patch.ts'
import type { ResourceKey, SigningKey } from './access-settings.ts'
import { defaultResourceName } from './config.ts'
import type { ConfigInputs, ResourceInputs, FileEntries } from './read-inputs.ts'
import { camelKeys } from './mapping-file.ts'
import { entryKeys } from './resolve-deployment.ts'
import { isRecord, ownValue, setKey } from '../lib/record.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { describeWrongValue } from './resolve-settings.ts'
import { hostKeys } from './settings-schema.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'

/** Changes of a resource since the start. */
export interface Changes {
  /** Deployments that were added or replaced, by name; null removes one. */
  readonly put: Readonly<Record<string, unknown>>
  /** One patch that combines all patches, applied after `put`. */
  readonly patch: unknown
  /** Keys that were added or changed, by id; null removes one. */
  readonly keys?: Readonly<Record<string, ResourceKey | null>>
  /** The key that signs tokens, which the first use of the token endpoint creates. */
  readonly signingKey?: SigningKey
  /** Names for people of deployments that were created through /_twin, by deployment. */
  readonly friendlyNames?: Readonly<Record<string, string>>
}

/** Changes since the start: of the default resource, and of named resources. JSON can represent all of them. */
export interface Patches extends Changes {
  readonly resources?: Readonly<Record<string, Changes>>
  /** Resources that were created or replaced at run time, by name; null removes one of the configuration file. */
  readonly made?: Readonly<Record<string, MadeResource | null>>
  /** Upstreams that were put at run time, by name, in the form of the configuration file with their secrets; null removes one. */
  readonly upstreams?: Readonly<Record<string, StoredUpstream | null>>
  /** Tenants of /_twin by id. */
  readonly tenants?: Readonly<Record<string, Tenant>>
  /** Feedback that tenants sent to /_twin, oldest first. */
  readonly feedback?: readonly Feedback[]
}

/** An upstream that was put at run time. */
export type StoredUpstream = Readonly<Record<string, unknown>>

/** A resource that was created at run time. */
export interface MadeResource {
  /** Its entry in the form of the configuration file, without keys. */
  readonly entry: Readonly<Record<string, unknown>>
  readonly keys: readonly ResourceKey[]
  /** Identity of its state. A later resource of the same name has another id. */
  readonly id: string
  /** Signs URLs of images and encrypted content of the resource. */
  readonly secret: string
  /** Id of the tenant that owns it; absent: the administrator. */
  readonly tenant?: string
  /** Name for people, of a resource that was created through /_twin. */
  readonly friendlyName?: string
  /** RFC 3339. */
  readonly createdAt: string
}

/** A tenant of /_twin. */
export interface Tenant {
  readonly friendlyName: string
  /** Salt and hash (scrypt) of the secret, each in base64. */
  readonly secret: { readonly salt: string; readonly hash: string }
  /** RFC 3339. */
  readonly createdAt: string
}

/** How far the administrator has come with feedback. */
export const feedbackStatuses = ['pending', 'in_progress', 'resolved', 'rejected'] as const

/** Feedback of a tenant. Times are RFC 3339. */
export interface Feedback {
  readonly id: string
  readonly tenant: string
  readonly body: string
  readonly category: string
  readonly context: unknown
  readonly status: (typeof feedbackStatuses)[number]
  readonly createdAt: string
  readonly updatedAt: string
}

/** No changes. */
export const noChanges: Changes = { put: {}, patch: {} }

/** Returns the changes of one resource. */
export function changesOf(patches: Patches, resource: string): Changes {
  if (resource === defaultResourceName) return patches
  const { resources = {} } = patches
  return (Object.hasOwn(resources, resource) ? resources[resource] : undefined) ?? noChanges
}

/** Returns patches in which the changes of one resource are replaced. */
export function withChanges(patches: Patches, resource: string, changes: Changes): Patches {
  if (resource === defaultResourceName) return { ...patches, ...changes }
  return { ...patches, resources: { ...patches.resources, [resource]: changes } }
}

/** Store that keeps the changes, or shares them with other processes. */
export interface PatchStore {
  /**
   * Replaces `base` with `patches` in the store. Returns `stored`, `later` if the store does not have them yet (they are in force
   * already), or the patches in the store if another process has replaced `base` first.
   */
  offer(patches: Patches, base: Patches): Promise<'stored' | 'later' | Patches>
  /**
   * Resolves when the patches offered last are stored, or could not be stored. Absent if `later` means that the store cannot be
   * reached.
   */
  settled?(): Promise<void>
}

/**
 * Returns a patch in the form in which patches are stored: keys of deployments in camelCase, so that no key has two spellings, and
 * null for each setting instead of null for their group, so that a later patch of one of them does not restore the others.
 */
export function normalizePatch(patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const members = Object.entries(patch).map(([name, value]) => [name, withoutNullGroups(name, value)])
  const settings = Object.fromEntries(members) as Record<string, unknown>
  if (!isRecord(patch[deploymentsKey])) return settings
  const renamed = Object.entries(patch[deploymentsKey]).map(([name, entry]) => [name, entryKeys(entry)])
  return { ...settings, [deploymentsKey]: Object.fromEntries(renamed) }
}

/** @param location name of a setting or a group, such as `latency.open_ai_embeddings` */
function withoutNullGroups(location: string, value: unknown): unknown {
  if (!isGroup(location) || !(value === null || isRecord(value))) return value
  const members = value ?? nullsOf(location)
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, withoutNullGroups(`${location}.${name}`, member)]),
  )
}

function nullsOf(group: string): Record<string, null> {
  const settings = [...patchable.keys()].filter((path) => path.startsWith(`${group}.`))
  const depth = group.split('.').length
  return Object.fromEntries(settings.map((path) => [path.split('.')[depth], null]))
}

/**
 * Adds a patch to the changes of a resource. Two merge patches cannot always be combined: a single patch cannot remove something
 * and create it again. In that case the deployment is put as a whole.
 *
 * @param now the inputs with all previous changes
 */
export function joinChanges(changes: Changes, patch: unknown, now: ResourceInputs): Changes {
  const before = deploymentsOf(changes.patch)
  const entries = isRecord(now.deployments.entries) ? now.deployments.entries : {}
  const whole = Object.entries(deploymentsOf(patch)).flatMap(([name, entry]) => {
    if (!isRecord(entry) || !Object.hasOwn(before, name) || canJoin(before[name], entry)) return []
    return [[name, mergePatch(entryKeys(ownValue(entries, name)), entry)] as const]
  })
  const names = new Set(whole.map(([name]) => name))
  return {
    ...changes,
    put: Object.fromEntries([...Object.entries(changes.put), ...whole]),
    patch: joinPatches(withoutPatchesOf(names, changes.patch), withoutPatchesOf(names, patch)),
  }
}

/** Returns changes in which a deployment is added or replaced, without patches of it. Null removes it. */
export function putEntry(changes: Changes, name: string, entry: unknown): Changes {
  const patch = withoutPatchesOf(new Set([name]), changes.patch)
  return { ...changes, put: { ...changes.put, [name]: entryKeys(entry) }, patch }
}

/** Returns the patch without the deployments in `names`. */
function withoutPatchesOf(names: ReadonlySet<string>, patch: unknown): unknown {
  if (!isRecord(patch) || !isRecord(patch[deploymentsKey])) return patch
  const others = Object.entries(patch[deploymentsKey]).filter(([key]) => !names.has(key))
  return { ...patch, [deploymentsKey]: Object.fromEntries(others) }
}

/** Reuses equal entries of the previous inputs, so that they are not validated again and their deployments stay the same. */
export function reuseEntries(next: ConfigInputs, before: ConfigInputs): ConfigInputs {
  const reused = reuseDeployments(next, before)
  if (!reused.resources) return reused
  let resources: Record<string, ResourceInputs> | undefined
  for (const [name, inputs] of Object.entries(reused.resources)) {
    const same = ownValue(before.resources, name)
    if (!same || same === inputs) continue
    resources ??= { ...reused.resources }
    resources[name] = reuseResource(inputs, same)
  }
  return resources ? { ...reused, resources } : reused
}

/** What resources and their deployments were replaced with, so that they are compared once. */
const reusedResources = new WeakMap<ResourceInputs, ResourceInputs>()
const reusedEntries = new WeakMap<FileEntries, FileEntries>()

function reuseResource(next: ResourceInputs, before: ResourceInputs): ResourceInputs {
  if (reusedResources.get(next) === before) return before
  const reused = reuseDeployments(next, before)
  reusedResources.set(next, reused)
  return reused
}

function reuseDeployments<T extends ResourceInputs>(next: T, before: ResourceInputs): T {
  if (reusedEntries.get(next.deployments) === before.deployments)
    return { ...next, deployments: before.deployments }
  const reused = compareDeployments(next, before)
  reusedEntries.set(next.deployments, reused.deployments)
  return reused
}

function compareDeployments<T extends ResourceInputs>(next: T, before: ResourceInputs): T {
  const { entries, location } = next.deployments
  const { entries: known, location: knownLocation } = before.deployments
  if (!isRecord(entries) || !isRecord(known) || entries === known) return next
  const names = Object.keys(entries)
  const knownNames = Object.keys(known)
  let isSame = location === knownLocation && names.length === knownNames.length
  let reused: Record<string, unknown> | undefined
  for (const [index, name] of names.entries()) {
    const entry = entries[name]
    const same = Object.hasOwn(known, name) ? known[name] : undefined
    const isKnown = same === entry || (same !== undefined && isDeepStrictEqual(same, entry))
    isSame &&= isKnown && knownNames[index] === name
    if (!isKnown || same === entry) continue
    reused ??= { ...entries }
    setKey(reused, name, same)
  }
  if (isSame) return { ...next, deployments: before.deployments }
  return reused ? { ...next, deployments: { entries: reused, location } } : next
}

function deploymentsOf(patch: unknown): Readonly<Record<string, unknown>> {
  const deployments = isRecord(patch) ? patch[deploymentsKey] : undefined
  return isRecord(deployments) ? deployments : {}
}

/** Key of the deployments in a patch. */
const deploymentsKey = 'openai_deployments'
/** Key of the faults for all deployments in a patch. */
const faultsKey = 'faults'

/** Settings that can change at run time, by their path in a patch. */
const patchable: ReadonlyMap<string, Setting> = new Map(
  settingsTable().flatMap((setting) => (setting.patch === undefined ? [] : [[setting.patch, setting]])),
)

/** Returns the settings that can change at run time, by their path in the admin API: `latency.time_scale`. */
export function patchableSettings(): ReadonlyMap<string, Setting> {
  return patchable
}

/** Inputs after a patch, not yet validated, with problems of the form of the patch. */
export interface PatchedInputs<T extends ResourceInputs> {
  readonly inputs: T
  /** One or two sentences each, with the path in the patch. */
  readonly problems: readonly string[]
}

/**
 * Applies a JSON merge patch (RFC 7396) of the answer of GET /++/config. Null resets a setting to its default, and removes a
 * deployment.
 *
 * @param isNamed whether the inputs are those of a named resource, which has no host settings
 */
export function patchInputs<T extends ResourceInputs>(
  inputs: T,
  patch: unknown,
  isNamed = false,
): PatchedInputs<T> {
  if (!isRecord(patch)) {
    return {
      inputs,
      problems: [`The patch must be a mapping (got ${showValue(patch)}). Send a JSON object.`],
    }
  }
  const { [deploymentsKey]: deployments, [faultsKey]: faults, ...rest } = patch
  const problems: string[] = []
  const given = patchGiven(inputs.given, rest, problems, isNamed)
  if (deployments !== undefined && !isRecord(deployments)) {
    problems.push(
      `${deploymentsKey} must map deployment names to deployments (got ${showValue(deployments)}). Send an object.`,
    )
  }
  return {
    inputs: {
      ...inputs,
      given,
      ...(isRecord(deployments) && { deployments: patchDeployments(inputs.deployments, deployments) }),
      ...(faults !== undefined && {
        faults: { entries: { faults: faults === null ? [] : camelKeys(faults) }, location: 'patch' },
      }),
    },
    problems,
  }
}

/** Adds or replaces deployments, in the form of the deployment file, by name. Null removes one. */
export function putDeployments<T extends ResourceInputs>(
  inputs: T,
  put: Readonly<Record<string, unknown>>,
): T {
  const { entries } = inputs.deployments
  const given = Object.entries(put)
  if (given.length === 0) return inputs
  // New and replaced deployments are last.
  const merged: Record<string, unknown> = isRecord(entries) ? { ...entries } : {}
  for (const [name] of given) delete merged[name]
  for (const [name, entry] of given) if (entry !== null) setKey(merged, name, entry)
  return { ...inputs, deployments: { entries: merged, location: deploymentsKey } }
}

function patchDeployments({ entries }: FileEntries, patch: Record<string, unknown>): FileEntries {
  const renamed = Object.fromEntries(Object.entries(patch).map(([name, entry]) => [name, entryKeys(entry)]))
  const known = isRecord(entries) ? entries : {}
  const merged = mergePatch({ ...known, ...currentKeys(known, Object.keys(renamed)) }, renamed)
  return { entries: merged, location: deploymentsKey }
}

/** Returns the entries with these names, with the current names of their keys. */
function currentKeys(
  entries: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(entries, name)).map((name) => [name, entryKeys(entries[name])]),
  )
}

function patchGiven(
  given: readonly GivenValue[],
  patch: Record<string, unknown>,
  problems: string[],
  isNamed: boolean,
): readonly GivenValue[] {
  const changes = new Map<Setting, GivenValue | undefined>()
  const unknown: { readonly location: string; readonly value: unknown }[] = []
  const walk = (node: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const location = `${prefix}${key}`
      const setting = patchable.get(location)
      if (setting && isNamed && hostKeys.has(setting.path[0] ?? '')) {
        problems.push(`${location} is a setting of all resources. Patch it without naming a resource.`)
      } else if (setting && Array.isArray(value)) {
        // A list is one text in a patch.
        problems.push(...describeWrongValue(givenValue(setting, value, location)))
      } else if (setting)
        changes.set(setting, value === null ? undefined : givenValue(setting, value, location))
      else if (isGroup(location) && isRecord(value)) walk(value, `${location}.`)
      else unknown.push({ location, value })
    }
  }
  walk(patch, '')
  problems.push(...describeFirst(unknown, ({ location, value }) => describeUnknown(location, value)))
  const unchanged = given.filter(({ setting }) => !changes.has(setting))
  return [...unchanged, ...[...changes.values()].filter((change) => change !== undefined)]
}

function isGroup(location: string): boolean {
  return [...patchable.keys()].some((path) => path.startsWith(`${location}.`))
}

/** Parts of the entry of a resource that a patch cannot change, with what to do instead. */
const unpatchable: Readonly<Record<string, string>> = {
  keys: 'Use /++/resources/{resource}/keys.',
  upstream: 'PUT the resource.',
  incidents: 'PUT the resource, or POST /++/incidents/start.',
}

function describeUnknown(location: string, value: unknown): string {
  const advice = ownValue(unpatchable, location)
  if (advice !== undefined) return `${location} cannot be patched. ${advice}`
  if (isGroup(location)) return `${location} must be a mapping (got ${showValue(value)}). Send an object.`
  const setting = settingsTable().find(({ env }) => env.toLowerCase().replace(/^simulator_/, '') === location)
  if (setting) return `${location} cannot change at run time. Set ${setting.env} and restart.`
  const [nearest] = nearestNames(location, [...patchable.keys(), deploymentsKey, faultsKey], 1)
  return `${shortText(location)} is not part of the configuration.${nearest === undefined ? ' Remove it.' : ` Did you mean ${nearest}?`}`
}
