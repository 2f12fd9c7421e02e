/** Prefix of the keys of all limits. */
export function limitKeyPrefix(prefix: string): string {
  return `${prefix}limits:`
}

/**
 * The key of the usage of a deployment. The braces are a hash tag: a cluster stores all keys of a deployment in one hash slot and
 * distributes the deployments.
 *
 * @param kind part of the key, so that a deployment that changes its kind starts without usage
 */
export function limitKey(
  prefix: string,
  resource: string,
  deployment: string,
  kind: 'windows' | 'bucket',
): string {
  return `${limitKeyPrefix(prefix)}{${escapeName(resource)}/${escapeName(deployment)}}:${kind}`
}

/** The keys of the slot holders and the queue of a deployment. In a cluster they are in one hash slot. */
export function slotKeys(
  prefix: string,
  resource: string,
  deployment: string,
): readonly [held: string, queue: string] {
  const base = `${prefix}slots:{${escapeName(resource)}/${escapeName(deployment)}}`
  return [`${base}:held`, `${base}:queue`]
}

/** Escapes a name. encodeURIComponent throws for lone surrogates, which names in files may contain. */
function escapeName(name: string): string {
  return name.replace(/[^\w.~-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
