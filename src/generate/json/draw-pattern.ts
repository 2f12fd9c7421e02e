import type { Random } from '../../lib/random.ts'
import { type Budget, drawLimits } from './budget.ts'
import { matchesPattern } from './match-pattern.ts'
import type { CharacterSet, Pattern, PatternNode } from './pattern-syntax.ts'

/** How much longer than its minimum a text without an upper bound may be, in characters. */
const MAX_EXTRA = 10

/** Draws do not consider lookaheads and lookbehinds, so such patterns need more attempts. */
const MAX_TRIES = 12
const MAX_TRIES_WITH_LOOKAROUNDS = 60

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** Draws a text of `min` to `max` characters that matches. Returns undefined if none was found. */
export function drawPattern(
  pattern: Pattern,
  random: Random,
  { min, max }: { readonly min: number; readonly max: number },
  budget: Budget,
): string | undefined {
  const tries = pattern.hasLookarounds ? MAX_TRIES_WITH_LOOKAROUNDS : MAX_TRIES
  for (let attempt = 0; attempt < tries && !budget.spent; attempt++) {
    const writer = new PatternWriter(pattern, random, budget)
    const text = pad(writer.write(min, max), pattern, random, min)
    const length = Array.from(text).length
    if (length >= min && length <= max && matchesPattern(pattern, text, budget)) return text
  }
  return undefined
}

/** Fills a text up with letters, which a pattern without an anchor allows before or after the match. */
function pad(text: string, pattern: Pattern, random: Random, min: number): string {
  const missing = Math.min(min, drawLimits.stringLength) - text.length
  if (missing <= 0) return text
  let padding = ''
  while (padding.length < missing) padding += letters[random.below(letters.length)]
  return pattern.source.endsWith('$') ? padding + text : text + padding
}

class PatternWriter {
  readonly #pattern: Pattern
  readonly #random: Random
  readonly #budget: Budget
  readonly #groups = new Map<number, string>()
  #room: number = drawLimits.stringLength

  constructor(pattern: Pattern, random: Random, budget: Budget) {
    this.#pattern = pattern
    this.#random = random
    this.#budget = budget
  }

  write(min: number, max: number): string {
    const { root } = this.#pattern
    const low = Math.max(min, root.min)
    const high = Math.max(low, Math.min(max, root.max, low + MAX_EXTRA))
    const length = Math.min(drawLimits.stringLength, low + this.#random.below(high - low + 1))
    return this.#write(root, Math.max(0, length - root.min))
  }

  /** Writes a part, if possible with `extra` characters more than its minimum. */
  #write(node: PatternNode, extra: number): string {
    if (this.#room <= 0 || !this.#budget.spend(1)) return ''
    switch (node.kind) {
      case 'set':
        this.#room--
        return this.#member(node.set)
      case 'sequence':
        return this.#sequence(node.parts, extra)
      case 'choice': {
        const length = node.min + extra
        this.#budget.spend(node.parts.length >> 2)
        const fitting = node.parts.filter((part) => part.min <= length && part.max >= length)
        const options = fitting.length > 0 ? fitting : node.parts.filter((part) => part.min <= length)
        const part = options[this.#random.below(Math.max(1, options.length))]
        return part ? this.#write(part, length - part.min) : ''
      }
      case 'repeat':
        return this.#repeat(node, extra)
      case 'group': {
        const text = this.#write(node.part, extra)
        this.#groups.set(node.group, text)
        return text
      }
      case 'repeat-of':
        return this.#groups.get(node.group) ?? ''
      default:
        // Edges, lookaheads and lookbehinds match no characters.
        return ''
    }
  }

  #sequence(parts: readonly PatternNode[], extra: number): string {
    const roomAfter = parts.map(() => 0)
    for (let at = parts.length - 1; at > 0; at--) {
      roomAfter[at - 1] = (roomAfter[at] ?? 0) + roomOf(parts[at] as PatternNode)
    }
    let text = ''
    let left = extra
    for (const [at, part] of parts.entries()) {
      const share = this.#share(left, roomOf(part), roomAfter[at] ?? 0)
      left -= share
      text += this.#write(part, share)
    }
    return text
  }

  /** Draws how many of the remaining characters a part gets, so that the parts after it can hold the rest. */
  #share(left: number, room: number, roomAfter: number): number {
    const lowest = Math.max(0, left - roomAfter)
    return lowest + this.#random.below(Math.max(lowest, Math.min(left, room)) - lowest + 1)
  }

  #repeat({ part, minCount, maxCount }: Extract<PatternNode, { kind: 'repeat' }>, extra: number): string {
    const length = part.min * minCount + extra
    const low = Math.max(minCount, part.max > 0 ? Math.ceil(length / part.max) : 0)
    const high = Math.min(maxCount, part.min > 0 ? Math.floor(length / part.min) : Math.max(length, minCount))
    const lowest = Math.min(low, maxCount, drawLimits.stringLength)
    const count =
      lowest + this.#random.below(Math.max(1, Math.min(high, drawLimits.stringLength) - lowest + 1))
    const room = roomOf(part)
    let text = ''
    let left = Math.max(0, length - part.min * count)
    for (let after = count - 1; after >= 0 && this.#room > 0 && !this.#budget.spent; after--) {
      const share = this.#share(left, room, after === 0 ? 0 : room * after)
      left -= share
      text += this.#write(part, share)
    }
    return text
  }

  /** Prefers lower-case letters in a wide set. With lookaheads or lookbehinds, all members are equally likely. */
  #member({ members }: CharacterSet): string {
    if (!this.#pattern.hasLookarounds && members.length > 40 && this.#random.below(8) > 0) {
      const letter = letters[this.#random.below(letters.length)] as string
      if (members.includes(letter)) return letter
    }
    return members[this.#random.below(Math.max(1, members.length))] ?? ''
  }
}

/** How many characters a part can have beyond its minimum. */
function roomOf(node: PatternNode): number {
  return node.kind === 'repeat-of' ? 0 : node.max - node.min
}
