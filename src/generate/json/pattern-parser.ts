import { createRequire } from 'node:module'
import type * as Regexpp from '@eslint-community/regexpp'
import type { AST } from '@eslint-community/regexpp'
import { drawLimits } from './budget.ts'
import type { Pattern, PatternNode, CharacterSet } from './pattern-syntax.ts'
import { RecentMap } from '../../lib/caches.ts'

/** Above the length of every drawn string. Keeps sums finite. */
const MAX_LENGTH = 1e9

/** One character of a set. */
function setNode(set: CharacterSet): PatternNode {
  return { kind: 'set', set, min: 1, max: 1 }
}

/** A sequence of parts. */
function sequence(parts: readonly PatternNode[]): PatternNode {
  let min = 0
  let max = 0
  for (const part of parts) {
    min = Math.min(MAX_LENGTH, min + part.min)
    max += part.max
  }
  return { kind: 'sequence', parts, min, max }
}

/** An alternative of parts. */
function choice(parts: readonly PatternNode[]): PatternNode {
  const [first] = parts
  if (first && parts.length === 1) return first
  let min = Infinity
  let max = 0
  for (const part of parts) {
    min = Math.min(min, part.min)
    max = Math.max(max, part.max)
  }
  return { kind: 'choice', parts, min, max }
}

/** A part, repeated `minCount` to `maxCount` times. */
function repeat(part: PatternNode, minCount: number, maxCount: number): PatternNode {
  const max = maxCount === 0 || part.max === 0 ? 0 : part.max * maxCount
  return { kind: 'repeat', part, minCount, maxCount, min: Math.min(MAX_LENGTH, part.min * minCount), max }
}

/** A part that a backreference can name by its number. */
function group(part: PatternNode, group: number): PatternNode {
  return { kind: 'group', part, group, min: part.min, max: part.max }
}

/** A condition on the position. Matches no characters. */
function edge(edge: 'start' | 'end' | 'word' | 'no-word'): PatternNode {
  return { kind: 'edge', edge, min: 0, max: 0 }
}

/** A condition on the text before or after the position. Matches no characters. */
function look(part: PatternNode, ahead: boolean, negative: boolean): PatternNode {
  return { kind: 'look', part, ahead, negative, min: 0, max: 0 }
}

const printable = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCharCode(0x20 + at))

/** The last code that is tried if a set has no printable ASCII: control characters, Latin, Greek, Cyrillic. */
const MAX_TRIED_CODE = 0x4ff

/** The set of `.`. */
const anyCharacter: CharacterSet = {
  has: (character) => !/[\n\r\u2028\u2029]/.test(character),
  members: printable,
}

/** The set of one character. */
function literal(character: string): CharacterSet {
  return { has: (other) => other === character, members: [character] }
}

const known = new RecentMap<string, CharacterSet>(500)

/**
 * The set of a class (`[a-z]`) or of an escape (`\d`, `\p{L}`). Each character is tested separately with a JavaScript
 * RegExp, so that no pattern can take long.
 */
function classOf(source: string, flags: 'u' | ''): CharacterSet {
  const key = flags + source
  const cached = known.get(key)
  if (cached) return cached
  const expression = new RegExp(`^${source}$`, flags)
  const has = (character: string): boolean => expression.test(character)
  const ascii = printable.filter(has)
  const set = { has, members: ascii.length > 0 ? ascii : otherMembers(source, has) }
  known.set(key, set)
  return set
}

/**
 * Returns members outside ASCII: characters named in the source, such as the ends of ranges, and others up to
 * MAX_TRIED_CODE.
 */
function otherMembers(source: string, has: (character: string) => boolean): string[] {
  const named = source
    .slice(0, 400)
    .replace(/\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})/g, (_, long, short) =>
      String.fromCodePoint(Math.min(0x10ffff, parseInt(long ?? short, 16))),
    )
  const members = Array.from(named).filter(has)
  for (let code = 0; code <= MAX_TRIED_CODE && members.length < 100; code++) {
    if (has(String.fromCharCode(code))) members.push(String.fromCharCode(code))
  }
  return members
}

