import type { Config, ResourceView } from './config.ts'

/** The resources that differ between two configurations, with their names. */
export interface ResourceChanges {
  /** Includes the previous one of a resource that was removed and created again. */
  readonly removed: readonly (readonly [name: string, before: ResourceView])[]
  /** Includes resources that were created again. */
  readonly added: readonly (readonly [name: string, view: ResourceView])[]
  /** Resources that exist before and after, with other settings. */
  readonly changed: readonly (readonly [name: string, view: ResourceView])[]
}

/** Compares the resources of two configurations. An unchanged resource is the same object, so that this takes little time. */
export function resourceChanges(before: Config, next: Config): ResourceChanges {
  const removed: [string, ResourceView][] = []
  const added: [string, ResourceView][] = []
  const changed: [string, ResourceView][] = []
  for (const [name, view] of next.resources) {
    const known = before.resources.get(name)
    if (known === view) continue
    if (known?.id === view.id) changed.push([name, view])
    else added.push([name, view])
  }
  for (const [name, view] of before.resources) {
    const now = next.resources.get(name)
    if (now !== view && now?.id !== view.id) removed.push([name, view])
  }
  return { removed, added, changed }
}

const namesById = new WeakMap<Config['resources'], ReadonlyMap<string, string>>()

/** Returns the name of each resource by its identity, by which state is stored. Returns the same map for the same resources. */
export function resourceNames({ resources }: Config): ReadonlyMap<string, string> {
  let names = namesById.get(resources)
  if (!names) {
    names = new Map(Array.from(resources, ([name, { id }]) => [id, name]))
    namesById.set(resources, names)
  }
  return names
}

/** Replaces the identities of resources in rows by their names. Leaves out the rows of removed resources. */
export function withResourceNames<T extends { readonly resource: string }>(
  rows: Iterable<T>,
  config: Config,
): T[] {
  const names = resourceNames(config)
  return Array.from(rows).flatMap((row) => {
    const resource = names.get(row.resource)
    return resource === undefined ? [] : [{ ...row, resource }]
  })
}
