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
 * Creates the tables of a vocabulary as typed arrays. 300,000 strings in Maps would need six times the memory, and each garbage
 * collection would take about 50 ms longer.
 *
 * @param specialTokens the ranks of special tokens by their texts; the text of a prompt never contains them
 */
export function createRankTable(file: RankFile, specialTokens: Readonly<Record<string, number>>): RankTable {
  const vocabulary = readVocabulary(file)
  const { size, ranks } = vocabulary
  const index = new TokenIndex(size)
  const ranksOfPairs = new Int32Array(0x1_0000).fill(-1)
  const specialTexts = new Map(Object.entries(specialTokens).map(([text, rank]) => [rank, text]))
  let maxTokenBytes = 0

  for (let rank = 0; rank < ranks; rank++) {
    const length = vocabulary.lengthOf(rank)
    if (length === 0) continue
    index.add(vocabulary.hashOf(rank), rank)
    if (length === 2) ranksOfPairs[vocabulary.firstPairOf(rank)] = rank
    if (length > maxTokenBytes) maxTokenBytes = length
  }

  return {
    size,
    ranksOfPairs,
    rankOf(bytes, start = 0, end = bytes.length) {
      if (end - start > maxTokenBytes) return -1
      return index.find(hashWithin(bytes, start, end), (rank) => vocabulary.is(rank, bytes, start, end))
    },
    bytesOf: (rank) =>
      specialTexts.get(rank) ?? (vocabulary.lengthOf(rank) > 0 ? vocabulary.bytesOf(rank) : undefined),
  }
}

interface Vocabulary {
  /** The number of tokens. */
  readonly size: number
  /** All ranks are below this number. */
  readonly ranks: number
  /** The number of bytes of a token; 0 for an unused rank. */
  lengthOf(rank: number): number
  bytesOf(rank: number): string
  /** Equals `hashWithin` of all bytes of the token. */
  hashOf(rank: number): number
  /** The first two bytes of a token, as an index of `ranksOfPairs`. */
  firstPairOf(rank: number): number
  /** Whether a token is `bytes` from `start` to `end`. */
  is(rank: number, bytes: string, start: number, end: number): boolean
}

/** Reads the bytes of all tokens into one buffer. */
function readVocabulary({ text, forEach }: RankFile): Vocabulary {
  let characters = 0
  let ranks = 0
  let size = 0
  forEach((rank, from, to) => {
    characters += to - from
    size++
    if (rank >= ranks) ranks = rank + 1
  })
  const all = Buffer.alloc(Math.ceil((characters * 3) / 4))
  const starts = new Uint32Array(ranks)
  const lengths = new Uint16Array(ranks)
  let end = 0
  forEach((rank, from, to) => {
    starts[rank] = end
    lengths[rank] = decodeBase64(text, from, to, all, end)
    end += lengths[rank]
  })

  return {
    size,
    ranks,
    lengthOf: (rank) => lengths[rank] ?? 0,
    bytesOf(rank) {
      const start = starts[rank] as number
      return all.toString('latin1', start, start + (lengths[rank] as number))
    },
    hashOf(rank) {
      const start = starts[rank] as number
      const length = lengths[rank] as number
      let hash = length
      for (let at = start; at < start + length; at++) hash = addToHash(hash, all[at] as number)
      return finishHash(hash)
    },
    firstPairOf: (rank) => all.readUInt16BE(starts[rank]),
    is(rank, bytes, start, stop) {
      if (lengths[rank] !== stop - start) return false
      const offset = (starts[rank] as number) - start
      for (let at = start; at < stop; at++) if (all[offset + at] !== bytes.charCodeAt(at)) return false
      return true
    },
  }
}

const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The value of each base64 digit, by character code. */
const base64Values = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, BASE64_DIGITS.indexOf(String.fromCharCode(code))),
)

const PADDING = '='.charCodeAt(0)

/** Decodes a token to `at`, and returns the number of bytes. `Buffer.write` takes several times as long for so few bytes. */
function decodeBase64(text: string, from: number, to: number, target: Uint8Array, at: number): number {
  let bits = 0
  let bitCount = 0
  let end = at
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index)
    if (code === PADDING) break
    bits = (bits << 6) | (base64Values[code] as number)
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    target[end++] = bits >>> bitCount
  }
  return end - at
}

/** Hash table from token hashes to ranks, with open addressing. A slot has a hash and the rank + 1, or 0 if it is empty. */
class TokenIndex {
  readonly #slots: Int32Array
  readonly #mask: number

  /** Two to four slots per token, so that most lookups of other bytes end at an empty slot. */
  constructor(size: number) {
    const count = 2 ** Math.ceil(Math.log2(Math.max(1, 2 * size)))
    this.#slots = new Int32Array(2 * count)
    this.#mask = count - 1
  }

  add(hash: number, rank: number): void {
    let slot = hash & this.#mask
    while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[2 * slot] = hash
    this.#slots[2 * slot + 1] = rank + 1
  }

  /** The rank with this hash for which `is` returns true; -1 if there is no such rank. */
  find(hash: number, is: (rank: number) => boolean): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[2 * slot + 1] as number
      if (entry === 0) return -1
      if (this.#slots[2 * slot] === hash && is(entry - 1)) return entry - 1
    }
  }
}

function hashWithin(bytes: string, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = addToHash(hash, bytes.charCodeAt(at))
  return finishHash(hash)
}

function addToHash(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x0100_0193)
}

function finishHash(hash: number): number {
  return hash ^ (hash >>> 15)
}

/** A text with the tokens of a vocabulary. */
export interface RankFile {
  readonly text: string
  /**
   * Visits each token. A string for each of 300,000 tokens would take longer to create and collect than to decode.
   *
   * @param visit gets the rank of the token and the range of its base64 in the text
   */
  readonly forEach: (visit: (rank: number, from: number, to: number) => void) => void
}

/** The ranks of a js-tiktoken file. Each line is `! <rank of the first token> <token> <token> ...`. */
export function bundledRanks(text: string): RankFile {
  return {
    text,
    forEach(visit) {
      for (const { start, end } of linesOf(text)) {
        const firstAt = start + '! '.length
        let space = text.indexOf(' ', firstAt)
        let rank = Number(text.slice(firstAt, space))
        while (space !== -1 && space < end) {
          const from = space + 1
          space = text.indexOf(' ', from)
          visit(rank++, from, space === -1 || space > end ? end : space)
        }
      }
    },
  }
}

/** The ranks of a `.tiktoken` file in the format of `renderTokenFile`, which is not validated. */
export function fileRanks(text: string): RankFile {
  return {
    text,
    forEach(visit) {
      for (const { start, end } of linesOf(text)) {
        const space = text.indexOf(' ', start)
        if (space !== -1 && space < end) visit(Number(text.slice(space + 1, end)), start, space)
      }
    },
  }
}

function* linesOf(text: string): Generator<{ start: number; end: number }> {
  for (let start = 0; start < text.length;) {
    const lineBreak = text.indexOf('\n', start)
    const end = lineBreak === -1 ? text.length : lineBreak
    yield { start, end }
    start = end + 1
  }
}

/** Renders a `.tiktoken` file: a line `<token in base64> <rank>` for each token, in the order of the file. */
export function renderTokenFile({ text, forEach }: RankFile): string {
  const lines: string[] = []
  forEach((rank, from, to) => lines.push(`${text.slice(from, to)} ${rank}\n`))
  return lines.join('')
}
