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
export function createRankTable(
  runs: readonly RankRun[],
  specialTokens: Readonly<Record<string, number>>,
): RankTable {
  const size = runs.reduce((sum, { tokens }) => sum + tokens.length, 0)
  const vocabulary = readVocabulary(runs)
  const index = new TokenIndex(size)
  const ranksOfPairs = new Int32Array(0x1_0000).fill(-1)
  const specialTexts = new Map(Object.entries(specialTokens).map(([text, rank]) => [rank, text]))
  let maxTokenBytes = 0

  for (const { first, tokens } of runs) {
    for (let rank = first; rank < first + tokens.length; rank++) {
      const bytes = vocabulary.bytesOf(rank)
      index.add(hashWithin(bytes, 0, bytes.length), rank)
      if (bytes.length === 2) ranksOfPairs[bytes.charCodeAt(0) * 256 + bytes.charCodeAt(1)] = rank
      maxTokenBytes = Math.max(maxTokenBytes, bytes.length)
    }
  }

  return {
    size,
    ranksOfPairs,
    rankOf(bytes, start = 0, end = bytes.length) {
      if (end - start > maxTokenBytes) return -1
      return index.find(hashWithin(bytes, start, end), (rank) => vocabulary.is(rank, bytes, start, end))
    },
    bytesOf: (rank) =>
      specialTexts.get(rank) ?? (vocabulary.has(rank) ? vocabulary.bytesOf(rank) : undefined),
  }
}

interface Vocabulary {
  has(rank: number): boolean
  bytesOf(rank: number): string
  /** Whether a token is `bytes` from `start` to `end`. */
  is(rank: number, bytes: string, start: number, end: number): boolean
}

/** Reads the bytes of all tokens into one buffer. */
function readVocabulary(runs: readonly RankRun[]): Vocabulary {
  let characters = 0
  let ranks = 0
  for (const { first, tokens } of runs) {
    for (const token of tokens) characters += token.length
    ranks = Math.max(ranks, first + tokens.length)
  }
  const all = Buffer.alloc(Math.ceil((characters * 3) / 4))
  const starts = new Uint32Array(ranks)
  /** 0 for an unused rank. */
  const lengths = new Uint16Array(ranks)
  let end = 0
  for (const { first, tokens } of runs) {
    for (const [index, token] of tokens.entries()) {
      starts[first + index] = end
      lengths[first + index] = all.write(token, end, 'base64')
      end += lengths[first + index] ?? 0
    }
  }

  return {
    has: (rank) => (lengths[rank] ?? 0) > 0,
    bytesOf(rank) {
      const start = starts[rank] as number
      return all.toString('latin1', start, start + (lengths[rank] as number))
    },
    is(rank, bytes, start, stop) {
      if (lengths[rank] !== stop - start) return false
      const offset = (starts[rank] as number) - start
      for (let at = start; at < stop; at++) if (all[offset + at] !== bytes.charCodeAt(at)) return false
      return true
    },
  }
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
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes.charCodeAt(at), 0x0100_0193)
  return hash ^ (hash >>> 15)
}

/** Tokens with consecutive ranks. A vocabulary is a list of runs. */
export interface RankRun {
  /** The rank of the first token. */
  readonly first: number
  /** The bytes of each token, in base64. */
  readonly tokens: readonly string[]
}

/** Reads the ranks of a js-tiktoken file. Each line is `! <rank of the first token> <token> <token> ...`. */
export function parseBundledRanks(text: string): RankRun[] {
  return text.split('\n').map((line) => {
    const [, first, ...tokens] = line.split(' ')
    return { first: Number(first), tokens }
  })
}

/** Reads a `.tiktoken` file in the format of `renderTokenFile`. Does not validate it. */
export function parseTokenFile(text: string): RankRun[] {
  const runs: { first: number; tokens: string[] }[] = []
  for (const line of text.split('\n')) {
    const [token = '', rank = ''] = line.split(' ')
    if (rank === '') continue
    const run = runs.at(-1)
    if (run && Number(rank) === run.first + run.tokens.length) run.tokens.push(token)
    else runs.push({ first: Number(rank), tokens: [token] })
  }
  return runs
}

/** Renders a `.tiktoken` file: a line `<token in base64> <rank>` for each token, ordered by rank. */
export function renderTokenFile(runs: readonly RankRun[]): string {
  return runs
    .map(({ first, tokens }) => tokens.map((token, index) => `${token} ${first + index}\n`).join(''))
    .join('')
}
