import { RecentMap } from '../lib/caches.ts'

/** Minimum prompt tokens for caching (Microsoft Learn, "Prompt caching"). */
export const MIN_CACHED_PROMPT = 1_024

/** Above the minimum, cached tokens increase in steps of this size. */
export const CACHED_STEP_TOKENS = 128

/** A prefix expires if it is not used for this long. The service documents five to ten minutes. */
const RETENTION_MS = 5 * 60_000

/** Resolution of the last use. Updating it on each use would evict other prompts. */
const USE_RESOLUTION_MS = 30_000

/** Characters of a block: about one step of English text. */
const BLOCK_LENGTH = 512

/** Blocks in each of the two generations of the cache; about 15 MB in total. */
const BLOCKS_PER_GENERATION = 131_072

/** Longer suffixes (in characters) are estimated by length, because counting them again takes too long. */
const MAX_COUNTED_SUFFIX = 16_384

/** A prompt as the cache reads it. */
export interface CacheablePrompt {
  /** Prompts of different resources or deployments share no prefix. */
  readonly resource: string
  readonly deployment: string
  /** All texts that the model reads, in order. */
  readonly texts: readonly string[]
  /** Tokens of the whole prompt. */
  readonly tokens: number
  readonly count: (text: string) => number
}

/**
 * Stores the prefixes of prompts and returns how much of a new prompt is cached. It stores a hash of each prefix,
 * never the text: a hash chain over blocks of 512 characters, which costs at most 2 ns per character.
 */
export class PromptCache {
  readonly #usedMs = new RecentMap<number, number>(BLOCKS_PER_GENERATION)

  /**
   * Stores the prompt. Returns the tokens of the longest cached prefix, in steps of 128 and at least 1,024, or 0.
   *
   * @param nowMs on any monotonic scale
   */
  use(prompt: CacheablePrompt, nowMs: number): number {
    if (prompt.tokens < MIN_CACHED_PROMPT) return 0
    const rest = this.#recordUse(prompt, nowMs)
    const prefix = prompt.tokens - suffixTokens(prompt, rest)
    return prefix < MIN_CACHED_PROMPT ? 0 : prefix - (prefix % CACHED_STEP_TOKENS)
  }

  /** Deletes all prompts. */
  clear(): void {
    this.#usedMs.clear()
  }

  /** Records the use of each prefix. Returns the end of the longest cached prefix. */
  #recordUse({ resource, deployment, texts }: CacheablePrompt, nowMs: number): SuffixStart {
    const chain = new HashChain()
    chain.add(resource, 0, resource.length)
    chain.close()
    chain.add(deployment, 0, deployment.length)
    let known = true
    const rest = { text: 0, offset: 0 }
    for (const [index, text] of texts.entries()) {
      for (let start = 0; start <= text.length; start += BLOCK_LENGTH) {
        const end = Math.min(start + BLOCK_LENGTH, text.length)
        chain.add(text, start, end)
        const isLast = end < start + BLOCK_LENGTH
        if (isLast) chain.close()
        const usedMs = this.#usedMs.get(chain.value)
        const isFresh = usedMs !== undefined && nowMs - usedMs <= RETENTION_MS
        known &&= isFresh
        if (known) {
          rest.text = isLast ? index + 1 : index
          rest.offset = isLast ? 0 : end
        }
        if (!isFresh || nowMs - usedMs > USE_RESOLUTION_MS) this.#usedMs.set(chain.value, nowMs)
      }
    }
    return rest
  }
}

/** Start of the part of a prompt that is not cached. */
interface SuffixStart {
  readonly text: number
  readonly offset: number
}

/** Counts the suffix instead of the prefix, because it is shorter and was just counted as part of the prompt. */
function suffixTokens({ texts, tokens, count }: CacheablePrompt, rest: SuffixStart): number {
  const parts = texts.slice(rest.text)
  if (rest.offset > 0) parts[0] = texts[rest.text]?.slice(rest.offset) ?? ''
  const length = totalLength(parts)
  if (length > MAX_COUNTED_SUFFIX) return Math.ceil((tokens * length) / totalLength(texts))
  return parts.reduce((sum, part) => sum + count(part), 0)
}

function totalLength(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}

/**
 * Two running hashes (derived from FNV-1a), 53 bits in total. Each reads every other pair of characters, which is
 * three times as fast as reading all of them. A collision only results in a wrong number of cached tokens.
 */
class HashChain {
  #high = 0x811c9dc5
  #low = 0x9e3779b9

  add(text: string, start: number, end: number): void {
    let high = this.#high
    let low = this.#low
    let at = start
    for (; at + 3 < end; at += 4) {
      high = Math.imul(high ^ (text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)), HIGH_FACTOR)
      low = Math.imul(low ^ (text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 16)), LOW_FACTOR)
      low ^= low >>> 15
    }
    for (; at < end; at++) high = Math.imul(high ^ text.charCodeAt(at), HIGH_FACTOR)
    this.#high = high ^ (high >>> 15)
    this.#low = low
  }

  /** Marks the end of a text, so that ("ab", "c") and ("a", "bc") have different hashes. */
  close(): void {
    this.#high = Math.imul(this.#high ^ END_OF_TEXT, HIGH_FACTOR)
    this.#low = Math.imul(this.#low ^ END_OF_TEXT, LOW_FACTOR)
  }

  get value(): number {
    const high = this.#high ^ (this.#high >>> 15)
    return (high >>> 0) * 0x20_0000 + ((this.#low ^ (this.#low >>> 13)) >>> 11)
  }
}

const HIGH_FACTOR = 0x0100_0193
const LOW_FACTOR = 0x85eb_ca6b
/** Not a UTF-16 code unit, so no character has this value. */
const END_OF_TEXT = 0x1_0000
