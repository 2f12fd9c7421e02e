import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { BuiltInEncoding } from './built-in-encodings.ts'
import type { EncodingName } from './encoding-files.ts'

const packageFolder = dirname(createRequire(import.meta.url).resolve('aoai-simulated-api/package.json'))

/** Reads an encoding that scripts/pack-encodings.ts has packed. This takes 3 ms for all, and building them from js-tiktoken 80 ms. */
export function builtInEncoding(name: EncodingName): BuiltInEncoding {
  return unpackEncoding(readFileSync(packedPath(packageFolder, name)))
}

/** The file of a packed encoding, in the folder of the package. */
export function packedPath(folder: string, name: EncodingName): string {
  return `${folder}/dist/encodings/${name}.packed`
}

/** The first word of a file. It is another number if the machine that packed the file has the other byte order. */
const BYTE_ORDER_MARK = 0x0001_0203

/** The mark, and the lengths of `ranksOfPairs`, `ends`, `slots` and `all`. */
const HEADER_WORDS = 5

/** Packs an encoding: a header, the arrays of the vocabulary, and the rest as JSON. A word has 32 bits, in the byte order of this machine. */
export function packEncoding({ vocabulary, ...rest }: BuiltInEncoding): Buffer {
  const { ranksOfPairs, ends, slots, all } = vocabulary
  const arrays = [ranksOfPairs, ends, slots, all]
  const header = Uint32Array.of(BYTE_ORDER_MARK, ...arrays.map(({ length }) => length))
  return Buffer.concat([
    ...[header, ...arrays].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    ),
    Buffer.from(JSON.stringify(rest)),
  ])
}

/** Returns a packed encoding. Its arrays are views of `packed`, without a copy. */
export function unpackEncoding(packed: Buffer): BuiltInEncoding {
  const { buffer, byteOffset } = packed
  const wordsAt = (at: number, count: number): Uint32Array =>
    new Uint32Array(buffer, byteOffset + 4 * at, count)
  const [mark = 0] = wordsAt(0, 1)
  const swapped = mark !== BYTE_ORDER_MARK
  if (swapped) packed.subarray(0, 4 * HEADER_WORDS).swap32()
  const [, pairs = 0, size = 0, slots = 0, bytes = 0] = wordsAt(0, HEADER_WORDS)
  const words = HEADER_WORDS + pairs + size + slots
  if (swapped) packed.subarray(4 * HEADER_WORDS, 4 * words).swap32()
  const signedAt = (at: number, count: number): Int32Array =>
    new Int32Array(buffer, byteOffset + 4 * at, count)
  const end = 4 * words + bytes
  const rest = JSON.parse(packed.toString('utf8', end)) as Omit<BuiltInEncoding, 'vocabulary'>
  return {
    vocabulary: {
      ranksOfPairs: signedAt(HEADER_WORDS, pairs),
      ends: wordsAt(HEADER_WORDS + pairs, size),
      slots: signedAt(HEADER_WORDS + pairs + size, slots),
      all: packed.subarray(4 * words, end),
    },
    ...rest,
  }
}
