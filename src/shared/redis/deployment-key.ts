/** What the keys of all limits begin with. */
export function limitKeyPrefix(prefix: string): string {
  return `${prefix}limits:`
}

/**
 * The key of what a deployment has used. The braces are a hash tag: a cluster keeps all of a deployment at one place, and
 * deployments are spread.
 *
 * @param kind a deployment that changes its kind begins anew
 */
export function limitKey(
  prefix: string,
  resource: string,
  deployment: string,
  kind: 'windows' | 'bucket',
): string {
  return `${limitKeyPrefix(prefix)}{${plain(resource)}/${plain(deployment)}}:${kind}`
}

/** The keys of who holds the slots of a deployment, and of who waits for them; in a cluster they lie at one place. */
export function slotKeys(
  prefix: string,
  resource: string,
  deployment: string,
): readonly [held: string, queue: string] {
  const place = `${prefix}slots:{${plain(resource)}/${plain(deployment)}}`
  return [`${place}:held`, `${place}:queue`]
}

/** Names come from files and may hold anything, half a surrogate pair included, which encodeURIComponent does not take. */
function plain(name: string): string {
  return name.replace(/[^\w.~-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
