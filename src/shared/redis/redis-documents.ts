import type { RedisConnection } from './redis-connection.ts'
import { RedisScript } from './redis-script.ts'

/**
 * A document is two fields of one hash: `=name` is the fixed part, `~name` the changing part. `#bytes` is the sum of their
 * lengths. A list has the names, oldest first.
 */
const layout = `
local documents, order = KEYS[1], KEYS[2]
local function remove(name)
  local bytes = redis.call('HSTRLEN', documents, '=' .. name) + redis.call('HSTRLEN', documents, '~' .. name)
  if bytes > 0 then
    redis.call('HDEL', documents, '=' .. name, '~' .. name)
    redis.call('HINCRBY', documents, '#bytes', -bytes)
  end
  return bytes
end
`

/**
 * Adds or replaces a document as the newest one, and removes the oldest beyond the limits. KEYS: documents, order. ARGV: name,
 * fixed part, changing part, maximum documents, maximum bytes, time to live in ms.
 */
const putScript = new RedisScript(`${layout}
local name, fixed, changing = ARGV[1], ARGV[2], ARGV[3]
if remove(name) > 0 then redis.call('LREM', order, -1, name) end
redis.call('HSET', documents, '=' .. name, fixed, '~' .. name, changing)
local bytes = redis.call('HINCRBY', documents, '#bytes', #fixed + #changing)
local count = redis.call('RPUSH', order, name)
while count > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) do
  local oldest = redis.call('LPOP', order)
  if not oldest then break end
  bytes, count = bytes - remove(oldest), count - 1
end
redis.call('PEXPIRE', documents, ARGV[6])
redis.call('PEXPIRE', order, ARGV[6])
`)

/** Replaces the changing part of a document, if the document exists. KEYS: documents. ARGV: name, changing part. */
const changeScript = new RedisScript(`
local field = '~' .. ARGV[1]
local before = redis.call('HSTRLEN', KEYS[1], field)
if before == 0 then return end
redis.call('HSET', KEYS[1], field, ARGV[2])
redis.call('HINCRBY', KEYS[1], '#bytes', #ARGV[2] - before)
`)

/** Removes a document. KEYS: documents, order. ARGV: name. */
const removeScript = new RedisScript(`${layout}
if remove(ARGV[1]) > 0 then redis.call('LREM', order, -1, ARGV[1]) end
`)

/** Documents expire this long after the last one was added. */
const RETENTION_MS = 86_400_000

/** A larger document would delay the decisions that are queued behind it on the connection. */
const MAX_DOCUMENT_LENGTH = 512 * 1_024

/** Limits for the documents in Redis. */
export interface DocumentLimits {
  readonly documents: number
  readonly bytes: number
}

/** A document with a fixed and a changing part. */
export interface RedisDocument {
  readonly fixed: string
  readonly changing: string
}

/** Documents that all simulators share, with limits. The oldest are removed first. Methods reject if Redis is not available. */
export class RedisDocuments {
  readonly #connection: RedisConnection
  readonly #keys: readonly [documents: string, order: string]
  readonly #limits: DocumentLimits

  /** @param kind part of the keys, such as `responses` */
  constructor(connection: RedisConnection, prefix: string, kind: string, limits: DocumentLimits) {
    this.#connection = connection
    this.#keys = [`${prefix}{${kind}}:documents`, `${prefix}{${kind}}:order`]
    this.#limits = limits
  }

  /** Whether Redis is available. */
  get up(): boolean {
    return this.#connection.state.up
  }

  /** Adds or replaces a document. Returns false if it is too large. */
  async put(name: string, { fixed, changing }: RedisDocument): Promise<boolean> {
    if (fixed.length > MAX_DOCUMENT_LENGTH) return false
    const { documents, bytes } = this.#limits
    const limits = [documents, bytes, RETENTION_MS].map(String)
    await putScript.run(this.#connection, this.#keys, [name, fixed, changing, ...limits])
    return true
  }

  /** Replaces the changing part of a document. Does nothing if there is no such document. */
  async change(name: string, changing: string): Promise<void> {
    await changeScript.run(this.#connection, this.#keys[0], [name, changing])
  }

  async get(name: string): Promise<RedisDocument | undefined> {
    const fields = await this.#connection.send(['HMGET', this.#keys[0], `=${name}`, `~${name}`])
    const [fixed, changing] = fields as (string | null)[]
    return fixed && changing ? { fixed, changing } : undefined
  }

  async remove(name: string): Promise<void> {
    await removeScript.run(this.#connection, this.#keys, [name])
  }

  async clear(): Promise<void> {
    await this.#connection.send(['UNLINK', ...this.#keys])
  }
}
