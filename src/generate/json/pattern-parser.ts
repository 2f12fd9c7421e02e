import { anyCharacter, classOf, literal } from './character-set.ts'
import { drawLimits } from './draw-limits.ts'
import { choice, edge, group, look, repeat, sequence, setNode } from './pattern-nodes.ts'
import type { Pattern, PatternNode } from './pattern-syntax.ts'

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
