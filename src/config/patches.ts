import { isDeepStrictEqual } from 'node:util'
import { defaultResourceName } from './config.ts'
import type { ConfigInputs, ResourceInputs, FileEntries } from './read-inputs.ts'
import { camelKeys } from './mapping-file.ts'
import { isRecord } from '../lib/record.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { describeWrongValue } from './resolve-inputs.ts'
import { hostKeys } from './settings-schema.ts'
import { type GivenValue, givenValue, type Setting, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'

/** What was changed of a resource since the start. */
export interface Changes {
  /** Deployments that stand in the place of what had their name, as they were given; null removes one. */
  readonly put: Readonly<Record<string, unknown>>
  /** All patches as one, on top of that. */
  readonly patch: unknown
}

/** What was changed since the start: of the default resource, and of those that have a name. */
export interface Patches extends Changes {
  readonly resources?: Readonly<Record<string, Changes>>
}

/** No changes. */
export const noChanges: Changes = { put: {}, patch: {} }

/** What was changed of one resource. */
export function changesOf(patches: Patches, resource: string): Changes {
  if (resource === defaultResourceName) return { put: patches.put, patch: patches.patch }
  const { resources = {} } = patches
  return (Object.hasOwn(resources, resource) ? resources[resource] : undefined) ?? noChanges
}

/** The same with other changes of one resource. */
export function withChanges(patches: Patches, resource: string, changes: Changes): Patches {
  if (resource === defaultResourceName) return { ...patches, ...changes }
  return { ...patches, resources: { ...patches.resources, [resource]: changes } }
}

/** Where several processes keep what was changed, so that all have the same. */
export interface OverlayStore {
  /**
   * Offers changes in the place of those that they are based on: `kept` when they are there now, `away` when the store cannot
   * be reached, or what another process has put there meanwhile.
   */
  offer(patches: Patches, base: Patches): Promise<'kept' | 'away' | Patches>
}

/** Gives the keys of a patch's deployments one spelling, so that two of one key cannot stand side by side. */
export function withCamelKeys(patch: unknown): unknown {
  if (!isRecord(patch) || !isRecord(patch[deploymentsKey])) return patch
  const renamed = Object.entries(patch[deploymentsKey]).map(([name, entry]) => [name, camelKeys(entry)])
  return { ...patch, [deploymentsKey]: Object.fromEntries(renamed) }
}

/**
 * Adds a patch to what was changed of a resource before. Two merge patches cannot always be told as one: that something is removed and made
 * anew has no form. A deployment for which that is so is put as a whole.
 *
 * @param now the inputs with all that was changed before
 */
export function joinChanges(changes: Changes, patch: unknown, now: ResourceInputs): Changes {
  const before = deploymentsOf(changes.patch)
  const entries = isRecord(now.deployments.entries) ? now.deployments.entries : {}
  const whole = Object.entries(deploymentsOf(patch)).flatMap(([name, entry]) => {
    if (!isRecord(entry) || !Object.hasOwn(before, name) || canJoin(before[name], entry)) return []
    return [[name, mergePatch(Object.hasOwn(entries, name) ? entries[name] : undefined, entry)] as const]
  })
  const names = new Set(whole.map(([name]) => name))
  return {
    put: Object.fromEntries([...Object.entries(changes.put), ...whole]),
    patch: joinPatches(withoutPatchesOf(names, changes.patch), withoutPatchesOf(names, patch)),
  }
}

/** A patch that leaves deployments alone. */
export function withoutPatchesOf(names: ReadonlySet<string>, patch: unknown): unknown {
  if (!isRecord(patch) || !isRecord(patch[deploymentsKey])) return patch
  const others = Object.entries(patch[deploymentsKey]).filter(([key]) => !names.has(key))
  return { ...patch, [deploymentsKey]: Object.fromEntries(others) }
}

/** Lets an entry that has not changed stay the same object, so that it need not be checked again and its deployment stays. */
export function keepingEntries(next: ConfigInputs, before: ConfigInputs): ConfigInputs {
  const kept = keepingDeployments(next, before)
  if (!kept.resources) return kept
  const known = before.resources ?? {}
  const resources = Object.entries(kept.resources).map(([name, inputs]) => {
    const same = Object.hasOwn(known, name) ? known[name] : undefined
    return [name, same && same !== inputs ? keepingDeployments(inputs, same) : inputs] as const
  })
  return { ...kept, resources: Object.fromEntries(resources) }
}

function keepingDeployments<T extends ResourceInputs>(next: T, before: ResourceInputs): T {
  const { entries, place } = next.deployments
  const { entries: known, place: knownPlace } = before.deployments
  if (!isRecord(entries) || !isRecord(known) || entries === known) return next
  const names = Object.keys(entries)
  const knownNames = Object.keys(known)
  let isSame = place === knownPlace && names.length === knownNames.length
  let kept: Record<string, unknown> | undefined
  for (const [index, name] of names.entries()) {
    const entry = entries[name]
    const same = Object.hasOwn(known, name) ? known[name] : undefined
    const isKnown = same === entry || (same !== undefined && isDeepStrictEqual(same, entry))
    isSame &&= isKnown && knownNames[index] === name
    if (!isKnown || same === entry) continue
    kept ??= { ...entries }
    define(kept, name, same)
  }
  if (isSame) return { ...next, deployments: before.deployments }
  return kept ? { ...next, deployments: { entries: kept, place } } : next
}

function deploymentsOf(patch: unknown): Readonly<Record<string, unknown>> {
  const deployments = isRecord(patch) ? patch[deploymentsKey] : undefined
  return isRecord(deployments) ? deployments : {}
}

/** Where a patch has the deployments. */
const deploymentsKey = 'openai_deployments'
/** And the faults over all of them. */
const faultsKey = 'faults'

/** The settings that can change at run time, by where a patch has them. */
const patchable: ReadonlyMap<string, Setting> = new Map(
  settingsTable().flatMap((setting) => (setting.patch === undefined ? [] : [[setting.patch, setting]])),
)

/** The settings that can change at run time, by where the administration has them: `latency.time_scale`. */
export function patchableSettings(): ReadonlyMap<string, Setting> {
  return patchable
}

/** What a patch makes of the inputs, unchecked, and what of the patch means nothing. */
export interface PatchedInputs<T extends ResourceInputs> {
  readonly inputs: T
  /** One sentence or two each, with the place in the patch. */
  readonly problems: readonly string[]
}

/**
 * Applies a patch: a JSON merge patch (RFC 7396) of what GET /++/config answers. Null puts a setting back to its default
 * and removes a deployment.
 *
 * @param isNamed whether they are those of a named resource, which has no settings of the host
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
        faults: { entries: { faults: faults === null ? [] : camelKeys(faults) }, place: 'patch' },
      }),
    },
    problems,
  }
}

/** Puts deployments, in the form of files, into the place of those of their names; null removes one. */
export function putDeployments<T extends ResourceInputs>(
  inputs: T,
  put: Readonly<Record<string, unknown>>,
): T {
  const { entries } = inputs.deployments
  const given = Object.entries(put)
  if (given.length === 0) return inputs
  // What is put stands behind what was there.
  const merged: Record<string, unknown> = isRecord(entries) ? { ...entries } : {}
  for (const [name] of given) delete merged[name]
  for (const [name, entry] of given) if (entry !== null) define(merged, name, entry)
  return { ...inputs, deployments: { entries: merged, place: deploymentsKey } }
}

function patchDeployments({ entries }: FileEntries, patch: Record<string, unknown>): FileEntries {
  const renamed = Object.fromEntries(Object.entries(patch).map(([name, entry]) => [name, camelKeys(entry)]))
  return { entries: mergePatch(entries, renamed), place: deploymentsKey }
}

function patchGiven(
  given: readonly GivenValue[],
  patch: Record<string, unknown>,
  problems: string[],
  isNamed: boolean,
): readonly GivenValue[] {
  const changes = new Map<Setting, GivenValue | undefined>()
  const unknown: { readonly place: string; readonly value: unknown }[] = []
  const walk = (node: Record<string, unknown>, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      const place = `${prefix}${key}`
      const setting = patchable.get(place)
      if (setting && isNamed && hostKeys.has(setting.path[0] ?? '')) {
        problems.push(`${place} is a setting of all resources together. Patch it there.`)
      } else if (setting && Array.isArray(value)) {
        // A list stands there in one text.
        problems.push(describeWrongValue(givenValue(setting, value, place)))
      } else if (setting) changes.set(setting, value === null ? undefined : givenValue(setting, value, place))
      else if (isGroup(place) && isRecord(value)) walk(value, `${place}.`)
      else unknown.push({ place, value })
    }
  }
  walk(patch, '')
  problems.push(...describeFirst(unknown, ({ place, value }) => describeUnknown(place, value)))
  const kept = given.filter(({ setting }) => !changes.has(setting))
  return [...kept, ...[...changes.values()].filter((change) => change !== undefined)]
}

