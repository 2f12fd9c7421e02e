import { createHash } from 'node:crypto'

/** What a script is run by. */
export interface Sender {
  send(command: readonly string[]): Promise<unknown>
}

/**
 * A script. Redis keeps it by its digest, so that only the first call after a start of Redis carries it. Every key that it
 * touches is declared, and those of one call share a hash tag, so that a cluster can run it.
 */
export class RedisScript {
  readonly #source: string
  readonly #digest: string

  /** @param source in Lua 5.1 */
  constructor(source: string) {
    this.#source = source
    this.#digest = createHash('sha1').update(source).digest('hex')
  }

  /** Runs it; rejects when Redis is slow or away, or as Redis refuses. */
  async run(sender: Sender, keys: string | readonly string[], args: readonly string[]): Promise<unknown> {
    const declared = typeof keys === 'string' ? ['1', keys] : [String(keys.length), ...keys]
    try {
      return await sender.send(['EVALSHA', this.#digest, ...declared, ...args])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return sender.send(['EVAL', this.#source, ...declared, ...args])
    }
  }
}

/** Whether Redis has not seen a script yet, or has forgotten it. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
