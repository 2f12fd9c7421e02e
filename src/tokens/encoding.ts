import { StringDecoder } from 'node:string_decoder'
import { mergeBytePairs } from './byte-pair-merge.ts'
import { builtInEncoding } from './built-in-encodings.ts'
import { type EncodingName, encodingNames, officialFiles } from './encoding-files.ts'
import { createRankTable, readVocabulary, type Vocabulary } from './rank-table.ts'
import { RecentMap, hashSamples, RepeatCache } from '../lib/caches.ts'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'

/**
 * Compiles the split pattern of a js-tiktoken rank file. The pattern is written for Rust, where \s is Unicode white space. In
 * JavaScript, \s includes U+FEFF and excludes U+0085.
 */
export function compileSplitPattern(source: string): RegExp {
  const unicodeSpaces = source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}')
  return new RegExp(unicodeSpaces, 'gu')
}

/** A run of about 5 million characters outside Latin-1 overflows the stack of V8's regular expressions. */
const WINDOW_LENGTH = 1_000_000

/**
 * Splits a text into pre-tokens, in one list per window. Joined, they are the text. The last two matches of a window depend on the
 * text after them (white space before a line break, an apostrophe before `s`), so the next window starts with them. A single
 * pre-token that is longer than a window is cut, unlike in the original.
 */
