import { RecentMap } from '../lib/caches.ts'

/** Minimum prompt tokens for caching (Microsoft Learn, "Prompt caching"). */
export const MIN_CACHED_PROMPT = 1_024

/** Above the minimum, cached tokens increase in steps of this size. */
const CACHED_STEP_TOKENS = 128

const MINUTE_MS = 60_000

/** Minimum time without use after which a prefix expires, for each retention; `in_memory` takes up to twice as long. */
const retentionMs = {
  in_memory: 5 * MINUTE_MS,
  '24h': 24 * 60 * MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
} as const

/** Name of a retention in `prompt_cache_retention`, or `ttl` of Anthropic Messages. */
export type CacheRetention = keyof typeof retentionMs

/** Resolution of the last use. Updating it on each use would evict other prompts. */
const USE_RESOLUTION_MS = 30_000

/** Characters of a block: about one step of English text. */
const BLOCK_LENGTH = 512

/** Blocks in each of the two generations of the cache; about 15 MB in total. */
const BLOCKS_PER_GENERATION = 131_072

/** Longer suffixes (in characters) are estimated by length, because counting them again takes too long. */
const MAX_COUNTED_SUFFIX = 16_384

/** Characters that select a machine: about 256 tokens of English text (Microsoft Learn, "Prompt caching"). */
const ROUTE_LENGTH = 1_024

/** Requests in a minute with the same start and key that one machine answers. Others go to further machines, with separate caches. */
const REQUESTS_PER_MACHINE = 15

/** Removed resources in each of the two generations. Their prompts have expired before they are dropped, except under heavy change. */
const REMOVALS_PER_GENERATION = 10_000

/** Routes in each of the two generations; about 5 MB in total. */
const ROUTES_PER_GENERATION = 16_384

/**
 * Tokens after the last message, which are never cached: a prompt of 8,823 tokens wrote 8,820 (gpt-5.6-luna on Azure, August 2026,
 * pydantic/genai-prices#596).
 */
const UNCACHED_END_TOKENS = 3

/** A prompt as the cache reads it. */
export interface CacheablePrompt {
  /** Identity of the resource. Prompts of different resources or deployments share no prefix. */
  readonly resource: string
  readonly deployment: string
  /** `prompt_cache_key`, and settings that prevent reuse if they change. Prompts with different keys share no prefix. */
  readonly key: string
  readonly retention: CacheRetention
  /** All texts that the model reads, in order. */
  readonly texts: readonly string[]
  /** Numbers of texts after which a prefix can end; undefined: a prefix can end at each block. */
  readonly breakpoints: readonly number[] | undefined
  /** Tokens of the whole prompt. */
  readonly tokens: number
  readonly count: (text: string) => number
}

/** What the cache did for a prompt. */
export interface CacheUse {
  /** Tokens that were read from the cache. */
  readonly read: number
  /** Tokens that were written to it. Only gpt-5.6 and later report them. */
  readonly written: number
}

/** A prefix that is cached on request. */
export interface Breakpoint {
  /** Number of texts of the prefix. */
  readonly end: number
  readonly retention: CacheRetention
}

/** A prompt with explicit breakpoints, after which alone prefixes are stored: Anthropic Messages. */
export interface MarkedPrompt extends Pick<CacheablePrompt, 'resource' | 'deployment' | 'key' | 'texts'> {
  /** In ascending order. */
  readonly breakpoints: readonly Breakpoint[]
  /** Tokens of the shortest prefix that is stored. */
  readonly minTokens: number
  /** Returns whether a prefix can end after this number of texts. */
  readonly isEnd: (end: number) => boolean
  /** Returns the tokens of this number of texts. */
  readonly tokensOf: (end: number) => number
}

/** What the cache did for a prompt with breakpoints. */
export interface MarkedUse extends CacheUse {
  /** Part of `written` that is stored for an hour. */
  readonly writtenForHour: number
}

/** Blocks before a breakpoint in which the service looks for a stored prefix (Anthropic, "Prompt caching"). */
const LOOKBACK_BLOCKS = 20

/** The use of a prompt that is too short, or not cached on request. */
export const noCacheUse: CacheUse = { read: 0, written: 0 }

/** Requests with one start and key in a minute. */
interface Route {
  readonly startMs: number
  requests: number
}

/**
 * Stores the prefixes of prompts and returns how much of a new prompt is cached. It stores a hash of each prefix,
 * never the text: a hash chain over blocks of 512 characters, which costs at most 2 ns per character.
 */
