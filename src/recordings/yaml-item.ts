import { readBlock } from './yaml-block-reader.ts'
import { readFullYaml, type YamlFault } from './yaml-full-reader.ts'
import { isYamlList, type YamlValue } from './yaml-value.ts'

/** The values of list items, and the text behind the list, or what is wrong with them. */
export type ItemsRead =
  | {
      readonly values: readonly YamlValue[]
      readonly tail: string
      /** What could not be understood; their lines count from the first item's. */
      readonly doubts: readonly YamlFault[]
    }
  | { readonly fault: YamlFault }

/** A line at the left edge that neither begins a list item nor is a comment: it ends the list. */
const tailLine = /\n(?![ #\n-]|---|\.\.\.)[^\n]/

/** Reads a text that consists of list items, usually one, and maybe of keys that follow the list. */
export function readItems(source: string, maxLexemes?: number): ItemsRead {
  const text = source.includes('\r') ? source.replaceAll('\r\n', '\n') : source
  const fast = readBlock(text, 0)
  if (fast && isYamlList(fast.value)) {
    const rest = text.slice(fast.end)
    if (rest.trim() === '' || !/^[ -]/.test(rest)) return { values: fast.value, tail: rest, doubts: [] }
  }
  const tailAt = text.search(tailLine)
  const tail = tailAt < 0 ? '' : text.slice(tailAt + 1)
  const full = readFullYaml(tailAt < 0 ? text : text.slice(0, tailAt + 1), maxLexemes)
  if ('fault' in full) return full
  if (isYamlList(full.value)) return { values: full.value, tail, doubts: full.doubts }
  return { fault: { line: 1, reason: 'this must be a list item that begins with "- "' } }
}
