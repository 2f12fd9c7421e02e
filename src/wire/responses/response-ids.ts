import type { Random } from '../../lib/random.ts'

/** What an id of the Responses API names. */
export type ResponseIdPrefix = 'resp' | 'msg' | 'rs' | 'fc' | 'fco' | 'ctc' | 'ctco'

/** How many hexadecimal digits all ids of one response begin with. */
const SHARED_DIGITS = 16

/**
 * Makes the ids of one response and of its items, in the form of captures of 2026: the prefix and 50 hexadecimal
 * digits, of which the first 16 and a later two are the same in all ids of a response, and eight are the second in
 * which the item came to be.
 */
export class ResponseIds {
  readonly #random: Random
  readonly #shared: string
  readonly #tail: string

  constructor(random: Random) {
    this.#random = random
    this.#shared = hex(random, SHARED_DIGITS)
    this.#tail = hex(random, 2)
  }

  /** @param epochSeconds when the item came to be */
  next(prefix: ResponseIdPrefix, epochSeconds: number): string {
    const random = this.#random
    const seconds = epochSeconds.toString(16).padStart(8, '0')
    const variant = '89ab'[random.below(4)]
    return `${prefix}_${this.#shared}00${seconds}${hex(random, 4)}81${this.#tail}${variant}${hex(random, 15)}`
  }
}

/** The digits that an id shares with the other ids of its response; undefined for ids of another form. */
export function sharedIdPart(id: string): string | undefined {
  const start = id.indexOf('_') + 1
  return start > 0 && id.length >= start + SHARED_DIGITS ? id.slice(start, start + SHARED_DIGITS) : undefined
}

function hex(random: Random, digits: number): string {
  let text = ''
  while (text.length < digits) text += random.bits().toString(16).padStart(8, '0')
  return text.slice(0, digits)
}
