/** Remaining limits of one drawn value. */
export class Budget {
  /** Values drawn so far. */
  values = 0
  /** Remaining characters for strings. */
  characters: number = drawLimits.characters
  #steps: number

  constructor(steps: number) {
    this.#steps = steps
  }

  /** Spends work steps. Returns false if none are left; the caller must then stop. */
  spend(steps: number): boolean {
    this.#steps -= steps
    return this.#steps >= 0
  }

  /** Returns the values and characters used so far, for `reset` before a part is drawn again. */
  mark(): { readonly values: number; readonly characters: number } {
    return { values: this.values, characters: this.characters }
  }

  /** Restores the values and characters of a mark. Spent steps stay spent. */
  reset({ values, characters }: { readonly values: number; readonly characters: number }): void {
    this.values = values
    this.characters = characters
  }

  /** Whether no steps are left. */
  get spent(): boolean {
    return this.#steps <= 0
  }
}

/**
 * Limits of one drawn value for any schema. Schemas come from clients, and 1 MB of schema can describe an endless
 * value. A value that would exceed the limits is cut off and does not match its schema.
 */
export const drawLimits = {
  /** Total objects, arrays and scalars. Structured outputs allow 5,000 properties. */
  values: 5_000,
  /** Nesting of objects and arrays. Structured outputs allow ten levels. */
  depth: 48,
  /** Items of one array. */
  items: 1_000,
  /** Characters of one string. */
  stringLength: 10_000,
  /** Characters of all strings together. */
  characters: 50_000,
  /** Work steps: schemas visited, checks, pattern characters matched. About 20 ms. */
  steps: 80_000,
  /** Work steps of the last attempt, and of the check of a whole value. */
  finalSteps: 40_000,
  /** Characters of a regular expression. A longer one is ignored. */
  patternLength: 2_000,
  /** Schemas that apply to the same value through `$ref` and `allOf`. */
  facets: 400,
} as const

/**
 * Beyond these limits, values are kept as small as the schema allows, so that recursive schemas produce plausible
 * sizes.
 */
export const minimalFrom = { depth: 6, values: 100 } as const
