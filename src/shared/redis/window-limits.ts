import { NEVER_FITS_RETRY_AFTER_SECONDS } from '../../wire/errors.ts'
import type { LimitResult, PayAsYouGoStatus } from '../../limits/rate-limiter.ts'
import type { RedisCharge } from './redis-limits.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WindowBucket, WindowRules } from './limit-rules.ts'
import { type Sender, RedisScript } from './redis-script.ts'
import { TickBatcher } from './tick-batcher.ts'

/** More would hold up Redis, and with it everybody else, for more than a millisecond. */
const MAX_ITEMS_PER_CALL = 500

const BUCKET_MS = 100

/** Larger than any sum of tokens; Lua reads no word for infinity. */
const UNLIMITED = 1e300

const MAX_WAIT_MS = NEVER_FITS_RETRY_AFTER_SECONDS * 1_000

/** Names what was charged: when the windows began, so that those that were cleared since are left alone, and the bucket. */
interface Charge {
  readonly born: string
  readonly tick: number
}

interface PendingRequest {
  readonly rules: WindowRules
  readonly estimate: number
  readonly resolve: (decision: LimitResult<RedisCharge>) => void
  readonly reject: (error: unknown) => void
}

type Item = PendingRequest | { readonly charge: Charge; readonly delta: number }

/** Tells the time to Redis; absent, its own counts, which is the same for all simulators. */
export type TellTime = () => number

/** The limits of pay-as-you-go deployments, kept in Redis. */
export class WindowLimits {
  readonly #sender: Sender
  readonly #now: () => string
  readonly #batches: TickBatcher<Item>

  constructor(sender: Sender, clock: Clock, tellTime?: TellTime) {
    this.#sender = sender
    this.#now = () => (tellTime ? String(tellTime()) : '')
    this.#batches = new TickBatcher(clock, (key, items) => this.#send(key, items))
  }

  /** Admits a request and charges it, or refuses it; rejects when Redis is slow or away. */
  decide(key: string, rules: WindowRules, estimate: number): Promise<LimitResult<RedisCharge>> {
    return new Promise((resolve, reject) => {
      this.#batches.add(key, { rules, estimate, resolve, reject }, true)
    })
  }

