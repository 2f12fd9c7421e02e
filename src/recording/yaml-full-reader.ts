import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from 'yaml'
import type { Alias, Document, Node } from 'yaml'
import { plainScalar, textOf, type YamlValue } from './yaml-value.ts'

/** A place in a YAML text and what is wrong there; lines count from 1. */
export interface YamlFault {
  readonly line: number
  /** A sentence without its full stop. */
  readonly reason: string
  /** Whether the text refers to an anchor that stands elsewhere. */
  readonly refers?: boolean
}

/** A value, or the first thing that is wrong. */
export type FullRead = { readonly value: YamlValue } | { readonly fault: YamlFault }

/** PyYAML's tag for bytes; read here, because the core schema lacks it. */
const binaryTag = {
  tag: 'tag:yaml.org,2002:binary',
  default: false,
  resolve: (text: string) => Buffer.from(text, 'base64'),
} as const

/**
 * Reads any YAML text. As for PyYAML, of equal keys the last one counts; a tag that is unknown says nothing about the
 * value under it.
 */
export function readFullYaml(text: string): FullRead {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    merge: true,
    strict: false,
    logLevel: 'silent',
    customTags: [binaryTag],
  })
  const [error] = document.errors
  if (error) {
    const line = error.linePos?.[0].line ?? 1
    const refers = /alias/i.test(error.message)
    return {
      fault: { line, refers, reason: (error.message.split('\n')[0] ?? '').replace(/ at line \d+.*$/, '') },
    }
  }
  try {
    return { value: convert(document.contents, document, 0) }
  } catch (failure) {
    if (failure instanceof RangeError)
      return { fault: { line: 1, reason: failure.message, refers: failure instanceof AnchorMissing } }
    throw failure
  }
}

/** An alias without its anchor: in a part of a file, the anchor may stand before it. */
class AnchorMissing extends RangeError {}

/** Deeper than any recording; an alias to what holds it would go on for ever. */
const maxDepth = 200

function convert(node: Node | null, document: Document, depth: number): YamlValue {
  if (depth > maxDepth) throw new RangeError(`it is nested deeper than ${maxDepth} levels`)
  if (isAlias(node)) return convert(resolve(node, document), document, depth + 1)
  if (isScalar(node)) return convertScalar(node)
  if (isSeq<Node>(node)) return node.items.map((item) => convert(item, document, depth + 1))
  if (!isMap<Node, Node | null>(node)) return null
  const map = new Map<string, YamlValue>()
  for (const { key, value } of node.items) {
    const name = convert(key, document, depth + 1)
    const converted = convert(value, document, depth + 1)
    // A merge key gives what the map itself does not say.
    if (name === '<<' && converted instanceof Map) {
      for (const [other, item] of converted) if (!map.has(other)) map.set(other, item)
    } else {
      map.set(textOf(name) ?? '', converted)
    }
  }
  return map
}

function resolve(alias: Alias, document: Document): Node {
  const node = alias.resolve(document)
  if (!node) throw new AnchorMissing(`nothing is called &${alias.source}`)
  return node
}

function convertScalar({ value, type, source }: Scalar): YamlValue {
  if (value instanceof Uint8Array) return value
  if (type === Scalar.PLAIN) return plainScalar(source ?? '')
  return typeof value === 'string' ? value : (source ?? '')
}
