import { parseJson } from '../pipeline/parse-json.ts'
import { redacted } from './redact-patterns.ts'

/**
 * JSON with the values of the named fields replaced, at any depth. A text that is no JSON, or has no such field, comes
 * back as it is, white space included.
 *
 * @param names in lower case
 */
export function redactJsonFields(text: string, names: ReadonlySet<string>): string {
  if (names.size === 0 || !/^\s*[[{]/.test(text)) return text
  const value = parseJson(Buffer.from(text))
  if (value === undefined) return text
  let found = false
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node).map(([name, child]) => {
      if (!names.has(name.toLowerCase())) return [name, walk(child)]
      found = true
      return [name, redacted]
    })
    return Object.fromEntries(entries)
  }
  const plain = walk(value)
  return found ? JSON.stringify(plain) : text
}
