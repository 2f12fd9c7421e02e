import { createHash } from 'node:crypto'

/** What a script is run by. */
export interface Sender {
  send(command: readonly string[]): Promise<unknown>
}

/** A script of one key. Redis keeps it by its digest, so that only the first call after a start of Redis carries it. */
export class RedisScript {
  readonly #source: string
  readonly #digest: string

  /** @param source in Lua 5.1 */
  constructor(source: string) {
    this.#source = source
    this.#digest = createHash('sha1').update(source).digest('hex')
  }

  /** Runs it; rejects when Redis is slow or away, or as Redis refuses. */
  async run(sender: Sender, key: string, args: readonly string[]): Promise<unknown> {
    try {
      return await sender.send(['EVALSHA', this.#digest, '1', key, ...args])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return sender.send(['EVAL', this.#source, '1', key, ...args])
    }
  }
}

/** Whether Redis has not seen a script yet, or has forgotten it. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
