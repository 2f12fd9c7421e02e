import { isRecord } from '../../lib/record.ts'
import type { Drawing } from './drawing.ts'
import { chance } from './random-picks.ts'

/** Branches looked at for one that ends recursion. */
const BRANCHES_SEEN = 20

/** Null stands for "none" beside another branch or type, and is taken once in so many times. */
export const NULL_ONCE_IN = 5

/**
 * Chooses branches, and with each further attempt another combination of them: like counting, with one digit for each
 * choice, from a random start.
 */
export class BranchChooser {
  readonly #drawing: Drawing
  readonly #starts: number[] = []
  #digits = 0
  #choices = 0
  /** How many combinations the last attempt has seen. */
  combinations = 1
  /** Take the branch that is the least deep first. */
  frugal: boolean

  constructor(drawing: Drawing, frugal: boolean) {
    this.#drawing = drawing
    this.frugal = frugal
  }

  /** Begins an attempt, counted from 0. */
  begin(attempt: number): void {
    this.#digits = attempt
    this.#choices = 0
    this.combinations = 1
  }

  choose(branches: readonly unknown[]): unknown {
    const count = branches.length
    const start = (this.#starts[this.#choices++] ??= this.#start(branches))
    const digit = this.#digits % count
    this.#digits = Math.floor(this.#digits / count)
    this.combinations = Math.min(1_000, this.combinations * count)
    return branches[(start + digit) % count]
  }

  #start(branches: readonly unknown[]): number {
    const { random, recursion, budget } = this.#drawing
    const offset = random.below(branches.length)
    if (branches.length === 1) return 0
    const takeNull = chance(random, 1, NULL_ONCE_IN)
    const nullAt = branches.slice(0, BRANCHES_SEEN).findIndex(isNull)
    if (nullAt >= 0 && (takeNull || this.frugal)) return nullAt
    let best = offset
    let bestDepth = Infinity
    for (let step = 0; step < Math.min(branches.length, BRANCHES_SEEN); step++) {
      const at = (offset + step) % branches.length
      const branch = branches[at]
      const depth = recursion.of(branch, budget)
      const usable = depth < Infinity && !isNull(branch)
      if (usable && !this.frugal) return at
      if (depth < bestDepth && !isNull(branch)) [best, bestDepth] = [at, depth]
    }
    return best
  }
}

function isNull(schema: unknown): boolean {
  return isRecord(schema) && (schema['type'] === 'null' || schema['const'] === null)
}
