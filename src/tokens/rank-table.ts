/** The vocabulary of an encoding. Bytes are latin1 strings with one character per byte, which V8 slices without copying. */
export interface RankTable {
  /** Number of tokens, without special ones. */
  readonly size: number
  /** The rank of each token of two bytes, at index `first * 256 + second`; -1 if it does not exist. */
  readonly ranksOfPairs: Int32Array
  /** The rank of the token `bytes` from `start` to `end` (default: all bytes); -1 if it does not exist. */
  rankOf(bytes: string, start?: number, end?: number): number
  /** The bytes of a token, including special ones; undefined if it does not exist. */
  bytesOf(rank: number): string | undefined
}

/**
 * A vocabulary as typed arrays. 300,000 strings in Maps would need six times the memory, and each garbage collection would take about
 * 50 ms longer.
 */
export interface Vocabulary {
  /** The bytes of all tokens, by rank. */
  readonly all: Buffer
  /** The end of each token in `all`, which is the start of the next one. */
  readonly ends: Uint32Array
  /** See `RankTable`. */
  readonly ranksOfPairs: Int32Array
  /**
   * A hash table from `hashWithin` of all bytes of a token to its rank, with open addressing. Each slot has two values: the hash, and the
   * rank + 1, or 0 if the slot is empty.
   */
  readonly slots: Int32Array
}

/** Creates the table of a vocabulary, with the ranks of special tokens by their texts. The text of a prompt never contains them. */
export function createRankTable(
  { all, ends, ranksOfPairs, slots }: Vocabulary,
  specialTokens: Readonly<Record<string, number>>,
): RankTable {
  const size = ends.length
  const mask = slots.length / 2 - 1
  const specialTexts = new Map(Object.entries(specialTokens).map(([special, rank]) => [rank, special]))
  const startOf = (rank: number): number => (rank === 0 ? 0 : (ends[rank - 1] as number))

  /** Whether a token is `bytes` from `start` to `end`. */
  const isToken = (rank: number, bytes: string, start: number, end: number): boolean => {
    const first = startOf(rank)
    if ((ends[rank] as number) - first !== end - start) return false
    const offset = first - start
    for (let at = start; at < end; at++) if (all[offset + at] !== bytes.charCodeAt(at)) return false
    return true
  }

  return {
    size,
    ranksOfPairs,
    rankOf(bytes, start = 0, end = bytes.length) {
      if (end - start > MAX_TOKEN_BYTES) return -1
      const hash = hashWithin(bytes, start, end)
      for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
        const entry = slots[2 * slot + 1] as number
        if (entry === 0) return -1
        if (slots[2 * slot] === hash && isToken(entry - 1, bytes, start, end)) return entry - 1
      }
    },
    bytesOf(rank) {
      const end = rank < size ? ends[rank] : undefined
      return end === undefined ? specialTexts.get(rank) : all.toString('latin1', startOf(rank), end)
    },
  }
}

const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The value of each base64 digit, by character code; -1 for other characters. */
const base64Values = Int8Array.from({ length: 256 }, (_, code) =>
  BASE64_DIGITS.indexOf(String.fromCharCode(code)),
)

/** The start of the ranks of a js-tiktoken file. */
const RUN_START = '! 0 '

/** The length of the shortest token, with the space after it. */
const MIN_TOKEN_CHARACTERS = 5

/** The length of the longest token of all encodings, 128 spaces. Longer bytes need no lookup. */
const MAX_TOKEN_BYTES = 128

const PADDING = '='.charCodeAt(0)
const LINE_BREAK = '\n'.charCodeAt(0)

/**
 * Reads a vocabulary. Without the build, this runs at each start, before V8 has optimized much. So it reads each character once, in
 * one loop over local variables. A call for each token doubles the time, and `Buffer.write` for so few bytes takes several times as long.
 *
 * @param text all tokens in base64, by rank from 0: the ranks of a js-tiktoken file (`! 0 <token> <token> ...`) or a `.tiktoken`
 * file (a line `<token> <rank>` for each)
 * @throws {Error} if a rank has no token
 */
export function readVocabulary(text: string): Vocabulary {
  const isRun = text.startsWith(RUN_START)
  const source = Buffer.from(text, 'latin1')
  const maxTokens = Math.ceil(source.length / MIN_TOKEN_CHARACTERS)
  const ends = new Uint32Array(maxTokens)
  const hashes = new Int32Array(maxTokens)
  const all = Buffer.alloc(Math.ceil((source.length * 3) / 4))
  const ranksOfPairs = new Int32Array(0x1_0000).fill(-1)
  let size = 0
  let end = 0

  for (let at = isRun ? RUN_START.length : 0; at < source.length; at++) {
    const start = end
    let bits = 0
    let bitCount = 0
    let hash = HASH_SEED
    for (; at < source.length; at++) {
      const value = base64Values[source[at] as number] as number
      if (value < 0) break
      bits = (bits << 6) | value
      bitCount += 6
      if (bitCount < 8) continue
      bitCount -= 8
      const byte = (bits >>> bitCount) & 0xff
      all[end++] = byte
      hash = addToHash(hash, byte)
    }
    if (end === start) throw new Error(`The token of rank ${size} is not base64 (at character ${at}).`)
    if (end - start === 2) ranksOfPairs[all.readUInt16BE(start)] = size
    ends[size] = end
    hashes[size] = finishHash(hash)
    size++
    while (source[at] === PADDING) at++
    if (!isRun) while (at < source.length && source[at] !== LINE_BREAK) at++
  }
  return {
    all: all.subarray(0, end),
    ends: ends.subarray(0, size),
    ranksOfPairs,
    slots: fillSlots(hashes.subarray(0, size)),
  }
}

/** Two to four slots per token, so that most lookups of other bytes end at an empty slot. */
function fillSlots(hashes: Int32Array): Int32Array {
  const count = 2 ** Math.ceil(Math.log2(Math.max(1, 2 * hashes.length)))
  const mask = count - 1
  const slots = new Int32Array(2 * count)
  for (let rank = 0; rank < hashes.length; rank++) {
    const hash = hashes[rank] as number
    let slot = hash & mask
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    slots[2 * slot] = hash
    slots[2 * slot + 1] = rank + 1
  }
  return slots
}

/** The start of a 32-bit FNV-1a hash. */
const HASH_SEED = 0x811c_9dc5 | 0

function hashWithin(bytes: string, start: number, end: number): number {
  let hash = HASH_SEED
  for (let at = start; at < end; at++) hash = addToHash(hash, bytes.charCodeAt(at))
  return finishHash(hash)
}

function addToHash(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x0100_0193)
}

function finishHash(hash: number): number {
  return hash ^ (hash >>> 15)
}

/** Renders a `.tiktoken` file from a table without special tokens: a line `<token in base64> <rank>` for each token, by rank. */
export function renderTokenFile(table: RankTable): string {
  const lines: string[] = []
  for (let rank = 0; lines.length < table.size; rank++) {
    const bytes = table.bytesOf(rank)
    if (bytes !== undefined) lines.push(`${Buffer.from(bytes, 'latin1').toString('base64')} ${rank}\n`)
  }
  return lines.join('')
}
