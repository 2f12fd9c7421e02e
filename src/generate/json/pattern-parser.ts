import { drawLimits } from './draw-limits.ts'
import type { Pattern, PatternNode, CharacterSet } from './pattern-syntax.ts'
import { RecentMap } from '../../lib/caches.ts'

/** Beyond any string that is drawn; what needs more cannot be, and sums stay finite. */
const MOST = 1e9

/** One character of a set. */
function setNode(set: CharacterSet): PatternNode {
  return { kind: 'set', set, min: 1, max: 1 }
}

/** Parts one after the other. */
function sequence(parts: readonly PatternNode[]): PatternNode {
  let min = 0
  let max = 0
  for (const part of parts) {
    min = Math.min(MOST, min + part.min)
    max += part.max
  }
  return { kind: 'sequence', parts, min, max }
}

/** One of several parts. */
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

/** A part `least` to `most` times. */
function repeat(part: PatternNode, least: number, most: number): PatternNode {
  const max = most === 0 || part.max === 0 ? 0 : part.max * most
  return { kind: 'repeat', part, least, most, min: Math.min(MOST, part.min * least), max }
}

/** A part that can be referred back to, by its number or its name. */
function group(part: PatternNode, group: number | string): PatternNode {
  return { kind: 'group', part, group, min: part.min, max: part.max }
}

/** A condition on where a text stands, which takes no character. */
function edge(edge: 'start' | 'end' | 'word' | 'no-word'): PatternNode {
  return { kind: 'edge', edge, min: 0, max: 0 }
}

/** A condition on what follows or what comes before, which takes no character. */
function look(part: PatternNode, ahead: boolean, negative: boolean): PatternNode {
  return { kind: 'look', part, ahead, negative, min: 0, max: 0 }
}

const printable = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCharCode(0x20 + at))

/** Other characters that are tried where a set holds no printable ASCII: control characters, Latin, Greek, Cyrillic. */
const HIGHEST_TRIED = 0x4ff

/** What `.` stands for. */
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
 * The set of a class (`[a-z]`) or of an escape (`\d`, `\p{L}`); undefined when it is not one. JavaScript's own matcher
 * decides, one character at a time, so that no expression can keep it busy.
 */
function classOf(source: string): CharacterSet | undefined {
  const cached = known.get(source)
  if (cached) return cached
  const expression = compile(source, 'u') ?? compile(source, '')
  if (!expression) return undefined
  const has = (character: string): boolean => expression.test(character)
  const ascii = printable.filter(has)
  const set = { has, members: ascii.length > 0 ? ascii : otherMembers(source, has) }
  known.set(source, set)
  return set
}

function compile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, flags)
  } catch {
    return undefined
  }
}

/** The ends of a class's ranges are members of it, so the class itself names some. */
function otherMembers(source: string, has: (character: string) => boolean): string[] {
  const named = source
    .slice(0, 400)
    .replace(/\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})/g, (_, long, short) =>
      String.fromCodePoint(Math.min(0x10ffff, parseInt(long ?? short, 16))),
    )
  const members = Array.from(named).filter(has)
  for (let code = 0; code <= HIGHEST_TRIED && members.length < 100; code++) {
    if (has(String.fromCharCode(code))) members.push(String.fromCharCode(code))
  }
  return members
}

/** Groups within groups that are followed. */
const DEEPEST_GROUP = 60

const controls: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  f: '\f',
  0: '\0',
}

/** Reads a regular expression of JavaScript's syntax; undefined when it is not one, or is too long or too deep. */
export function parsePattern(source: string): Pattern | undefined {
  if (source.length > drawLimits.patternLength) return undefined
  return new PatternParser(source).parse()
}

/** Reads by recursive descent, from left to right and once. */
class PatternParser {
  readonly #source: string
  #at = 0
  #depth = 0
  #groups = 0
  #looks = false
  #refersBack = false
  #broken = false

  constructor(source: string) {
    this.#source = source
  }

