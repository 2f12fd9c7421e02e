import { ownValue } from '../lib/record.ts'
import type { Patches } from './patches.ts'

/** Members of patches that map names to values. Each value is a separate field. */
const maps = ['resources', 'made', 'upstreams', 'tenants'] as const satisfies readonly (keyof Patches)[]

type MapName = (typeof maps)[number]

/** The fields in which patches differ. A field is a member of the patches, or `made/acme` for a value of a map. */
export interface FieldChanges {
  readonly set: Readonly<Record<string, unknown>>
  readonly removed: readonly string[]
}

/** Compares two patches. Values that are the same object are not read, so that this takes little time. */
export function changedFields(before: Patches | undefined, next: Patches): FieldChanges {
  const set: Record<string, unknown> = {}
  const removed: string[] = []
  const compare = (known: object = {}, now: object = {}, prefix = ''): void => {
    if (known === now) return
    for (const [name, value] of Object.entries(now) as [string, unknown][]) {
      if (prefix === '' && isMap(name)) continue
      if (value !== undefined && value !== ownValue(known as Record<string, unknown>, name))
        set[prefix + name] = value
    }
    for (const [name, value] of Object.entries(known) as [string, unknown][]) {
      if (prefix === '' && isMap(name)) continue
      if (value !== undefined && ownValue(now as Record<string, unknown>, name) === undefined)
        removed.push(prefix + name)
    }
  }
  compare(before, next)
  for (const map of maps) compare(before?.[map], next[map], `${map}/`)
  return { set, removed }
}

/** Applies changes. Values that do not change stay the same objects. */
export function withFields(patches: Patches, { set, removed }: FieldChanges): Patches {
  const next: Record<string, unknown> = { ...patches }
  const copied = new Set<string>()
  const change = (field: string, apply: (target: Record<string, unknown>, name: string) => void): void => {
    const slash = field.indexOf('/')
    const map = slash < 0 ? '' : field.slice(0, slash)
    if (!isMap(map)) {
      apply(next, field)
      return
    }
    if (!copied.has(map)) next[map] = { ...(next[map] as object | undefined) }
    copied.add(map)
    apply(next[map] as Record<string, unknown>, field.slice(slash + 1))
  }
  for (const field of removed) change(field, (target, name) => delete target[name])
  for (const [field, value] of Object.entries(set)) {
    change(field, (target, name) => {
      target[name] = value
    })
  }
  return next as unknown as Patches
}

function isMap(name: string): name is MapName {
  return (maps as readonly string[]).includes(name)
}
