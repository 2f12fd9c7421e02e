import { isRecord } from '../../lib/record.ts'
import type { Budget } from './budget.ts'
import { parsePattern } from './pattern-parser.ts'
import type { Pattern } from './pattern-syntax.ts'

/** Schemas searched for an `$anchor`. */
const ANCHOR_SEARCH = 2_000

/** A whole schema with what its parts refer to, each looked up once. */
export class SchemaDocument {
  readonly #root: unknown
  readonly #targets = new Map<string, unknown>()
  readonly #patterns = new Map<string, Pattern | undefined>()

  constructor(root: unknown) {
    this.#root = root
  }

  /**
   * The schema that a `$ref` points at: `#`, a JSON pointer (`#/$defs/a~1b`) or an anchor (`#name`). What stands before
   * the `#` is ignored, since there is only this one document; `true` when the reference leads nowhere.
   */
  resolve(reference: unknown): unknown {
    if (typeof reference !== 'string') return true
    let target = this.#targets.get(reference)
    if (target === undefined) {
      const found = this.#find(reference.slice(reference.indexOf('#') + 1), reference.includes('#'))
      target = isRecord(found) || found === false ? found : true
      this.#targets.set(reference, target)
    }
    return target
  }

  /** A regular expression of the schema; undefined when it is none, or is not followed. */
  pattern(source: unknown, budget: Budget): Pattern | undefined {
    if (typeof source !== 'string') return undefined
    const known = this.#patterns.get(source)
    if (known !== undefined || this.#patterns.has(source)) return known
    if (!budget.spend(source.length * 2)) return undefined
    const pattern = parsePattern(source)
    this.#patterns.set(source, pattern)
    return pattern
  }

  #find(fragment: string, hasFragment: boolean): unknown {
    if (!hasFragment) return isRecord(this.#root) && this.#root['$id'] === fragment ? this.#root : true
    if (fragment === '') return this.#root
    if (!fragment.startsWith('/')) return this.#findAnchor(fragment)
    let target = this.#root
    for (const part of decodeFragment(fragment).slice(1).split('/')) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return true
      target = (target as Record<string, unknown>)[key]
    }
    return target
  }

  #findAnchor(name: string): unknown {
    const queue: unknown[] = [this.#root]
    for (let at = 0; at < queue.length && at < ANCHOR_SEARCH; at++) {
      const schema = queue[at]
      if (isRecord(schema) && (schema['$anchor'] === name || schema['$dynamicAnchor'] === name)) return schema
      if (typeof schema !== 'object' || schema === null) continue
      for (const key in schema) {
        if (queue.length >= ANCHOR_SEARCH) break
        queue.push((schema as Record<string, unknown>)[key])
      }
    }
    return true
  }
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
