import seedrandom from 'seedrandom'

/** A stream of pseudo-random numbers. Equal seeds give equal streams on every machine. */
export interface Random {
  /** A number in [0, 1) with 32 random bits. */
  unit(): number
  /** An integer in [0, bound); `bound` is an integer from 1 to 2^32. */
  below(bound: number): number
  /** 32 random bits as an unsigned integer. */
  bits(): number
  /** A new stream, independent of later draws from this one. */
  fork(): Random
  /** A new stream for an integer. It draws nothing from this stream, so later draws stay the same. */
  branch(name: number): Random
}

/**
 * Creates the stream of a seed. seedrandom turns the text into a state. The draws come from sfc32, which is about 20 times
 * faster than the generator of seedrandom and passes PractRand.
 */
export function createRandom(seed: string): Random {
  const mix = seedrandom(seed)
  return new Sfc32(mix.int32(), mix.int32(), mix.int32(), mix.int32())
}

const MIXING_ROUNDS = 15

/**
 * The "small fast counting" generator of Chris Doty-Humphrey, with 128 bits of state (PractRand, public domain). Every request
 * forks one, so it is a class: one object costs a fraction of four closures.
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
    // The states differ in a few bits only. 15 rounds spread them (PractRand).
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