export class PromptCache {
  readonly #expiresMs = new RecentMap<number, number>(BLOCKS_PER_GENERATION)
  readonly #routes = new RecentMap<number, Route>(ROUTES_PER_GENERATION)
  /** When stored prefixes of prompts with breakpoints expire. */
  readonly #markedMs = new RecentMap<number, number>(ROUTES_PER_GENERATION)
  /** How often a resource was removed. Its prompts from before have other hashes. */
  readonly #removals = new RecentMap<string, number>(REMOVALS_PER_GENERATION)

  /**
   * Stores the prompt. Returns the tokens of the longest cached prefix, in steps of 128 and at least 1,024, or 0. With breakpoints,
   * prefixes end exactly there.
   *
   * @param nowMs on any monotonic scale
   * @param isHit whether the prompt reaches a machine that has it; false returns a miss, and stores the prompt
   */
  use(given: CacheablePrompt, nowMs: number, isHit = true): CacheUse {
    const { tokens, breakpoints } = given
    if (tokens < MIN_CACHED_PROMPT || breakpoints?.length === 0) return noCacheUse
    const removals = this.#removals.get(given.resource)
    const prompt = removals === undefined ? given : { ...given, resource: `${given.resource} ${removals}` }
    const route = routeOf(prompt)
    const { known, end } = this.#recordUse(prompt, route, this.#machineOf(route, nowMs), nowMs)
    const prefix = isHit ? tokens - suffixTokens(prompt, known) : 0
    const read = prefix < MIN_CACHED_PROMPT ? 0 : breakpoints ? prefix : roundToSteps(prefix)
    const boundary = tokens - (breakpoints ? suffixTokens(prompt, end) : UNCACHED_END_TOKENS)
    const written = boundary < MIN_CACHED_PROMPT ? 0 : Math.max(0, boundary - (read > 0 ? prefix : 0))
    return { read, written }
  }

  /**
   * Stores the prefixes up to the breakpoints. Returns the tokens of the longest stored prefix that ends at a breakpoint or at one of the
   * blocks before it.
   *
   * @param nowMs on any monotonic scale
   * @param isHit whether stored prefixes are found
   */
  useMarked(prompt: MarkedPrompt, nowMs: number, isHit = true): MarkedUse {
    const { breakpoints, minTokens, tokensOf } = prompt
    const hashes = this.#prefixHashes(prompt)
    const known = isHit ? this.#knownEnd(prompt, hashes, nowMs) : 0
    const read = tokensOf(known)
    let written = 0
    let writtenForHour = 0
    for (const { end, retention } of breakpoints) {
      const tokens = tokensOf(end)
      const hash = hashes[end]
      if (tokens < minTokens || hash === undefined) continue
      const expiresMs = nowMs + retentionMs[retention]
      this.#markedMs.set(hash, Math.max(expiresMs, this.#markedMs.get(hash) ?? 0))
      if (tokens <= read) continue
      written = tokens - read
      if (retention === '1h') writtenForHour = written
    }
    return { read, written, writtenForHour }
  }

