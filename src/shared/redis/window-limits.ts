import { NEVER_FITS_RETRY_AFTER_SECONDS } from '../../wire/errors.ts'
import type { LimitResult, PayAsYouGoStatus } from '../../limits/rate-limiter.ts'
import type { RedisCharge } from './redis-limits.ts'
import { BUCKET_MS } from '../../limits/deployment-limiter.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WindowBucket, WindowRules } from './limit-rules.ts'
import { type Sender, RedisScript } from './redis-script.ts'
import { MAX_ITEMS_PER_CALL, TickBatcher } from './tick-batcher.ts'

/** Larger than any sum of tokens. Lua cannot parse a word for infinity. */
const UNLIMITED = 1e300

const MAX_WAIT_MS = NEVER_FITS_RETRY_AFTER_SECONDS * 1_000

/** The bucket that was charged, and the creation time of its windows. A correction for windows that were cleared since is ignored. */
interface Charge {
  readonly createdAt: string
  readonly tick: number
}

interface PendingRequest {
  readonly rules: WindowRules
  readonly estimate: number
  readonly resolve: (decision: LimitResult<RedisCharge>) => void
  readonly reject: (error: unknown) => void
}

type Item = PendingRequest | { readonly charge: Charge; readonly delta: number }

/** Replaces the clock of Redis in tests. Returns milliseconds. */
export type TimeOverride = () => number

/** Limits of pay-as-you-go deployments in Redis. */
export class WindowLimits {
  readonly #sender: Sender
  readonly #time: () => string
  readonly #batches: TickBatcher<Item>

  constructor(sender: Sender, clock: Clock, timeOverride?: TimeOverride) {
    this.#sender = sender
    this.#time = () => (timeOverride ? String(timeOverride()) : '')
    this.#batches = new TickBatcher(clock, (key, items) => this.#send(key, items))
  }

  /** Admits and charges a request, or refuses it. Rejects if Redis is slow or not available. */
  decide(key: string, rules: WindowRules, estimate: number): Promise<LimitResult<RedisCharge>> {
    return new Promise((resolve, reject) => {
      this.#batches.add(key, { rules, estimate, resolve, reject }, true)
    })
  }

