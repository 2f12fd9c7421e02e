import seedrandom from 'seedrandom'

/** A stream of pseudo-random numbers. Equal seeds give equal streams, on every machine. */
export interface Random {
  /** A number in [0, 1) with 32 random bits. */
  unit(): number
  /** An integer in [0, bound); `bound` is an integer from 1 to 2^32. */
  below(bound: number): number
  /** 32 random bits as an unsigned integer. */
  bits(): number
  /** A new stream, independent of what is drawn from this one afterwards. */
  fork(): Random
  /** A new stream, named by a whole number. Nothing is drawn from this one: what it gives afterwards stays the same. */
  branch(name: number): Random
}

/**
 * Opens the stream of a seed. seedrandom turns the text into a state; the draws come from sfc32, which is some
 * twenty times faster than seedrandom's own generator and passes PractRand.
 */
export function createRandom(seed: string): Random {
  const mix = seedrandom(seed)
  return new Sfc32(mix.int32(), mix.int32(), mix.int32(), mix.int32())
}

const MIXING_ROUNDS = 15

/**
 * Chris Doty-Humphrey's "small fast counting" generator with 128 bits of state (PractRand, public domain). A class,
 * since every request forks one: four closures cost several times one object.
 */
class Sfc32 implements Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(a: number, b: number, c: number, counter: number) {
    this.#a = a | 0
    this.#b = b | 0
    this.#c = c | 0
    this.#counter = counter | 0
  }

  bits(): number {
    const b = this.#b
    const c = this.#c
    const sum = (((this.#a + b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = b ^ (b >>> 9)
    this.#b = (c + (c << 3)) | 0
    this.#c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  unit(): number {
    return this.bits() / 0x1_0000_0000
  }

  below(bound: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * bound)
  }

  fork(): Random {
    return new Sfc32(this.bits(), this.bits(), this.bits(), this.bits())
  }

  branch(name: number): Random {
    const branch = new Sfc32(this.#a ^ name, this.#b, this.#c, this.#counter)
    // The states differ in a few bits only, which takes the generator some rounds to spread (15 in PractRand).
    for (let round = 0; round < MIXING_ROUNDS; round++) branch.bits()
    return branch
  }
}

/** A draw from the standard normal distribution (Box and Muller, 1958). */
export function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit())
}

/**
 * A draw from a lognormal distribution.
 *
 * @param sigma the standard deviation of the logarithm
 */
export function lognormal(median: number, sigma: number, random: Random): number {
  return median * Math.exp(sigma * standardNormal(random))
}
