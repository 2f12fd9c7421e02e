import type { Random } from '../../lib/random.ts'
import type { Budget } from './budget.ts'
import type { RecursionDepth } from './recursion-depth.ts'
import type { SchemaDocument } from './schema-document.ts'

/** Where a value stands. */
export interface JsonPath {
  /** Levels of objects and arrays around it. */
  readonly depth: number
  /** The name of the property that it is the value of, or whose list it is an item of; empty at the top. */
  readonly name: string
  /** Keep it as small as the schema allows: optional properties omitted, arrays short, recursion ended. */
  readonly frugal: boolean
}

/** One draw of a value from a schema, as its parts see it. */
export interface Drawing {
  readonly random: Random
  readonly document: SchemaDocument
  readonly budget: Budget
  readonly recursion: RecursionDepth
  /** Parts that could not be drawn so that they fit. Who draws a part again, or leaves it out, sets this back. */
  failures: number
  /** A part is larger than the limits allow, so that drawing it again from the same schema does not help. */
  exceeded: boolean
  /** Draws a value that fits all of the schemas. */
  draw(schemas: readonly unknown[], place: JsonPath): unknown
  /** Whether a value fits all of the schemas. */
  fits(schemas: readonly unknown[], value: unknown): boolean
}

/** An integer from `low` to `high`, both included. Beyond 2^53 apart it is as exact as a number can be. */
export function between(random: Random, low: number, high: number): number {
  return Math.min(high, low + Math.floor(random.unit() * (high - low + 1)))
}

/** One of a list that is not empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T
}

/** True `count` times of `outOf`. */
export function chance(random: Random, count: number, outOf: number): boolean {
  return random.below(outOf) < count
}