  /** Current use of the limits. Rejects if Redis is slow or not available. */
  async status(key: string, rules: WindowRules): Promise<PayAsYouGoStatus> {
    const [now, ...flat] = (await windowStatusScript.run(this.#sender, key, [this.#time()])) as [
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

  /** Tokens and requests of the last minute. Rejects if Redis is slow or not available. */
  async used(key: string): Promise<{ readonly tokens: number; readonly requests: number }> {
    const [tokens = 0, requests = 0] = (await windowUseScript.run(this.#sender, key, [
      this.#time(),
    ])) as number[]
    return { tokens, requests }
  }

  #send(key: string, items: Item[]): void {
    let corrections = joinCorrections(items)
    const requests = items.filter((item) => 'rules' in item)
    if (requests.length === 0) {
      // Ignore errors: without the correction, the estimate counts until it leaves the window.
      windowScript.run(this.#sender, key, this.#args(undefined, corrections)).catch(() => {})
    }
    for (let from = 0; from < requests.length;) {
      const { rules } = requests[from] as PendingRequest
      let end = from + 1
      while (end < requests.length && end - from < MAX_ITEMS_PER_CALL && requests[end]?.rules === rules) end++
      void this.#run(key, rules, corrections, requests.slice(from, end))
      corrections = []
      from = end
    }
  }

  async #run(
    key: string,
    rules: WindowRules,
    corrections: readonly string[],
    requests: readonly PendingRequest[],
  ): Promise<void> {
    try {
      const args = this.#args(rules, corrections)
      for (const { estimate } of requests) args.push(String(estimate))
      const reply = (await windowScript.run(this.#sender, key, args)) as [string, ...number[]]
      const charge = { createdAt: reply[0], tick: Number(reply[1]) }
      for (const [index, { estimate, resolve }] of requests.entries()) {
        resolve(this.#limitResult(key, rules, charge, estimate, reply, 2 + index * 5))
      }
    } catch (error) {
      for (const { reject } of requests) reject(error)
    }
  }

  #limitResult(
    key: string,
    rules: WindowRules,
    charge: Charge,
    estimate: number,
    reply: readonly [string, ...number[]],
    at: number,
  ): LimitResult<RedisCharge> {
    const [result = 0, tokens = 0, sliceRequests = 0, requests = 0, waitMs = 0] = reply.slice(
      at,
      at + 5,
    ) as number[]
    const status = rules.remaining({ tokens, requests, sliceRequests })
    if (result < 2) {
      const retryAfterMs = waitMs < 0 ? MAX_WAIT_MS : Math.min(waitMs, MAX_WAIT_MS)
      return { admitted: false, kind: result === 1 ? 'token' : 'call', retryAfterMs, status }
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

  /** @param rules undefined if there is nothing to decide */
  #args(rules: WindowRules | undefined, corrections: readonly string[]): string[] {
    const limits = rules
      ? [Math.min(rules.tokens, UNLIMITED), rules.slice.windowMs / BUCKET_MS, rules.slice.requests]
      : [0, 0, 0]
    return [this.#time(), ...limits.map(String), String(corrections.length / 3), ...corrections]
  }
}

/** Adds up the corrections of each bucket, because answers of requests that arrived together often end together. */
function joinCorrections(items: readonly Item[]): readonly string[] {
  const joined = new Map<string, { readonly charge: Charge; delta: number }>()
  for (const item of items) {
    if (!('charge' in item)) continue
    const { charge, delta } = item
    const name = `${charge.createdAt} ${charge.tick}`
    const known = joined.get(name)
    if (known) known.delta += delta
    else joined.set(name, { charge, delta })
  }
  return [...joined.values()].flatMap(({ charge, delta }) => [
    charge.createdAt,
    String(charge.tick),
    String(delta),
  ])
}

/**
 * The windows of one pay-as-you-go deployment are one string: a header (number of the newest bucket; sums of tokens, requests and
 * requests in the slice; length of the slice; creation time) and a ring of 600 buckets of 100 ms, 12 bytes each. This takes
 * a fixed 7.2 KB and a few commands per call. A hash field for each bucket would cost ten times as much.
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
 * Corrects charges and decides requests of one deployment.
 *
 * KEYS: the windows. ARGV: time in ms (empty: clock of Redis), tokens limit, buckets in the slice (0 if there is nothing to
 * decide), requests limit of the slice, number of corrections, three values for each correction (creation time, bucket,
 * tokens), then the estimate of each request. Returns the creation time and the newest bucket, and for each request: result
 * (0 refused for requests, 1 refused for tokens, 2 admitted), sums after it, wait in ms (-1: forever).
 */
const windowScript = new RedisScript(`${layout}
local limit, length, allowed, corrections = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local tick = math.floor(now / 100)
local newest, tokens, requests, sliced, stored, created = load()
-- Start again after the clock was set back far, else old usage would count forever.
local fresh = not newest or tick < newest - slots
if fresh then
  -- When out of memory, Redis fails only the first write of a script. So delete only if needed.
  if newest then redis.call('DEL', key) end
  redis.call('SETRANGE', key, head + slots * width - 1, '\\0')
  newest, tokens, requests, sliced, stored, created = tick, 0, 0, 0, length, time[1] * 1000000 + time[2]
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
  if from == created and age == 0 then
    delta = math.max(delta, -nowTokens)
    nowTokens, tokens = nowTokens + delta, tokens + delta
  elseif from == created and age > 0 and age < slots then
    local place = head + bucket % slots * width
    local before = struct.unpack('<d', redis.call('GETRANGE', key, place, place + 7))
    delta = math.max(delta, -before)
    redis.call('SETRANGE', key, place, struct.pack('<d', before + delta))
    tokens = tokens + delta
  end
end

-- When one more request fits without further ones. Walks the buckets from the oldest, once for each sum.
local known, empty = { {}, {} }, string.rep('\\0', 32 * width)
local function freeAt(used, max, span, which)
  if max < 1 then return math.huge end
  local excess = used + 1 - max
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

local reply = { string.format('%.17g', created), newest }
for i = at, #ARGV do
  local estimate = tonumber(ARGV[i])
  local never, fits, result, wait = estimate > limit, sliced < allowed, 0, 0
  if fits then
    sliced, requests, nowRequests, result = sliced + 1, requests + 1, nowRequests + 1, 1
    if not never and tokens < limit then
      tokens, nowTokens, result = tokens + estimate, nowTokens + estimate, 2
    end
  elseif never then
    result = 1
  end
  if result < 2 then
    local free = never and math.huge
      or math.max(freeAt(sliced, allowed, length, 2), freeAt(tokens, limit, slots, 1))
    wait = free == math.huge and -1 or math.ceil(free - now)
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = result, whole(tokens), sliced, requests, whole(wait)
end
write()
redis.call('SETRANGE', key, 0, struct.pack('<dddddd', newest, tokens, requests, sliced, length, created))
-- One second more than the window, for usage that is added late in a bucket.
if fresh or moved then redis.call('PEXPIRE', key, 61000) end
return reply
`)

/**
 * Returns the buckets of one deployment. Read-only. KEYS: the windows. ARGV: time in ms (empty: clock of Redis). Returns that
 * time, and number, tokens and requests of each non-empty bucket of the last minute.
 */
const windowStatusScript = new RedisScript(`${layout}
local reply, newest = { string.format('%.17g', now) }, load()
if not newest then return reply end
local oldest = math.max(newest, math.floor(now / 100)) - slots + 1
if oldest > newest then return reply end
local bytes, empty = read(oldest, newest - oldest + 1), string.rep('\\0', 32 * width)
for first = oldest, newest, 32 do
  local at, last = (first - oldest) * width, math.min(first + 31, newest)
  -- Most buckets are empty. Comparing 32 of them costs less than unpacking one.
  if string.sub(bytes, at + 1, at + 32 * width) ~= empty then
    for bucket = first, last do
      local t, r = struct.unpack('<dI4', bytes, (bucket - oldest) * width + 1)
      if t > 0 or r > 0 then
        local n = #reply
        reply[n + 1], reply[n + 2], reply[n + 3] = bucket, whole(t), r
      end
    end
  end
end
return reply
`)

/**
 * Returns the tokens and requests of one deployment in the last minute. Read-only. KEYS: the windows. ARGV: time in ms (empty: clock of
 * Redis).
 */
const windowUseScript = new RedisScript(`${layout}
local newest, tokens, requests = load()
if not newest then return { 0, 0 } end
local gone = math.floor(now / 100) - newest
if gone >= slots then return { 0, 0 } end
-- The sums include buckets that have left the window since the last request.
if gone > 0 then
  local bytes = read(newest - slots + 1, gone)
  for at = 1, gone * width, width do
    local t, r = struct.unpack('<dI4', bytes, at)
    tokens, requests = tokens - t, requests - r
  end
end
return { whole(tokens), requests }
`)
