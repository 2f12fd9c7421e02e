import type { Change } from '../components/diff.ts'

/** A JSON object. It can have any member, such as `__proto__`. */
export type Tree = Readonly<Record<string, unknown>>

/** Members and indexes from the root. */
export type Path = readonly (string | number)[]

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value in a text: JSON, but a string as it is. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function childOf(node: unknown, key: string | number): unknown {
  if (Array.isArray(node)) return typeof key === 'number' ? (node[key] as unknown) : undefined
  return isTree(node) && Object.hasOwn(node, key) ? node[key] : undefined
}

/** Returns the value at a path, or undefined. */
export function getAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(childOf, root)
}

/** Returns a copy with another value at a path. Undefined removes the member or the item. Missing parents are created. */
export function setAt(root: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value
  const child = setAt(childOf(root, key), rest, value)
  if (typeof key === 'number') {
    const items: unknown[] = Array.isArray(root) ? [...(root as readonly unknown[])] : []
    if (child === undefined) items.splice(key, 1)
    else items[key] = child
    return items
  }
  const members = Object.entries(isTree(root) ? root : {})
  if (child === undefined) return Object.fromEntries(members.filter(([name]) => name !== key))
  const isKnown = members.some(([name]) => name === key)
  // fromEntries defines each member, whatever its name.
  return Object.fromEntries(
    isKnown ? members.map(([name, old]) => [name, name === key ? child : old]) : [...members, [key, child]],
  )
}

/** Returns a copy without members that are null: an unset setting is absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value
  if (!isTree(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  )
}

export function isEqual(some: unknown, other: unknown): boolean {
  if (Object.is(some, other)) return true
  if (Array.isArray(some) && Array.isArray(other))
    return some.length === other.length && some.every((item, index) => isEqual(item, other[index]))
  if (!isTree(some) || !isTree(other)) return false
  const names = Object.keys(some)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(some[name], other[name]))
  )
}

/**
 * Returns the JSON merge patch (RFC 7396) from one document to another; undefined without a difference. Lists are replaced as a
 * whole, and members that are not changed are absent.
 */
export function mergePatchOf(before: unknown, after: unknown): unknown {
  if (isEqual(before, after)) return undefined
  if (!isTree(after)) return after === undefined ? null : after
  const old = isTree(before) ? before : {}
  const names = [...new Set([...Object.keys(old), ...Object.keys(after)])]
  return Object.fromEntries(
    names.flatMap((name): [string, unknown][] => {
      const patch = mergePatchOf(childOf(old, name), childOf(after, name))
      // An empty object that is new is not a change of its members.
      return patch === undefined ? [] : [[name, patch]]
    }),
  )
}

/**
 * Returns the changed values, in the order of the documents. Of lists, equal items at the start and at the end are left out, so that an
 * added item is one change.
 */
export function changesOf(before: unknown, after: unknown, path: Path = []): readonly Change[] {
  if (isEqual(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(before, after, path)
  if (!isTree(before) || !isTree(after)) return [{ path, before, after }]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => changesOf(childOf(before, name), childOf(after, name), [...path, name]))
}

function listChanges(before: readonly unknown[], after: readonly unknown[], path: Path): readonly Change[] {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && isEqual(before[start], after[start])) start++
  let end = 0
  while (end < shorter - start && isEqual(before.at(-1 - end), after.at(-1 - end))) end++
  const [old, now] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  return Array.from({ length: Math.max(old.length, now.length) }).flatMap((_, index) =>
    changesOf(old[index], now[index], [...path, start + index]),
  )
}

/** A value that two people have changed differently. */
export interface Conflict {
  readonly path: Path
  readonly before: unknown
  readonly mine: unknown
  readonly theirs: unknown
}

/** Changes that were applied to a newer document. */
export interface Rebased {
  readonly merged: unknown
  /** Values of `mine` are in `merged`. */
  readonly conflicts: readonly Conflict[]
}

/** Applies the changes from `before` to `mine` to the newer document `theirs`. Lists are one value. */
export function rebase(before: unknown, mine: unknown, theirs: unknown, path: Path = []): Rebased {
  if (isEqual(before, mine) || isEqual(mine, theirs)) return { merged: theirs, conflicts: [] }
  if (isEqual(before, theirs)) return { merged: mine, conflicts: [] }
  if (!isTree(mine) || !isTree(theirs) || !(isTree(before) || before === undefined))
    return { merged: mine, conflicts: [{ path, before, mine, theirs }] }
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])]
  const conflicts: Conflict[] = []
  const members = names.flatMap((name): [string, unknown][] => {
    const sides = [before, mine, theirs].map((side) => childOf(side, name))
    const rebased = rebase(sides[0], sides[1], sides[2], [...path, name])
    conflicts.push(...rebased.conflicts)
    return rebased.merged === undefined ? [] : [[name, rebased.merged]]
  })
  return { merged: Object.fromEntries(members), conflicts }
}
