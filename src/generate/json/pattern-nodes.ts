import type { CharacterSet, PatternNode } from './pattern-syntax.ts'

/** Beyond any string that is drawn; what needs more cannot be, and sums stay finite. */
const MOST = 1e9

/** One character of a set. */
export function setNode(set: CharacterSet): PatternNode {
  return { kind: 'set', set, min: 1, max: 1 }
}

/** Parts one after the other. */
export function sequence(parts: readonly PatternNode[]): PatternNode {
  let min = 0
  let max = 0
  for (const part of parts) {
    min = Math.min(MOST, min + part.min)
    max += part.max
  }
  return { kind: 'sequence', parts, min, max }
}

/** One of several parts. */
export function choice(parts: readonly PatternNode[]): PatternNode {
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
export function repeat(part: PatternNode, least: number, most: number): PatternNode {
  const max = most === 0 || part.max === 0 ? 0 : part.max * most
  return { kind: 'repeat', part, least, most, min: Math.min(MOST, part.min * least), max }
}

/** A part that can be referred back to, by its number or its name. */
export function group(part: PatternNode, group: number | string): PatternNode {
  return { kind: 'group', part, group, min: part.min, max: part.max }
}

/** A condition on where a text stands, which takes no character. */
export function edge(edge: 'start' | 'end' | 'word' | 'no-word'): PatternNode {
  return { kind: 'edge', edge, min: 0, max: 0 }
}

/** A condition on what follows or what comes before, which takes no character. */
export function look(part: PatternNode, ahead: boolean, negative: boolean): PatternNode {
  return { kind: 'look', part, ahead, negative, min: 0, max: 0 }
}
