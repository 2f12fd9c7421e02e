import type { App } from './app.ts'
import { type Listener, type ListenOptions, listen } from './listen.ts'

/** The one port that a simulator in a program may open. */
export class OnePort {
  readonly #app: App
  readonly #options: ListenOptions
  #opening: Promise<Listener> | undefined
  #listener: Listener | undefined
  #isClosed = false

  constructor(app: App, options: ListenOptions) {
    this.#app = app
    this.#options = options
  }

  /** Where it listens; undefined while it does not. */
  get url(): string | undefined {
    return this.#listener?.url
  }

  /**
   * @throws {OperatorError} LISTEN_FAILED; a further attempt is welcome then
   * @throws {Error} when it listens already, or is closed
   */
  async open(host: string, port: number): Promise<{ readonly url: string }> {
    if (this.#isClosed) throw new Error('Could not listen: the simulator is closed. Create another one.')
    if (this.#opening) {
      const where = this.#listener ? ` on ${this.#listener.url}` : ''
      throw new Error(
        `Could not listen: the simulator listens already${where}. Use its url, or create another simulator.`,
      )
    }
    this.#opening = listen(this.#app, host, port, this.#options)
    try {
      this.#listener = await this.#opening
      return { url: this.#listener.url }
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Takes no more connections, and cuts what is left after the grace period. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    // A port that could not be opened needs no closing, and its caller has been told.
    const listener = await this.#opening?.catch(() => undefined)
    await listener?.close(graceMs)
  }
}
