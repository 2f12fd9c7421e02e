import { StringDecoder } from 'node:string_decoder'
import { mergeBytePairs } from './byte-pair-merge.ts'
import { bundledFiles, type EncodingName, encodingNames, officialFiles } from './encoding-files.ts'
import { parseBundledRanks, parseTokenFile, type RankRun, createRankTable } from './rank-table.ts'
import { RecentMap, hashSamples, RepeatCache } from '../lib/caches.ts'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'

/**
 * Compiles the split pattern of a js-tiktoken rank file. The original runs in Rust, where \s is Unicode white
 * space; JavaScript's \s has U+FEFF besides and lacks U+0085.
 */
export function compileSplitPattern(source: string): RegExp {
  const unicodeSpaces = source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}')
  return new RegExp(unicodeSpaces, 'gu')
}

/** A run of some 5 million characters outside Latin-1 overflows the stack of V8's regular expressions. */
const WINDOW = 1_000_000

/**
 * Splits a text into its pre-tokens, which joined give the text again; they come in lists, one list a window.
 * The last two matches of a window may change with what follows them (white space before a line break, an
 * apostrophe before `s`), so the next window starts with them. Only a single pre-token longer than a window
 * is cut, where the original would not.
 */
export function splitText(text: string, pattern: RegExp, window = WINDOW): Iterable<readonly string[]> {
  // Not within the generator: to make one costs as much as to count five words.
  return text.length <= window ? [text.match(pattern) ?? []] : splitByWindow(text, pattern, window)
}

function* splitByWindow(text: string, pattern: RegExp, window: number): Generator<readonly string[]> {
  let start = 0
  while (text.length - start > window) {
    const pieces = text.slice(start, endOfWindow(text, start + window)).match(pattern) ?? []
    if (pieces.length > 2) pieces.length -= 2
    for (const piece of pieces) start += piece.length
    yield pieces
  }
  yield text.slice(start).match(pattern) ?? []
}

/** Never between the halves of a surrogate pair. */
function endOfWindow(text: string, end: number): number {
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}

/** Half of what the texts of an encoding may take: 16 MiB in all. */
const GENERATION_BYTES = 8 * 1024 * 1024

/** What an entry takes besides the characters of its text, rounded up. */
const ENTRY_BYTES = 200

/** The longest text that is kept: some 125,000 tokens. */
const LONGEST_TEXT = 500_000

const bytesOf = (text: string): number => 2 * text.length + ENTRY_BYTES

/**
 * Token counts of whole texts, for what comes with every request. A text is found by its length and 64 of its
 * characters, then compared as a whole. A Map from text to count would hash all of it, as each request brings
 * a new string: measured 0.8 us for 600 characters and 2.5 us for 2,000, against 0.3 and 0.5 us for this way.
 *
 * @param generationBytes half of the bound
 */
export function createTextCountCache(generationBytes = GENERATION_BYTES): RepeatCache<string, number> {
  return new RepeatCache<string, number>(
    {
      hash: (text) => hashSamples(text.length, (at) => text.charCodeAt(at)),
      equals: (kept, text) => kept === text,
      // A lone surrogate is not copied faithfully, so such a text is counted each time.
      copy: (text) => Buffer.from(text).toString(),
      weigh: bytesOf,
    },
    generationBytes,
    bytesOf('') + 2 * LONGEST_TEXT,
  )
}

export type { EncodingName } from './encoding-files.ts'

/** Counts the tokens of texts. */
export interface TokenCounter {
  readonly name: EncodingName
  /** The number of tokens of a text. */
  count(text: string): number
  /** True where `count` only takes note of the texts and returns no real count, so that none may be remembered. */
  readonly collects?: boolean
}

/**
 * Turns text into tokens and back. The texts of special tokens, such as `<|endoftext|>`, are ordinary text,
 * as they are in a prompt. A lone surrogate counts as U+FFFD, which is what its UTF-8 form says.
 */
export interface Encoding extends TokenCounter {
  /** The number of tokens of a text. Remembers texts and words, so that what comes again costs little. */
  count(text: string): number
  /**
   * Counts a text of more than `largeTextLength` characters in slices of some tens of milliseconds, one a step, so that
   * the caller can yield to the event loop in between. Only a single unbroken run that is longer than a slice may come
   * out a few tokens off.
   */
  countInSlices(text: string): Generator<undefined, number>
  /** The tokens of a text. */
  encode(text: string): number[]
  /**
   * The text of each of its tokens. A token that ends within a character is an empty text, and the token that completes the
   * character has the whole of it; so they are well-formed, and joined they are the text.
   */
  pieces(text: string): string[]
  /** The text of tokens, special ones included. A number that is no token gives nothing. */
  decode(tokens: readonly number[]): string
}

/** From this length on (in UTF-16 units) a text of one hostile run takes longer than a request may hold up others. */
export const LARGE_TEXT_LENGTH = 128 * 1024

const loaded = new Map<EncodingName, Encoding>()

/** Texts of the files that encodings are to be made of instead of what js-tiktoken carries. */
const filesToLoad = new Map<EncodingName, string>()

/**
 * Lets encodings be made of the files in a folder for tiktoken (TIKTOKEN_CACHE_DIR). Those that are loaded already stay as
 * they are: a file with the right sum says the same.
 *
 * @returns what was read, and what was not there and so comes from js-tiktoken
 * @throws {OperatorError} ENCODINGS_INVALID for a file that cannot be read or is not the official one
 */
export function useTokenFolder(folder: string): TokenFolder {
  const found = readTokenFolder(folder)
  for (const [name, text] of found.files) if (!loaded.has(name)) filesToLoad.set(name, text)
  return found
}

