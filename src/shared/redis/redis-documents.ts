import type { RedisConnection } from './redis-connection.ts'
import { RedisScript } from './redis-script.ts'

/**
 * Documents are two fields of one hash: `=name` what stays the same, `~name` what changes. `#bytes` is the sum of their
 * lengths, and a list has the names, the oldest first.
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
 * Puts a document behind all others and removes the oldest beyond the limits: KEYS the documents, their order; ARGV the name,
 * what stays, what changes, the most documents, the most bytes, and how many milliseconds all are kept from now.
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

/** Puts what changes of a document that is there: KEYS the documents; ARGV the name and what changes. */
const changeScript = new RedisScript(`
local field = '~' .. ARGV[1]
local before = redis.call('HSTRLEN', KEYS[1], field)
if before == 0 then return end
redis.call('HSET', KEYS[1], field, ARGV[2])
redis.call('HINCRBY', KEYS[1], '#bytes', #ARGV[2] - before)
`)

/** Removes a document: KEYS the documents, their order; ARGV the name. */
const removeScript = new RedisScript(`${layout}
if remove(ARGV[1]) > 0 then redis.call('LREM', order, -1, ARGV[1]) end
`)

/** How long documents are kept after the last one was put. */
const RETENTION_MS = 86_400_000

/** A larger one would hold up the decisions that wait behind it on the connection. */
const MAX_DOCUMENT_LENGTH = 512 * 1_024

/** What Redis keeps of documents at most. */
export interface DocumentLimits {
  readonly documents: number
  readonly bytes: number
}

/** A document: what stays the same, and what changes of it. */
export interface RedisDocument {
  readonly fixed: string
  readonly changing: string
}

/** Documents that all simulators have together, so many of them; the oldest go first. Each method rejects when Redis is away. */
export class RedisDocuments {
  readonly #connection: RedisConnection
  readonly #keys: readonly [documents: string, order: string]
  readonly #limits: DocumentLimits

  /** @param kind what the documents are, as their keys tell it: `responses` */
  constructor(connection: RedisConnection, prefix: string, kind: string, limits: DocumentLimits) {
    this.#connection = connection
    this.#keys = [`${prefix}{${kind}}:documents`, `${prefix}{${kind}}:order`]
    this.#limits = limits
  }

  /** Whether Redis answers. */
  get up(): boolean {
    return this.#connection.state.up
  }

  /** Puts a document; false for one that is too large to be shared. */
  async put(name: string, { fixed, changing }: RedisDocument): Promise<boolean> {
    if (fixed.length > MAX_DOCUMENT_LENGTH) return false
    const { documents, bytes } = this.#limits
    const limits = [documents, bytes, RETENTION_MS].map(String)
    await putScript.run(this.#connection, this.#keys, [name, fixed, changing, ...limits])
    return true
  }

  /** Puts what changes of one that is there; does nothing for others. */
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

  /** Removes all. */
  async clear(): Promise<void> {
    await this.#connection.send(['UNLINK', ...this.#keys])
  }
}
