import { isRecord } from '../../lib/record.ts'

/** Maximum schemas that are searched for an `$anchor`. */
const MAX_ANCHOR_SEARCH = 2_000

/**
 * Finds what a `$ref` points to: `#`, a JSON pointer (`#/$defs/a~1b`) or an anchor (`#name`). The part before `#` is ignored, because
 * there is only one document. Returns undefined if the target does not exist.
 */
export function findReference(root: unknown, reference: string): unknown {
  const hash = reference.indexOf('#')
  if (hash < 0) return isRecord(root) && root['$id'] === reference ? root : undefined
  const fragment = reference.slice(hash + 1)
  if (fragment === '') return root
  return fragment.startsWith('/') ? findPointer(root, fragment) : findAnchor(root, fragment)
}

function findPointer(root: unknown, fragment: string): unknown {
  let target = root
  for (const part of decodeFragment(fragment).slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return undefined
    target = (target as Record<string, unknown>)[key]
  }
  return target
}

function findAnchor(root: unknown, name: string): unknown {
  const queue: unknown[] = [root]
  for (let at = 0; at < queue.length && at < MAX_ANCHOR_SEARCH; at++) {
    const schema = queue[at]
    if (isRecord(schema) && (schema['$anchor'] === name || schema['$dynamicAnchor'] === name)) return schema
    if (typeof schema !== 'object' || schema === null) continue
    for (const key in schema) {
      if (queue.length >= MAX_ANCHOR_SEARCH) break
      queue.push((schema as Record<string, unknown>)[key])
    }
  }
  return undefined
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