  /** How a deployment stands; rejects when Redis is slow or away. */
  async status(key: string, rules: WindowRules): Promise<PayAsYouGoStatus> {
    const [now, ...flat] = (await windowStatusScript.run(this.#sender, key, [this.#now()])) as [
      string,
      ...number[],
    ]
    const buckets: WindowBucket[] = []
    for (let at = 0; at < flat.length; at += 3) {
      const [tick = 0, tokens = 0, requests = 0] = flat.slice(at, at + 3)
      buckets.push({ tick, tokens, requests })
    }
    return rules.status(buckets, Number(now))
  }

  #send(key: string, items: Item[]): void {
    let corrections = joinCorrections(items)
    const questions = items.filter((item) => 'rules' in item)
    if (questions.length === 0) {
      // Nobody waits for it, and what cannot be corrected stays charged as estimated until it leaves the window.
      windowScript.run(this.#sender, key, this.#args(undefined, corrections)).catch(() => {})
    }
    for (let from = 0; from < questions.length;) {
      const { rules } = questions[from] as PendingRequest
      let end = from + 1
      while (end < questions.length && end - from < MAX_ITEMS_PER_CALL && questions[end]?.rules === rules)
        end++
      void this.#ask(key, rules, corrections, questions.slice(from, end))
      corrections = []
      from = end
    }
  }

  async #ask(
    key: string,
    rules: WindowRules,
    corrections: readonly string[],
    questions: readonly PendingRequest[],
  ): Promise<void> {
    try {
      const args = this.#args(rules, corrections)
      for (const { estimate } of questions) args.push(String(estimate))
      const reply = (await windowScript.run(this.#sender, key, args)) as [string, ...number[]]
      const charge = { born: reply[0], tick: Number(reply[1]) }
      for (const [index, { estimate, resolve }] of questions.entries()) {
        resolve(this.#decision(key, rules, charge, estimate, reply, 2 + index * 5))
      }
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }

  #decision(
    key: string,
    rules: WindowRules,
    charge: Charge,
    estimate: number,
    reply: readonly [string, ...number[]],
    at: number,
  ): LimitResult<RedisCharge> {
    const [went = 0, tokens = 0, sliceRequests = 0, requests = 0, waitMs = 0] = reply.slice(
      at,
      at + 5,
    ) as number[]
    const status = rules.remaining({ tokens, requests, sliceRequests })
    if (went < 2) {
      const retryAfterMs = waitMs < 0 ? MAX_WAIT_MS : Math.min(waitMs, MAX_WAIT_MS)
      return { admitted: false, kind: went === 1 ? 'token' : 'call', retryAfterMs, status }
    }
    return {
      admitted: true,
      status,
      lease: {
        settle: (usage) => {
          const used = usage ? usage.promptTokens + usage.completionTokens : 0
          if (used === estimate || (usage && !rules.correctsEstimate)) return
          this.#batches.add(key, { charge, delta: used - estimate }, false)
        },
        discount: () => undefined,
      },
    }
  }

  /** @param rules undefined where nothing is to be decided */
  #args(rules: WindowRules | undefined, corrections: readonly string[]): string[] {
    const limits = rules
      ? [Math.min(rules.tokens, UNLIMITED), rules.slice.windowMs / BUCKET_MS, rules.slice.requests]
      : [0, 0, 0]
    return [this.#now(), ...limits.map(String), String(corrections.length / 3), ...corrections]
  }
}

/** All corrections of one bucket are one: answers of requests that came together often end together. */
function joinCorrections(items: readonly Item[]): readonly string[] {
  const joined = new Map<string, { readonly charge: Charge; delta: number }>()
  for (const item of items) {
    if (!('charge' in item)) continue
    const { charge, delta } = item
    const name = `${charge.born} ${charge.tick}`
    const known = joined.get(name)
    if (known) known.delta += delta
    else joined.set(name, { charge, delta })
  }
  return [...joined.values()].flatMap(({ charge, delta }) => [
    charge.born,
    String(charge.tick),
    String(delta),
  ])
}

/**
 * The windows of one pay-as-you-go deployment, in one string: a header (the newest bucket's number, the sums of tokens,
 * requests and requests in the slice, the slice's length, the time of its beginning) and a ring of 600 buckets of 100 ms,
 * 12 bytes each. Bytes cost a fixed 7.2 KB and a few commands a call; a field for each bucket would cost ten times that.
 */
const layout = `
local slots, head, width = 600, 48, 12
local key, time = KEYS[1], redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + time[2] / 1000
local function read(first, count)
  local at, room = head + first % slots * width, slots - first % slots
  if count <= room then return redis.call('GETRANGE', key, at, at + count * width - 1) end
  return redis.call('GETRANGE', key, at, head + slots * width - 1)
    .. redis.call('GETRANGE', key, head, head + (count - room) * width - 1)
end
local function load()
  local bytes = redis.call('GETRANGE', key, 0, head - 1)
  if #bytes == head then return struct.unpack('<dddddd', bytes) end
end
local function whole(number) return math.min(number, 9e15) end
`

/**
 * Corrects and decides for one deployment: KEYS its windows; ARGV the time in ms (empty: Redis's own), the tokens limit,
 * the buckets of the slice (0 where nothing is to be decided), the requests limit of the slice, the number of corrections,
 * three of each (beginning, bucket, tokens), and the estimate of each request. Gives the beginning and the newest
 * bucket, and for each request how it went (0 refused for requests, 1 for tokens, 2 admitted), the sums after it, and the wait in
 * ms, -1 for ever.
 */
const windowScript = new RedisScript(`${layout}
local limit, length, allowed, corrections = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local tick = math.floor(now / 100)
local newest, tokens, requests, sliced, stored, born = load()
-- A clock that was set back far would keep what was used for ever.
local fresh = not newest or tick < newest - slots
if fresh then
  -- Redis refuses a script for lack of memory at its first write only, so this must not come first without need.
  if newest then redis.call('DEL', key) end
  redis.call('SETRANGE', key, head + slots * width - 1, '\\0')
  newest, tokens, requests, sliced, stored, born = tick, 0, 0, 0, length, time[1] * 1000000 + time[2]
end
if length == 0 then length = stored end

local function sum(first, count)
  local bytes, t, r = read(first, count), 0, 0
  for at = 1, count * width, width do
    local bucketTokens, bucketRequests = struct.unpack('<dI4', bytes, at)
    t, r = t + bucketTokens, r + bucketRequests
  end
  return t, r
end
local function clear(first, count)
  local room = slots - first % slots
  redis.call('SETRANGE', key, head + first % slots * width, string.rep('\\0', math.min(count, room) * width))
  if count > room then redis.call('SETRANGE', key, head, string.rep('\\0', (count - room) * width)) end
end

local moved = tick > newest
if moved then
  local steps = tick - newest
  if steps >= length then
    sliced = 0
  elseif length == stored then
    local _, left = sum(newest - length + 1, steps)
    sliced = sliced - left
  end
  if steps >= slots then
    tokens, requests = 0, 0
    clear(0, slots)
  else
    local leftTokens, leftRequests = sum(newest - slots + 1, steps)
    tokens, requests = tokens - leftTokens, requests - leftRequests
    clear(newest + 1, steps)
  end
  newest = tick
end
if length ~= stored then
  local _, inSlice = sum(newest - length + 1, length)
  sliced = inSlice
end

local nowTokens, nowRequests = struct.unpack('<dI4', read(newest, 1))
local function write()
  redis.call('SETRANGE', key, head + newest % slots * width, struct.pack('<dI4', nowTokens, nowRequests))
end

local at = 6
for _ = 1, corrections do
  local from, bucket, delta = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local age = newest - bucket
  if from == born and age == 0 then
    delta = math.max(delta, -nowTokens)
    nowTokens, tokens = nowTokens + delta, tokens + delta
  elseif from == born and age > 0 and age < slots then
    local place = head + bucket % slots * width
    local before = struct.unpack('<d', redis.call('GETRANGE', key, place, place + 7))
    delta = math.max(delta, -before)
    redis.call('SETRANGE', key, place, struct.pack('<d', before + delta))
    tokens = tokens + delta
  end
end

-- When one more fits if nothing else comes. Walks the buckets from the oldest, once for each sum that it is asked about.
local known, empty = { {}, {} }, string.rep('\\0', 32 * width)
local function freeAt(used, most, span, which)
  if most < 1 then return math.huge end
  local excess = used + 1 - most
  if excess <= 0 then return now end
  local memo = known[which]
  if memo.used == used then return memo.freeAt end
  write()
  local bucket, bytes, offset = newest - span, '', 1
  while excess > 0 and bucket < newest do
    if offset > #bytes then bytes, offset = read(bucket + 1, math.min(32, newest - bucket)), 1 end
    if offset == 1 and bytes == empty then
      bucket, bytes = bucket + 32, ''
    else
      local t, r = struct.unpack('<dI4', bytes, offset)
      offset, bucket = offset + width, bucket + 1
      excess = excess - (which == 1 and t or r)
    end
  end
  memo.used, memo.freeAt = used, (bucket + span) * 100
  return memo.freeAt
end

local reply = { string.format('%.17g', born), newest }
for i = at, #ARGV do
  local estimate = tonumber(ARGV[i])
  local never, fits, went, wait = estimate > limit, sliced < allowed, 0, 0
  if fits then
    sliced, requests, nowRequests, went = sliced + 1, requests + 1, nowRequests + 1, 1
    if not never and tokens < limit then
      tokens, nowTokens, went = tokens + estimate, nowTokens + estimate, 2
    end
  elseif never then
    went = 1
  end
  if went < 2 then
    local free = never and math.huge
      or math.max(freeAt(sliced, allowed, length, 2), freeAt(tokens, limit, slots, 1))
    wait = free == math.huge and -1 or math.ceil(free - now)
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = went, whole(tokens), sliced, requests, whole(wait)
end
write()
redis.call('SETRANGE', key, 0, struct.pack('<dddddd', newest, tokens, requests, sliced, length, born))
-- A second more than what is counted, for what is added late in a bucket.
if fresh or moved then redis.call('PEXPIRE', key, 61000) end
return reply
`)

/** Tells the buckets of one deployment and changes nothing: KEYS its windows; ARGV the time in ms (empty: Redis's own). Gives
 * that time, and the number, tokens and requests of each bucket of the last minute that holds any. */
const windowStatusScript = new RedisScript(`${layout}
local reply, newest = { string.format('%.17g', now) }, load()
if not newest then return reply end
local oldest = math.max(newest, math.floor(now / 100)) - slots + 1
if oldest > newest then return reply end
local bytes = read(oldest, newest - oldest + 1)
for bucket = oldest, newest do
  local t, r = struct.unpack('<dI4', bytes, (bucket - oldest) * width + 1)
  if t > 0 or r > 0 then
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3] = bucket, whole(t), r
  end
end
return reply
`)
