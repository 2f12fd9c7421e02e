import type { Node, Pair, YAMLMap } from 'yaml'
import { parseYaml, yaml } from '../config/parse-yaml.ts'
import { writeItem } from './write-item.ts'
import { readFullYaml, yamlOptions } from './yaml-full-reader.ts'
import { doubleQuoted, lineEnd, yamlText } from './yaml-scalar.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from './yaml-value.ts'

interface TextEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The text cannot be edited in place. Thrown and caught in this file only. */
class NotEditable extends Error {}

/**
 * Changes the values in a YAML text from `before` to `after`. Everything else stays: comments, quotes, order, layout and tags.
 *
 * Removes keys and replaces scalars. Returns undefined for any other change, or if the edited text does not have the value `after`.
 */
export function editYaml(text: string, before: YamlValue, after: YamlValue): string | undefined {
  const parsed = parseYaml(text, { ...yamlOptions, keepSourceTokens: true })
  if (!('document' in parsed)) return undefined
  const edits: TextEdit[] = []
  try {
    new Editor(text, edits).change(parsed.document.contents, before, after, false)
    const edited = applied(text, edits)
    const read = readFullYaml(edited)
    return 'value' in read && isSame(read.value, after) ? edited : undefined
  } catch (error) {
    if (error instanceof NotEditable) return undefined
    throw error
  }
}

class Editor {
  readonly #text: string
  readonly #edits: TextEdit[]

  constructor(text: string, edits: TextEdit[]) {
    this.#text = text
    this.#edits = edits
  }

  change(node: Node | null, before: YamlValue, after: YamlValue, isFlow: boolean): void {
    if (before === after) return
    if (isYamlMap(before) && isYamlMap(after) && yaml().isMap<Node, Node | null>(node))
      this.#changeMap(node, before, after)
    else if (isYamlList(before) && isYamlList(after) && yaml().isSeq<Node>(node))
      this.#changeList(node.items, before, after, node.flow === true)
    else if (!isSame(before, after)) this.#replace(node, after, isFlow)
  }

  #changeMap(node: YAMLMap<Node, Node | null>, before: YamlMap, after: YamlMap): void {
    const { items } = node
    const isFlow = node.flow === true
    if (items.length !== before.size || [...after.keys()].some((key) => !before.has(key)))
      throw new NotEditable()
    if (after.size === 0 && before.size > 0) {
      const [start = 0, end = 0] = node.range ?? []
      const blank = this.#text.slice(start, end)
      this.#edits.push({ start, end, text: `{}${blank.slice(blank.trimEnd().length)}` })
      return
    }
    for (const [index, [key, value]] of [...before].entries()) {
      const next = after.get(key)
      if (next === undefined) this.#removePair(items, index, isFlow)
      else this.change(items[index]?.value ?? null, value, next, isFlow)
    }
  }

  #changeList(
    nodes: readonly Node[],
    before: readonly YamlValue[],
    after: readonly YamlValue[],
    isFlow: boolean,
  ): void {
    if (before.length !== after.length || nodes.length !== before.length) throw new NotEditable()
    for (const [index, value] of before.entries())
      this.change(nodes[index] ?? null, value, after[index] ?? null, isFlow)
  }

  #removePair(pairs: readonly Pair<Node, Node | null>[], index: number, isFlow: boolean): void {
    const start = startOf(pairs[index])
    const next = pairs[index + 1]
    if (!isFlow) {
      const end = next ? this.#lineStart(startOf(next)) : this.#endOfLine(endOf(pairs[index]))
      this.#edits.push({ start: this.#lineStart(start), end, text: '' })
    } else if (next) this.#edits.push({ start, end: startOf(next), text: '' })
    else this.#edits.push({ start: endOf(pairs[index - 1]), end: endOf(pairs[index]), text: '' })
  }

  /** The start of the line of a pair, which must be the first one on its line. */
  #lineStart(at: number): number {
    const start = this.#text.lastIndexOf('\n', at - 1) + 1
    if (!/^ *$/.test(this.#text.slice(start, at))) throw new NotEditable()
    return start
  }

  /** The end of a line, after its line feed. A block scalar ends after a line feed already. */
  #endOfLine(at: number): number {
    return this.#text[at - 1] === '\n' ? at : Math.min(this.#text.length, lineEnd(this.#text, at) + 1)
  }

  #replace(node: Node | null, value: YamlValue, isFlow: boolean): void {
    const text = textOf(value)
    if (!yaml().isScalar(node) || !node.range || typeof value !== 'string' || text === undefined)
      throw new NotEditable()
    const [start, end] = node.range
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'
    const source = this.#text.slice(start, end)
    if (isBlock) {
      const indent = /\n( +)\S/.exec(source)?.[1]?.length ?? 0
      this.#edits.push({ start, end, text: yamlText(text, indent) + (source.endsWith('\n') ? '\n' : '') })
      return
    }
    const plain = yamlText(text, 0)
    const isLine = !plain.startsWith('|')
    const isQuoted = node.type !== 'PLAIN' || isFlow
    const quoted = isLine && plain === text && isQuoted ? `'${text}'` : plain
    this.#edits.push({
      start,
      end,
      text: node.type === 'QUOTE_DOUBLE' || !isLine ? doubleQuoted(text) : quoted,
    })
  }
}

/** Where a pair starts, including the mark, the tag and the anchor of its key. */
function startOf(pair: Pair<Node, Node | null> | undefined): number {
  const token = pair?.srcToken?.start.find(
    ({ type }) => !['space', 'newline', 'comment', 'comma'].includes(type),
  )
  const start = token?.offset ?? pair?.key.range?.[0]
  if (start === undefined) throw new NotEditable()
  return start
}

function endOf(pair: Pair<Node, Node | null> | undefined): number {
  const end = pair?.value?.range?.[1] ?? pair?.key.range?.[1]
  if (end === undefined) throw new NotEditable()
  return end
}

function applied(text: string, edits: TextEdit[]): string {
  edits.sort((left, right) => left.start - right.start)
  let rest = ''
  let done = 0
  for (const { start, end, text: replacement } of edits) {
    if (start < done) throw new NotEditable()
    rest += text.slice(done, start) + replacement
    done = end
  }
  return rest + text.slice(done)
}

function isSame(left: YamlValue, right: YamlValue): boolean {
  return writeItem(left) === writeItem(right)
}