/**
 * Maximum depth of groups. Patterns with deeper groups are ignored. The parser is recursive, so this limits its
 * stack.
 */
const MAX_GROUP_DEPTH = 60

/**
 * Parses a regular expression of JavaScript, in Unicode mode if it is valid there. Returns undefined if it is invalid, too long,
 * or too deep.
 */
export function parsePattern(source: string): Pattern | undefined {
  if (source.length > drawLimits.patternLength || groupDepth(source) > MAX_GROUP_DEPTH) return undefined
  parser ??= loadParser()
  return read(source, 'u') ?? read(source, '')
}

function read(source: string, flags: 'u' | ''): Pattern | undefined {
  try {
    const parsed = parser?.parsePattern(source, 0, source.length, { unicode: flags === 'u' })
    return parsed && new PatternReader(source, flags).read(parsed)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Returns the depth of nested groups in one pass. Ignores parentheses in classes and after a backslash. */
function groupDepth(source: string): number {
  let depth = 0
  let deepest = 0
  for (const [token] of source.matchAll(/\\[^]|\[(?:\\[^]|[^\]\\])*|[()]/g)) {
    if (token === '(') deepest = Math.max(deepest, ++depth)
    else if (token === ')') depth--
  }
  return deepest
}

let parser: Regexpp.RegExpParser | undefined

/** Loads the parser on first use, because loading takes 10 ms and most simulators have no patterns. */
function loadParser(): Regexpp.RegExpParser {
  const { RegExpParser } = createRequire(import.meta.url)('@eslint-community/regexpp') as typeof Regexpp
  // ES2024 has no modifiers such as (?i:a), which the matcher does not support.
  return new RegExpParser({ ecmaVersion: 2024 })
}

/** Converts the syntax tree of the parser to nodes for drawing and matching. */
class PatternReader {
  readonly #source: string
  readonly #flags: 'u' | ''
  readonly #groups = new Map<AST.CapturingGroup, number>()
  #hasLookarounds = false
  #hasBackreferences = false

  constructor(source: string, flags: 'u' | '') {
    this.#source = source
    this.#flags = flags
  }

  read(pattern: AST.Pattern): Pattern {
    const root = this.#choice(pattern.alternatives)
    return {
      source: this.#source,
      root,
      hasLookarounds: this.#hasLookarounds,
      hasBackreferences: this.#hasBackreferences,
    }
  }

  #choice(alternatives: readonly AST.Alternative[]): PatternNode {
    return choice(
      alternatives.map(({ elements }) => sequence(elements.map((element) => this.#element(element)))),
    )
  }

  #element(element: AST.Element | AST.QuantifiableElement): PatternNode {
    switch (element.type) {
      case 'Character':
        return setNode(literal(String.fromCodePoint(element.value)))
      case 'CharacterSet':
        return setNode(element.kind === 'any' ? anyCharacter : classOf(element.raw, this.#flags))
      case 'CharacterClass':
      case 'ExpressionCharacterClass':
        return setNode(classOf(element.raw, this.#flags))
      case 'Group':
        return this.#choice(element.alternatives)
      case 'CapturingGroup':
        return group(this.#choice(element.alternatives), this.#numberOf(element))
      case 'Quantifier':
        return repeat(this.#element(element.element), element.min, element.max)
      case 'Backreference': {
        this.#hasBackreferences = true
        const [first] = [element.resolved].flat()
        return { kind: 'repeat-of', group: first ? this.#numberOf(first) : 0, min: 0, max: Infinity }
      }
      default:
        return this.#assertion(element)
    }
  }

  #assertion(assertion: AST.Assertion): PatternNode {
    switch (assertion.kind) {
      case 'start':
      case 'end':
        return edge(assertion.kind)
      case 'word':
        return edge(assertion.negate ? 'no-word' : 'word')
      default:
        this.#hasLookarounds = true
        return look(this.#choice(assertion.alternatives), assertion.kind === 'lookahead', assertion.negate)
    }
  }

  /** Returns the number of a group. */
  #numberOf(group: AST.CapturingGroup): number {
    const known = this.#groups.get(group) ?? this.#groups.size + 1
    this.#groups.set(group, known)
    return known
  }
}
