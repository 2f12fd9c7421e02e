import { RecentMap } from '../lib/caches.ts'

/** Shorter prompts are never cached (Microsoft Learn, "Prompt caching"). */
export const shortestCachedPrompt = 1_024

/** Beyond that, a prefix counts in steps of this size. */
const stepTokens = 128

/** A prefix is forgotten when it was not used for so long; the service says five to ten minutes. */
const keptMs = 5 * 60_000

/** How exactly the time of the last use is known; to note each use would push other prompts out. */
const noteEveryMs = 30_000

/** Characters of a block, about as long as a step of English. */
const blockLength = 512

/** Blocks of one of the two generations that are remembered; some 15 MB in all. */
const blocksPerGeneration = 131_072

/** From here on what is left of a prompt is estimated by its length, since to count it again would take too long. */
const longestCountedRest = 16_384

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
  readonly #usedMs = new RecentMap<number, number>(blocksPerGeneration)

  /**
   * The tokens of the longest prefix that came before, in steps of 128 and at least 1,024, or 0; remembers the prompt.
   *
   * @param nowMs on any scale that does not go back
   */
  use(prompt: CacheablePrompt, nowMs: number): number {
    if (prompt.tokens < shortestCachedPrompt) return 0
    const rest = this.#note(prompt, nowMs)
    const prefix = prompt.tokens - restTokens(prompt, rest)
    return prefix < shortestCachedPrompt ? 0 : prefix - (prefix % stepTokens)
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
      for (let start = 0; start <= text.length; start += blockLength) {
        const end = Math.min(start + blockLength, text.length)
        chain.add(text, start, end)
        const isLast = end < start + blockLength
        if (isLast) chain.close()
        const usedMs = this.#usedMs.get(chain.value)
        const isFresh = usedMs !== undefined && nowMs - usedMs <= keptMs
        known &&= isFresh
        if (known) {
          rest.text = isLast ? index + 1 : index
          rest.offset = isLast ? 0 : end
        }
        if (!isFresh || nowMs - usedMs > noteEveryMs) this.#usedMs.set(chain.value, nowMs)
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
  if (length > longestCountedRest) return Math.ceil((tokens * length) / totalLength(texts))
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
      high = Math.imul(high ^ (text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)), highFactor)
      low = Math.imul(low ^ (text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 16)), lowFactor)
      low ^= low >>> 15
    }
    for (; at < end; at++) high = Math.imul(high ^ text.charCodeAt(at), highFactor)
    this.#high = high ^ (high >>> 15)
    this.#low = low
  }

  /** Marks the end of a text, so that "ab", "c" and "a", "bc" differ. */
  close(): void {
    this.#high = Math.imul(this.#high ^ endOfText, highFactor)
    this.#low = Math.imul(this.#low ^ endOfText, lowFactor)
  }

  get value(): number {
    const high = this.#high ^ (this.#high >>> 15)
    return (high >>> 0) * 0x20_0000 + ((this.#low ^ (this.#low >>> 13)) >>> 11)
  }
}

const highFactor = 0x0100_0193
const lowFactor = 0x85eb_ca6b
/** No text of one character has this value. */
const endOfText = 0x1_0000
