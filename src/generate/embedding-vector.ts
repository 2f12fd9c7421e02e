import { hashText, textFeatures } from './text-features.ts'

/** Each feature of a text moves this many of the vector's numbers; enough to keep features apart. */
const directionsPerFeature = 24

/** Length of the part of a vector that belongs to the exact text alone, so that no two texts are quite the same. */
const ownShare = 0.2

/**
 * The embedding of a text: unit length, the same on every machine, and near to the vectors of texts that share words
 * or parts of words with it (feature hashing: Weinberger et al., 2009). Only integer arithmetic and operations that
 * IEEE 754 rounds exactly go into it.
 *
 * @param salt sets the models apart, as their real vectors have nothing in common
 * @param size numbers in the model's full vector
 * @param dimensions numbers wanted; fewer than `size` keeps the first ones and scales them to unit length again
 */
export function embedText(text: string, salt: number, size: number, dimensions: number): Float32Array {
  const vector = new Float64Array(size)
  for (const { hash, weight } of textFeatures(text)) {
    let state = (hash ^ salt) >>> 0 || 1
    for (let i = 0; i < directionsPerFeature; i++) {
      state = xorshift(state)
      const index = (state >>> 1) % size
      vector[index] = (vector[index] ?? 0) + ((state & 1) === 0 ? weight : -weight)
    }
  }
  addOwnPart(vector, hashText(text, salt))
  return unitVector(vector.subarray(0, dimensions))
}

/** Spreads a little of the exact text over the whole vector, so that no number of it is zero. */
function addOwnPart(vector: Float64Array, seed: number): void {
  let squares = 0
  for (const value of vector) squares += value * value
  // A uniform draw from [-1, 1] has the mean square 1/3.
  const scale = squares === 0 ? 1 : Math.sqrt((3 * squares) / vector.length) * ownShare
  let state = seed || 1
  for (let i = 0; i < vector.length; i++) {
    state = xorshift(state)
    vector[i] = (vector[i] ?? 0) + (state / 0x8000_0000 - 1) * scale
  }
}

function unitVector(vector: Float64Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  const length = Math.sqrt(squares)
  return Float32Array.from(vector, (value) => value / length)
}

/** Marsaglia's xorshift32. */
function xorshift(state: number): number {
  let next = state ^ (state << 13)
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}
