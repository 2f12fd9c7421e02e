import { readBlock } from './yaml-block-reader.ts'
import { readFullYaml, type YamlProblem } from './yaml-full-reader.ts'
import { isYamlList, type YamlValue } from './yaml-value.ts'

/** The values of list items and the text after the list, or the first problem. */
export type ItemsRead =
  | {
      readonly values: readonly YamlValue[]
      readonly tail: string
      /** Ignored tags and keys. Lines count from the first item. */
      readonly parseWarnings: readonly YamlProblem[]
    }
  | { readonly problem: YamlProblem }

/**
 * A line without indentation that is not a list item and not a comment. It ends the list. A tab can begin a line of a quoted text, which
 * PyYAML reads.
 */
const tailLine = /\n(?![ \t#\n-]|---|\.\.\.)[^\n]/

/** Reads a text of list items, usually one, which keys may follow. */
export function readItems(source: string, maxLexemes?: number): ItemsRead {
  const text = source.includes('\r') ? source.replaceAll('\r\n', '\n') : source
  const fast = readBlock(text, 0)
  if (fast && isYamlList(fast.value)) {
    const rest = text.slice(fast.end)
    if (rest.trim() === '' || !/^[ -]/.test(rest))
      return { values: fast.value, tail: rest, parseWarnings: [] }
  }
  const tailAt = text.search(tailLine)
  const tail = tailAt < 0 ? '' : text.slice(tailAt + 1)
  const full = readFullYaml(tailAt < 0 ? text : text.slice(0, tailAt + 1), maxLexemes)
  if ('problem' in full) return full
  if (isYamlList(full.value)) return { values: full.value, tail, parseWarnings: full.parseWarnings }
  return { problem: { line: 1, reason: 'the text is not a list item. A list item begins with "- "' } }
}
