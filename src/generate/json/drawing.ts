import type { Random } from '../../lib/random.ts'
import type { Budget } from './budget.ts'
import type { RecursionDepth } from './recursion-depth.ts'
import type { SchemaDocument } from './schema-document.ts'

/** Position of a value in the drawn JSON. */
export interface JsonPath {
  /** Number of enclosing objects and arrays. */
  readonly depth: number
  /** Name of the property, also for the items of its array; empty at the top. */
  readonly name: string
  /** Keep the value as small as the schema allows: no optional properties, short arrays, no recursion. */
  readonly minimal: boolean
}

/** State of one drawn value. */
export interface Drawing {
  readonly random: Random
  readonly document: SchemaDocument
  readonly budget: Budget
  readonly recursion: RecursionDepth
  /** Parts that could not be drawn to match. Code that draws a part again or omits it must restore this count. */
  failures: number
  /** A part exceeds the limits, so another attempt with the same schema does not help. */
  exceeded: boolean
  /** Draws a value that matches all schemas. */
  draw(schemas: readonly unknown[], path: JsonPath): unknown
  /** Whether a value matches all schemas. */
  fits(schemas: readonly unknown[], value: unknown): boolean
}

/** Draws an integer from `low` to `high`, both inclusive. Above a range of 2^53 it has the precision of a float. */
export function between(random: Random, low: number, high: number): number {
  return Math.min(high, low + Math.floor(random.unit() * (high - low + 1)))
}

/** Draws an element of a non-empty list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T
}

/** Returns true with probability `count / outOf`. */
export function chance(random: Random, count: number, outOf: number): boolean {
  return random.below(outOf) < count
}