  parse(): Pattern | undefined {
    const root = this.#choice()
    if (this.#broken || this.#at < this.#source.length) return undefined
    return { source: this.#source, root, looks: this.#looks, refersBack: this.#refersBack }
  }

  #choice(): PatternNode {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return choice(options)
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    while (!this.#broken && this.#at < this.#source.length) {
      const next = this.#source[this.#at]
      if (next === '|' || next === ')') break
      parts.push(this.#quantified(this.#atom()))
    }
    return sequence(parts)
  }

  #quantified(part: PatternNode): PatternNode {
    const counts = /^(?:([*+?])|\{(\d{1,9})(,(\d{0,9}))?\})\??/.exec(
      this.#source.slice(this.#at, this.#at + 24),
    )
    if (!counts) return part
    this.#at += counts[0].length
    const [, sign, low, comma, high] = counts
    if (sign) return repeat(part, sign === '+' ? 1 : 0, sign === '?' ? 1 : Infinity)
    const least = Number(low)
    const most = comma ? (high ? Number(high) : Infinity) : least
    if (most < least) this.#broken = true
    return repeat(part, least, most)
  }

  #atom(): PatternNode {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)
    this.#at += character.length
    switch (character) {
      case '^':
        return edge('start')
      case '$':
        return edge('end')
      case '.':
        return setNode(anyCharacter)
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        return this.#fail()
      default:
        return setNode(literal(character))
    }
  }

  #group(): PatternNode {
    if (++this.#depth > DEEPEST_GROUP) return this.#fail()
    const open = /^\?(?::|=|!|<=|<!|<([A-Za-z_$][\w$]*)>)/.exec(this.#source.slice(this.#at, this.#at + 80))
    if (!open && this.#source[this.#at] === '?') return this.#fail()
    this.#at += open?.[0].length ?? 0
    const number = open && open[1] === undefined ? 0 : ++this.#groups
    const part = this.#choice()
    if (!this.#take(')')) return this.#fail()
    this.#depth--
    if (!open || open[1] !== undefined) return group(part, open?.[1] ?? number)
    if (open[0] === '?:') return part
    this.#looks = true
    return look(part, !open[0].startsWith('?<'), open[0].endsWith('!'))
  }

  #class(): PatternNode {
    const start = this.#at - 1
    while (this.#at < this.#source.length && this.#source[this.#at] !== ']') {
      this.#at += this.#source[this.#at] === '\\' ? 2 : 1
    }
    if (!this.#take(']')) return this.#fail()
    return this.#setOf(this.#source.slice(start, this.#at))
  }

  #escape(): PatternNode {
    const rest = this.#source.slice(this.#at, this.#at + 60)
    const back = /^(?:([1-9]\d?)|k<([^>]+)>)/.exec(rest)
    if (back) {
      this.#refersBack = true
      this.#at += back[0].length
      return { kind: 'repeat-of', group: back[2] ?? Number(back[1]), min: 0, max: Infinity }
    }
    const classEscape = /^(?:[dDwWsS]|[pP]\{[^}]*\})/.exec(rest)
    if (classEscape) {
      this.#at += classEscape[0].length
      return this.#setOf(`\\${classEscape[0]}`)
    }
    const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})/.exec(rest)
    const point = parseInt(code?.[1] ?? code?.[2] ?? code?.[3] ?? '', 16)
    if (code && point <= 0x10ffff) {
      this.#at += code[0].length
      return setNode(literal(String.fromCodePoint(point)))
    }
    const character = rest.slice(0, 1)
    this.#at++
    if (character === '') return this.#fail()
    if (character === 'b') return edge('word')
    if (character === 'B') return edge('no-word')
    return setNode(literal(controls[character] ?? character))
  }

  #setOf(source: string): PatternNode {
    const set = classOf(source)
    return set ? setNode(set) : this.#fail()
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false
    this.#at++
    return true
  }

  #fail(): PatternNode {
    this.#broken = true
    return sequence([])
  }
}