export function splitText(
  text: string,
  pattern: RegExp,
  window = WINDOW_LENGTH,
): Iterable<readonly string[]> {
  // Outside the generator, because creating one costs as much as counting five words.
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

/** The end of a window, never within a surrogate pair. */
function endOfWindow(text: string, end: number): number {
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}

/** Half of the memory limit for cached texts of an encoding, 16 MiB. */
const GENERATION_BYTES = 8 * 1024 * 1024

/** Memory of an entry without the characters of its text, rounded up. */
const ENTRY_BYTES = 200

/** Maximum length of a cached text: about 125,000 tokens. */
const MAX_CACHED_TEXT_LENGTH = 500_000

const bytesOf = (text: string): number => 2 * text.length + ENTRY_BYTES

/**
 * Caches token counts of whole texts that requests repeat. A text is found by its length and 64 of its characters, then compared. A
 * Map would hash the whole text, because each request has a new string: measured 0.8 us for 600 characters and 2.5 us for 2,000,
 * compared with 0.3 and 0.5 us.
 *
 * @param generationBytes half of the memory limit
 */
export function createTextCountCache(generationBytes = GENERATION_BYTES): RepeatCache<string, number> {
  return new RepeatCache<string, number>(
    {
      hash: (text) => hashSamples(text.length, (at) => text.charCodeAt(at)),
      equals: (cached, text) => cached === text,
      // The copy replaces a lone surrogate, so such a text is counted each time.
      copy: (text) => Buffer.from(text).toString(),
      weigh: bytesOf,
    },
    generationBytes,
    bytesOf('') + 2 * MAX_CACHED_TEXT_LENGTH,
  )
}

export type { EncodingName } from './encoding-files.ts'

/** Counts the tokens of texts. */
export interface TokenCounter {
  readonly name: EncodingName
  /** The number of tokens of a text. */
  count(text: string): number
  /** Whether `count` only collects the texts and returns no real count. Such counts must not be cached. */
  readonly collects?: boolean
}

/**
 * Converts text to tokens and back. The texts of special tokens, such as `<|endoftext|>`, are ordinary text, as in a prompt. A lone
 * surrogate counts as U+FFFD, its UTF-8 form.
 */
export interface Encoding extends TokenCounter {
  /** The number of tokens of a text. Counts of repeated texts and words are cached. */
  count(text: string): number
  /**
   * Counts a text of more than `LARGE_TEXT_LENGTH` characters in slices of tens of milliseconds, one per step, so that the caller
   * can yield to the event loop. For a single unbroken run that is longer than a slice, the result can be a few tokens off.
   */
  countInSlices(text: string): Generator<undefined, number>
  /** The tokens of a text. */
  encode(text: string): number[]
  /**
   * The text of each token. A token that ends within a character is an empty string, and the token that completes the character has
   * all of it. Joined, the pieces are the text.
   */
  pieces(text: string): string[]
  /** The text of tokens, including special ones. Invalid tokens are ignored. */
  decode(tokens: readonly number[]): string
}

/** From this length (in UTF-16 units), counting a text of one hostile run would block other requests for too long. */
export const LARGE_TEXT_LENGTH = 128 * 1024

const loaded = new Map<EncodingName, Encoding>()

/** Texts of the files from which encodings are loaded instead of the built-in ones. */
const filesToLoad = new Map<EncodingName, string>()

/**
 * Loads encodings from a folder of tiktoken (TIKTOKEN_CACHE_DIR). Encodings that are already loaded are unchanged, because files
 * with the expected hash have the same content.
 *
 * @returns the files, and the encodings without a file, for which the built-in ones are used
 * @throws {OperatorError} ENCODINGS_INVALID for a file that cannot be read or is not the official file
 */
export function useTokenFolder(folder: string): TokenFolder {
  const found = readTokenFolder(folder)
  for (const [name, text] of found.files) if (!loaded.has(name)) filesToLoad.set(name, text)
  return found
}

/**
 * Returns an encoding. The first call for each name reads its tables, in a few milliseconds, or builds them from the file of
 * `useTokenFolder`, in 15 to 40 ms. Never uses the network.
 */
export function loadEncoding(name: EncodingName): Encoding {
  const existing = loaded.get(name)
  if (existing !== undefined) return existing
  const encoding = createEncoding(name)
  loaded.set(name, encoding)
  return encoding
}

/**
 * Minimum length of a cached text. Caching pays if one of three texts is repeated (measured: 0.04 us instead of 0.4 us for a
 * repeated text, 0.7 us instead of 0.5 us for a new one).
 */
const MIN_CACHED_TEXT_LENGTH = 16

/** Number of cached pre-tokens per generation. Two generations need less than 8 MiB. */
const PRE_TOKENS_PER_GENERATION = 16_384

/** Longer pre-tokens are rarely repeated. */
const MAX_CACHED_PRE_TOKEN_LENGTH = 64

/** The vocabulary of a file in TIKTOKEN_CACHE_DIR; undefined without such a file. */
function vocabularyOfFile(name: EncodingName): Vocabulary | undefined {
  const text = filesToLoad.get(name)
  filesToLoad.delete(name)
  return text === undefined ? undefined : readVocabulary(text)
}

function createEncoding(name: EncodingName): Encoding {
  const builtIn = builtInEncoding(name)
  const table = createRankTable(vocabularyOfFile(name) ?? builtIn.vocabulary, builtIn.specialTokens)
  const pattern = compileSplitPattern(builtIn.splitPattern)
  const countsOfPreTokens = new RecentMap<string, number>(PRE_TOKENS_PER_GENERATION)
  const countsOfTexts = createTextCountCache()

  const countNewPreToken = (preToken: string): number => {
    const utf8 = Buffer.from(preToken)
    const bytes = utf8.toString('latin1')
    const tokens = mergeBytePairs(bytes, table).length
    if (preToken.length <= MAX_CACHED_PRE_TOKEN_LENGTH) {
      // A copy: the pre-token is a slice that would retain the whole prompt.
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
      text.length < MIN_CACHED_TEXT_LENGTH ? countPreTokens(text) : countsOfTexts.get(text, countPreTokens),

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

/** The files in a folder of tiktoken. */
export interface TokenFolder {
  /** The texts of the official files, by encoding. */
  readonly files: ReadonlyMap<EncodingName, string>
  /** A sentence for each encoding without a file. */
  readonly missing: readonly string[]
}

/**
 * Reads the official files of the encodings from a folder for TIKTOKEN_CACHE_DIR, and checks their hashes like tiktoken. A missing
 * folder or file is not an error, because the built-in encodings have the same data.
 *
 * @throws {OperatorError} ENCODINGS_INVALID for a file that cannot be read or is not the official file
 */
export function readTokenFolder(folder: string): TokenFolder {
  const files = new Map<EncodingName, string>()
  const missing: string[] = []
  for (const name of encodingNames) {
    const { cacheName, sha256 } = officialFiles[name]
    const path = join(folder, cacheName)
    const bytes = readIfExists(path)
    if (bytes === undefined) {
      missing.push(describeMissing(folder, name))
      continue
    }
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== sha256) {
      throw new OperatorError(
        'ENCODINGS_INVALID',
        `Could not start: ${path} is not ${name}.tiktoken with SHA-256 ${sha256} (got ${found}, ${bytes.length} bytes). ` +
          'Delete it and run make setup-tiktoken, or unset TIKTOKEN_CACHE_DIR to use the built-in encodings.',
      )
    }
    files.set(name, bytes.toString('latin1'))
  }
  return { files, missing }
}

function readIfExists(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const reason = reasonOf(error)
    throw new OperatorError(
      'ENCODINGS_INVALID',
      `Could not start: ${path} cannot be read (${reason}). ` +
        'Set TIKTOKEN_CACHE_DIR to a folder with read permission, or unset it to use the built-in encodings.',
      { cause: error },
    )
  }
}

function describeMissing(folder: string, name: EncodingName): string {
  const { cacheName } = officialFiles[name]
  const ownName = join(folder, `${name}.tiktoken`)
  return existsSync(ownName)
    ? `${ownName} is not used: tiktoken expects the file name ${cacheName}. Rename it.`
    : `${folder} has no file ${cacheName} for ${name}.`
}
