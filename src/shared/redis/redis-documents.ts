import { changeScript, putScript, removeScript } from './document-scripts.ts'
import type { RedisConnection } from './redis-connection.ts'

/** How long documents are kept after the last one was put. */
const keptMs = 86_400_000

/** A larger one would hold up the decisions that wait behind it on the connection. */
const longestDocument = 512 * 1_024

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
    if (fixed.length > longestDocument) return false
    const { documents, bytes } = this.#limits
    const limits = [documents, bytes, keptMs].map(String)
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
