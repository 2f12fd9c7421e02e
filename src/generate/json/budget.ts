import { drawLimits } from './draw-limits.ts'

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
