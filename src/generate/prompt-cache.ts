import { RecentMap } from '../lib/caches.ts'

/** Shorter prompts are never cached (Microsoft Learn, "Prompt caching"). */
export const MIN_CACHED_PROMPT = 1_024

/** Beyond that, a prefix counts in steps of this size. */
const STEP_TOKENS = 128

/** A prefix is forgotten when it was not used for so long; the service says five to ten minutes. */
const RETENTION_MS = 5 * 60_000

/** How exactly the time of the last use is known; to note each use would push other prompts out. */
const NOTE_INTERVAL_MS = 30_000

/** Characters of a block, about as long as a step of English. */
const BLOCK_LENGTH = 512

/** Blocks of one of the two generations that are remembered; some 15 MB in all. */
const BLOCKS_PER_GENERATION = 131_072

/** From here on what is left of a prompt is estimated by its length, since to count it again would take too long. */
const MAX_COUNTED_REST = 16_384

/** What the cache needs to know of a prompt. */
export interface CacheablePrompt {
  /** Prompts of different resources share nothing, and neither do those of different deployments. */
  readonly resource: string
  readonly deployment: string
  /** Everything that the model reads, in order. */
  readonly texts: readonly string[]
  /** Tokens of the whole. */
  readonly tokens: number
  readonly count: (text: string) => number
}

/**
 * Remembers the beginnings of prompts, and tells how much of a new one came before. It keeps a hash of each prefix, never
 * a text: a chain over blocks of 512 characters, which costs two nanoseconds a character at most.
 */
export class PromptCache {
  readonly #usedMs = new RecentMap<number, number>(BLOCKS_PER_GENERATION)

  /**
   * The tokens of the longest prefix that came before, in steps of 128 and at least 1,024, or 0; remembers the prompt.
   *
   * @param nowMs on any scale that does not go back
   */
  use(prompt: CacheablePrompt, nowMs: number): number {
    if (prompt.tokens < MIN_CACHED_PROMPT) return 0
    const rest = this.#note(prompt, nowMs)
    const prefix = prompt.tokens - restTokens(prompt, rest)
    return prefix < MIN_CACHED_PROMPT ? 0 : prefix - (prefix % STEP_TOKENS)
  }

  /** Forgets all prompts. */
  clear(): void {
    this.#usedMs.clear()
  }

  /** Where the known prefix ends. */
  #note({ resource, deployment, texts }: CacheablePrompt, nowMs: number): Rest {
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
        if (!isFresh || nowMs - usedMs > NOTE_INTERVAL_MS) this.#usedMs.set(chain.value, nowMs)
      }
    }
    return rest
  }
}

/** The part of a prompt that is new: from this place of this text on. */
interface Rest {
  readonly text: number
  readonly offset: number
}

/** Counts what is new rather than what is known, since it is shorter and was just counted as part of the prompt. */
function restTokens({ texts, tokens, count }: CacheablePrompt, rest: Rest): number {
  const parts = texts.slice(rest.text)
  if (rest.offset > 0) parts[0] = texts[rest.text]?.slice(rest.offset) ?? ''
  const length = totalLength(parts)
  if (length > MAX_COUNTED_REST) return Math.ceil((tokens * length) / totalLength(texts))
  return parts.reduce((sum, part) => sum + count(part), 0)
}

function totalLength(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0)
}

/**
 * Two running hashes (after FNV-1a), together 53 bits. Each reads every other pair of characters: that is three times as
 * fast as both reading all, and a collision only makes up a cached token.
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

  /** Marks the end of a text, so that "ab", "c" and "a", "bc" differ. */
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
/** No text of one character has this value. */
const END_OF_TEXT = 0x1_0000
