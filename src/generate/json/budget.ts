/** What is left of the limits of one drawn value. */
export class Budget {
  /** Values drawn so far. */
  values = 0
  /** Characters that strings may still take. */
  characters: number = drawLimits.characters
  #steps: number

  constructor(steps: number) {
    this.#steps = steps
  }

  /** Takes steps of work; false when none are left, and the work is to end. */
  spend(steps: number): boolean {
    this.#steps -= steps
    return this.#steps >= 0
  }

  /** What values and characters were taken, to give back where a part is drawn again. */
  mark(): { readonly values: number; readonly characters: number } {
    return { values: this.values, characters: this.characters }
  }

  /** Gives back what was taken since the mark; work stays done. */
  reset({ values, characters }: { readonly values: number; readonly characters: number }): void {
    this.values = values
    this.characters = characters
  }

  /** True when no work is left to be done. */
  get spent(): boolean {
    return this.#steps <= 0
  }
}

/**
 * What one drawn value may be and cost at most, whatever the schema asks for: a schema comes from the client, and 1 MB
 * of it can describe a value without end. A schema that needs more gets a value that is cut off and does not fit.
 */
export const drawLimits = {
  /** Values in all, each object, array and scalar counted. Structured outputs allow 5,000 properties. */
  values: 5_000,
  /** Levels of objects and arrays. Structured outputs allow ten. */
  depth: 48,
  /** Items of one array. */
  items: 1_000,
  /** Characters of one string. */
  stringLength: 10_000,
  /** Characters of all strings together. */
  characters: 50_000,
  /** Steps of work: schemas looked at, checks made, characters of a pattern followed. Some twenty milliseconds. */
  steps: 80_000,
  /** Steps of the last attempt, and of the check of a whole value. */
  furtherSteps: 40_000,
  /** Characters of a regular expression; a longer one is not followed. */
  patternLength: 2_000,
  /** Schemas that apply to one and the same value through `$ref` and `allOf`. */
  facets: 400,
} as const

/** From here on a value is kept as small as its schema allows, so that recursive schemas give plausible sizes. */
export const frugalFrom = { depth: 6, values: 100 } as const