  #prefixHashes({ resource, deployment, key, texts, breakpoints }: MarkedPrompt): readonly number[] {
    const removals = this.#removals.get(resource)
    const chain = startOfChain(removals === undefined ? resource : `${resource} ${removals}`, deployment, key)
    const hashes = [chain.value]
    const last = breakpoints.at(-1)?.end ?? 0
    for (let index = 0; index < last; index++) {
      const text = texts[index] ?? ''
      chain.add(text, 0, text.length)
      chain.close()
      hashes.push(chain.value)
    }
    return hashes
  }

  #knownEnd({ breakpoints, isEnd }: MarkedPrompt, hashes: readonly number[], nowMs: number): number {
    for (const { end: start, retention } of breakpoints.toReversed()) {
      for (let end = start, blocks = 0; end > 0 && blocks < LOOKBACK_BLOCKS; end--) {
        if (!isEnd(end)) continue
        blocks++
        const hash = hashes[end] ?? 0
        const expiresMs = this.#markedMs.get(hash)
        if (expiresMs === undefined || expiresMs < nowMs) continue
        this.#markedMs.set(hash, Math.max(expiresMs, nowMs + retentionMs[retention]))
        return end
      }
    }
    return 0
  }

  /** Forgets the prompts of resources. */
  removeResources(ids: readonly string[]): void {
    for (const id of ids) this.#removals.set(id, (this.#removals.get(id) ?? 0) + 1)
  }

  /** Deletes all prompts. */
  clear(): void {
    this.#expiresMs.clear()
    this.#markedMs.clear()
    this.#routes.clear()
  }

  /** The machine that answers a request. Counts it. */
  #machineOf(route: number, nowMs: number): number {
    const recent = this.#routes.get(route)
    if (!recent || nowMs - recent.startMs >= MINUTE_MS) {
      this.#routes.set(route, { startMs: nowMs, requests: 1 })
      return 0
    }
    return Math.floor(recent.requests++ / REQUESTS_PER_MACHINE)
  }

  /** Records the use of each prefix. Returns the ends of the longest cached prefix and of the longest prefix. */
  #recordUse(
    { resource, deployment, key, retention, texts, breakpoints }: CacheablePrompt,
    route: number,
    machine: number,
    nowMs: number,
  ): { readonly known: TextPosition; readonly end: TextPosition } {
    const chain = startOfChain(resource, deployment, key)
    chain.addNumber(machine)
    // From 5 to 10 minutes, the same for all uses of a prefix.
    const minimumMs = retentionMs[retention]
    const idleMs = retention === 'in_memory' ? minimumMs + (route % minimumMs) : minimumMs
    const expiresMs = nowMs + idleMs
    const last = breakpoints?.at(-1) ?? texts.length
    let isKnown = true
    const known = { text: 0, offset: 0 }
    for (let index = 0; index < last; index++) {
      const text = texts[index] ?? ''
      for (let start = 0; start <= text.length; start += BLOCK_LENGTH) {
        const end = Math.min(start + BLOCK_LENGTH, text.length)
        chain.add(text, start, end)
        const isLast = end < start + BLOCK_LENGTH
        if (isLast) chain.close()
        const storedMs = this.#expiresMs.get(chain.value)
        const isFresh = storedMs !== undefined && nowMs <= storedMs
        isKnown &&= isFresh
        if (isKnown && (!breakpoints || (isLast && breakpoints.includes(index + 1)))) {
          known.text = isLast ? index + 1 : index
          known.offset = isLast ? 0 : end
        }
        if (!isFresh || expiresMs - storedMs > USE_RESOLUTION_MS) this.#expiresMs.set(chain.value, expiresMs)
      }
    }
    return { known, end: { text: last, offset: 0 } }
  }
}

/** Tokens of a cached prefix that does not end at a breakpoint. */
function roundToSteps(tokens: number): number {
  return tokens - (tokens % CACHED_STEP_TOKENS)
}

/**
 * Returns the use of a prompt that starts with a conversation.
 *
 * @param historyTokens tokens of the conversation that are cached
 * @param tokens tokens of the whole prompt
 */
export function useOfHistory(historyTokens: number, tokens: number): CacheUse {
  const read = historyTokens < MIN_CACHED_PROMPT ? 0 : roundToSteps(historyTokens)
  return { read, written: Math.max(0, tokens - UNCACHED_END_TOKENS - (read > 0 ? historyTokens : 0)) }
}

/** Returns whether a prefix is cached that was used `idleMs` ago, independent of its text. */
export function isRetained(retention: CacheRetention, idleMs: number): boolean {
  return idleMs <= retentionMs[retention]
}

function startOfChain(resource: string, deployment: string, key: string): HashChain {
  const chain = new HashChain()
  for (const text of [resource, deployment, key]) {
    chain.add(text, 0, text.length)
    chain.close()
  }
  return chain
}

/** A hash of the start of a prompt. */
function routeOf({ resource, deployment, key, texts }: CacheablePrompt): number {
  const chain = startOfChain(resource, deployment, key)
  let rest = ROUTE_LENGTH
  for (const text of texts) {
    const end = Math.min(rest, text.length)
    chain.add(text, 0, end)
    chain.close()
    rest -= end
    if (rest === 0) break
  }
  return chain.value
}

/** A position in the texts of a prompt. */
interface TextPosition {
  readonly text: number
  readonly offset: number
}

/** Counts the suffix instead of the prefix, because it is shorter and was just counted as part of the prompt. */
function suffixTokens({ texts, tokens, count }: CacheablePrompt, rest: TextPosition): number {
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

  addNumber(value: number): void {
    this.#high = Math.imul(this.#high ^ value, HIGH_FACTOR)
    this.#low = Math.imul(this.#low ^ value, LOW_FACTOR)
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