function isGroup(place: string): boolean {
  return [...patchable.keys()].some((path) => path.startsWith(`${place}.`))
}

function describeUnknown(place: string, value: unknown): string {
  if (isGroup(place)) return `${place} must be a mapping (got ${showValue(value)}). Send an object.`
  const setting = settingsTable().find(({ env }) => env.toLowerCase().replace(/^simulator_/, '') === place)
  if (setting) return `${place} cannot change at run time. Set ${setting.env} and start again.`
  const [nearest] = nearestNames(place, [...patchable.keys(), deploymentsKey, faultsKey], 1)
  return `${shortText(place)} is no part of the configuration.${nearest === undefined ? ' Leave it out.' : ` Did you mean ${nearest}?`}`
}

/**
 * Applies a JSON merge patch (RFC 7396): mappings are merged, null removes, everything else replaces. Parts that the patch
 * does not touch stay the same objects.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else define(merged, key, mergePatch(merged[key], value))
  }
  return merged
}

/**
 * Whether one patch can say what two say that follow each other. None can where the later one goes into what the first one
 * removes or sets: as one, it would go into what was there before both.
 */
export function canJoin(first: unknown, second: unknown): boolean {
  if (!isRecord(second)) return true
  if (!isRecord(first)) return false
  return Object.entries(second).every(
    ([key, value]) => !Object.hasOwn(first, key) || canJoin(first[key], value),
  )
}

/** Makes one patch of two that follow each other, where `canJoin` says so: what the later one says goes, and its nulls still remove. */
export function joinPatches(first: unknown, second: unknown): unknown {
  if (!isRecord(first) || !isRecord(second)) return second
  const joined: Record<string, unknown> = { ...first }
  for (const [key, value] of Object.entries(second)) {
    define(joined, key, Object.hasOwn(joined, key) ? joinPatches(joined[key], value) : value)
  }
  return joined
}

/** A key such as `__proto__` is a key like others. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
