import type { ConnectionEnd } from '../metrics/connection-end.ts'
import type { Logger } from '../lib/logger.ts'

/** Someone who floods the port must not flood the log. */
const INTERVAL_MS = 60_000

/** Tells of connections that were ended: the metrics of each, and the log at once and then once a minute with their numbers. */
export class ConnectionReports {
  readonly #logger: Logger | undefined
  readonly #maxConnections: number
  readonly #onEnd: (end: ConnectionEnd) => void
  readonly #untold = new Map<ConnectionEnd, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    logger: Logger | undefined,
    maxConnections: number,
    onEnd: (end: ConnectionEnd) => void = () => {},
  ) {
    this.#logger = logger
    this.#maxConnections = maxConnections
    this.#onEnd = onEnd
  }

  count(end: ConnectionEnd): void {
    this.#onEnd(end)
    this.#untold.set(end, (this.#untold.get(end) ?? 0) + 1)
    if (!this.#timer) this.#tell()
  }

  /** Tells what has not been told. */
  close(): void {
    clearTimeout(this.#timer)
    this.#log()
  }

  #tell(): void {
    this.#timer = this.#log() ? setTimeout(() => this.#tell(), INTERVAL_MS).unref() : undefined
  }

  #log(): boolean {
    if (this.#untold.size === 0) return false
    const full = this.#untold.has('turnedAway') && { maxConnections: this.#maxConnections }
    this.#logger?.warn(
      { ...Object.fromEntries(this.#untold), ...full },
      'Connections were ended by their limits (docs/connections.md).',
    )
    this.#untold.clear()
    return true
  }
}
