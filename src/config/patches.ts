import { isDeepStrictEqual } from 'node:util'
import { defaultResourceName } from './config.ts'
import type { ConfigInputs, ResourceInputs } from './config-inputs.ts'
import { canJoin, define, joinPatches, mergePatch } from './json-merge-patch.ts'
import { camelKeys } from './key-case.ts'
import { deploymentsKey } from './patch-inputs.ts'
import { isRecord } from '../lib/record.ts'

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