/**
 * Gives an encoding; the first call for each name builds its tables, which takes a good tenth of a second. It
 * reads what js-tiktoken carries with it or what `useTokenFolder` has found, never the network.
 */
export function loadEncoding(name: EncodingName): Encoding {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const encoding = createEncoding(name)
  loaded.set(name, encoding)
  return encoding
}

/**
 * From here it pays to look up the text before its words if one text in three comes again (measured: 0.04 us
 * instead of 0.4 us for a text that comes again, 0.7 us instead of 0.5 us for a new one).
 */
const SHORTEST_REMEMBERED_TEXT = 16

/** There are two generations of so many pre-tokens, together below 8 MiB. */
const PRE_TOKENS_PER_GENERATION = 16_384

/** Longer pre-tokens hardly come twice. */
const LONGEST_REMEMBERED_PRE_TOKEN = 64

function ranksOf(name: EncodingName): RankRun[] {
  const text = filesToLoad.get(name)
  if (text === undefined) return parseBundledRanks(bundledFiles[name].bpe_ranks)
  filesToLoad.delete(name)
  return parseTokenFile(text)
}

function createEncoding(name: EncodingName): Encoding {
  const file = bundledFiles[name]
  const table = createRankTable(ranksOf(name), file.special_tokens)
  const pattern = compileSplitPattern(file.pat_str)
  const countsOfPreTokens = new RecentMap<string, number>(PRE_TOKENS_PER_GENERATION)
  const countsOfTexts = createTextCountCache()

  const countNewPreToken = (preToken: string): number => {
    const utf8 = Buffer.from(preToken)
    const bytes = utf8.toString('latin1')
    const tokens = mergeBytePairs(bytes, table).length
    if (preToken.length <= LONGEST_REMEMBERED_PRE_TOKEN) {
      // Not the pre-token itself: V8 cuts it from the prompt without copying, and so would keep the whole prompt.
      countsOfPreTokens.set(bytes.length === preToken.length ? bytes : utf8.toString(), tokens)
    }
    return tokens
  }

  const countEach = (preTokens: readonly string[]): number => {
    let tokens = 0
    for (const preToken of preTokens) tokens += countsOfPreTokens.get(preToken) ?? countNewPreToken(preToken)
    return tokens
  }

  const countPreTokens = (text: string): number => {
    let tokens = 0
    for (const preTokens of splitText(text, pattern)) tokens += countEach(preTokens)
    return tokens
  }

  const encode = (text: string): number[] => {
    const tokens: number[] = []
    for (const preTokens of splitText(text, pattern)) {
      for (const preToken of preTokens) {
        for (const token of mergeBytePairs(Buffer.from(preToken).toString('latin1'), table))
          tokens.push(token)
      }
    }
    return tokens
  }

  return {
    name,
    count: (text) =>
      text.length < SHORTEST_REMEMBERED_TEXT ? countPreTokens(text) : countsOfTexts.get(text, countPreTokens),

    *countInSlices(text) {
      let tokens = 0
      for (const preTokens of splitText(text, pattern, LARGE_TEXT_LENGTH)) {
        tokens += countEach(preTokens)
        yield
      }
      return tokens
    },

    encode,

    pieces: (text) => {
      const decoder = new StringDecoder('utf8')
      return encode(text).map((token) => decoder.write(Buffer.from(table.bytesOf(token) ?? '', 'latin1')))
    },

    decode: (tokens) =>
      Buffer.from(tokens.map((token) => table.bytesOf(token) ?? '').join(''), 'latin1').toString(),
  }
}

/** What a folder for tiktoken holds. */
export interface TokenFolder {
  /** The texts of the official files that are there, by encoding. */
  readonly files: ReadonlyMap<EncodingName, string>
  /** A sentence for each encoding whose file is not there. */
  readonly missing: readonly string[]
}

/**
 * Reads the official files of the encodings from a folder that tiktoken would take as TIKTOKEN_CACHE_DIR, and checks their
 * sums as tiktoken does. A folder or a file that does not exist is no error: what it would hold is in the program, too.
 *
 * @throws {OperatorError} ENCODINGS_INVALID for a file that cannot be read or is not the official one
 */
export function readTokenFolder(folder: string): TokenFolder {
  const files = new Map<EncodingName, string>()
  const missing: string[] = []
  for (const name of encodingNames) {
    const { cacheName, sha256 } = officialFiles[name]
    const path = join(folder, cacheName)
    const bytes = readIfThere(path)
    if (bytes === undefined) {
      missing.push(describeMissing(folder, name))
      continue
    }
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== sha256) {
      throw new OperatorError(
        'ENCODINGS_INVALID',
        `Could not start: ${path} is not ${name}.tiktoken, whose SHA-256 is ${sha256} (got ${found}, ${bytes.length} bytes). ` +
          'Remove it and run make setup-tiktoken to write it anew, or unset TIKTOKEN_CACHE_DIR: the program has the same tokens in it.',
      )
    }
    files.set(name, bytes.toString('latin1'))
  }
  return { files, missing }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const reason = reasonOf(error)
    throw new OperatorError(
      'ENCODINGS_INVALID',
      `Could not start: ${path} cannot be read (${reason}). ` +
        'Let TIKTOKEN_CACHE_DIR name a folder that this user may read, or unset it: the program has the same tokens in it.',
      { cause: error },
    )
  }
}

function describeMissing(folder: string, name: EncodingName): string {
  const { cacheName } = officialFiles[name]
  const ownName = join(folder, `${name}.tiktoken`)
  return existsSync(ownName)
    ? `${ownName} is not used: tiktoken calls it ${cacheName}. Rename it to that.`
    : `${folder} has no ${cacheName}, the file of ${name}.`
}
