import type { Random } from '../../lib/random.ts'

/** The prefix of an id, which is the kind of object. */
export type ResponseIdPrefix =
  | 'resp'
  | 'msg'
  | 'rs'
  | 'fc'
  | 'fco'
  | 'ctc'
  | 'ctco'
  | 'cmp'
  // Calls of hosted tools and their outputs.
  | 'apc'
  | 'ci'
  | 'cu'
  | 'fs'
  | 'ig'
  | 'lsh'
  | 'mcp'
  | 'mcpl'
  | 'mcpr'
  | 'sh'
  | 'sho'
  | 'tsc'
  | 'tso'
  | 'ws'

/** Number of hexadecimal digits at the start that all ids of a response share. */
const SHARED_DIGITS = 16

/**
 * Generates the ids of one response and its items, in the format of captures of 2026: a prefix and 50 hexadecimal digits. The first
 * 16 and two further digits are equal in all ids of a response. Eight digits are the creation time in seconds.
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

  /** @param epochSeconds creation time of the item */
  next(prefix: ResponseIdPrefix, epochSeconds: number): string {
    const random = this.#random
    const seconds = epochSeconds.toString(16).padStart(8, '0')
    const variant = '89ab'[random.below(4)]
    return `${prefix}_${this.#shared}00${seconds}${hex(random, 4)}81${this.#tail}${variant}${hex(random, 15)}`
  }
}

/** Returns the digits that all ids of a response share, or undefined for ids in another format. */
export function sharedIdPart(id: string): string | undefined {
  const start = id.indexOf('_') + 1
  return start > 0 && id.length >= start + SHARED_DIGITS ? id.slice(start, start + SHARED_DIGITS) : undefined
}

function hex(random: Random, digits: number): string {
  let text = ''
  while (text.length < digits) text += random.bits().toString(16).padStart(8, '0')
  return text.slice(0, digits)
}
