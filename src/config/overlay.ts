import { isDeepStrictEqual } from 'node:util'
import type { ConfigInputs } from './config-inputs.ts'
import { canJoin, joinPatches, mergePatch } from './json-merge-patch.ts'
import { camelKeys } from './key-case.ts'
import { deploymentsKey } from './patch-inputs.ts'
import { isRecord } from './resolve-deployment.ts'

/** What was changed since the start. */
export interface Overlay {
  /** Deployments that stand in the place of what had their name, as they were given; null removes one. */
  readonly put: Readonly<Record<string, unknown>>
  /** All patches as one, on top of that. */
  readonly patch: unknown
}

/** Where several processes keep what was changed, so that all have the same. */
export interface OverlayStore {
  /**
   * Offers changes in the place of those that they are based on: `kept` when they are there now, `away` when the store cannot
   * be reached, or what another process has put there meanwhile.
   */
  offer(overlay: Overlay, base: Overlay): Promise<'kept' | 'away' | Overlay>
}

/** Gives the keys of a patch's deployments one spelling, so that two of one key cannot stand side by side. */
export function withCamelKeys(patch: unknown): unknown {
  if (!isRecord(patch) || !isRecord(patch[deploymentsKey])) return patch
  const renamed = Object.entries(patch[deploymentsKey]).map(([name, entry]) => [name, camelKeys(entry)])
  return { ...patch, [deploymentsKey]: Object.fromEntries(renamed) }
}

/**
 * Adds a patch to what was changed before. Two merge patches cannot always be told as one: that something is removed and made
 * anew has no form. A deployment for which that is so is put as a whole.
 *
 * @param now the inputs with all that was changed before
 */
export function joinOverlay(overlay: Overlay, patch: unknown, now: ConfigInputs): Overlay {
  const before = deploymentsOf(overlay.patch)
  const entries = isRecord(now.deployments.entries) ? now.deployments.entries : {}
  const whole = Object.entries(deploymentsOf(patch)).flatMap(([name, entry]) => {
    if (!isRecord(entry) || !Object.hasOwn(before, name) || canJoin(before[name], entry)) return []
    return [[name, mergePatch(Object.hasOwn(entries, name) ? entries[name] : undefined, entry)] as const]
  })
  const names = new Set(whole.map(([name]) => name))
  return {
    put: Object.fromEntries([...Object.entries(overlay.put), ...whole]),
    patch: joinPatches(withoutPatchesOf(names, overlay.patch), withoutPatchesOf(names, patch)),
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
  const { entries, place } = next.deployments
  const known = before.deployments.entries
  if (!isRecord(entries) || !isRecord(known) || entries === known) return next
  const kept = Object.entries(entries).map(([name, entry]) => {
    const same = Object.hasOwn(known, name) && isDeepStrictEqual(known[name], entry)
    return [name, same ? known[name] : entry]
  })
  return { ...next, deployments: { entries: Object.fromEntries(kept), place } }
}

function deploymentsOf(patch: unknown): Readonly<Record<string, unknown>> {
  const deployments = isRecord(patch) ? patch[deploymentsKey] : undefined
  return isRecord(deployments) ? deployments : {}
}
