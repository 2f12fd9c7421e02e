import type { Journal } from '../journal/journal.ts'
import type { ConfigOptions } from '../config/config-options.ts'
import { liveConfigOfOptions } from '../config/options-inputs.ts'
import { configError } from '../config/resolve-inputs.ts'
import type { Clock } from '../lib/clock.ts'
import { createLineLogger } from '../lib/line-logger.ts'
import type { Logger } from '../lib/logger.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { createInProcessFetch } from './in-process-fetch.ts'
import { failOnUnusedRecordings, unusedRecordings } from './unused-recordings.ts'
import type { SimulatorHandle, ChosenClock, ClockChoice, SimulatorOptions } from './simulator-handle.ts'
import { startSimulator } from './start-simulator.ts'
import type { App } from './app.ts'
import { type Listener, type ListenOptions, listen } from './listen.ts'

/** Names under `.localhost` are this machine's and nobody else's (RFC 6761). */
const inProcessUrl = 'http://simulator.localhost'

/**
 * Starts a simulator in this process: for unit tests through its `fetch`, without a port, and for other clients after its
 * `listen()`. It touches nothing outside itself: no environment, no signals, no files but those that the options name; any
 * number of them run side by side. Close it when you are done, or declare it with `await using`.
 *
 * @throws {OperatorError} CONFIG_INVALID with every problem of the options, EXTENSION_INVALID, or RECORDINGS_... for a folder
 * of recordings that cannot be read or written
 */
export async function createSimulator<const C extends ClockChoice = 'system'>(
  options: SimulatorOptions<C> = {},
): Promise<SimulatorHandle<ChosenClock<C>>> {
  const { clock: clockChoice, extensions, log, workingDirectory = process.cwd(), ...configOptions } = options
  const ownClock = isClock(clockChoice) ? clockChoice : undefined
  const ownLogger = log === 'silent' ? createLineLogger('silent') : isLogger(log) ? log : undefined
  const live = liveConfigOfOptions(
    {
      ...configOptions,
      ...(!ownClock && { clock: clockChoice as ConfigOptions['clock'] }),
      ...(!ownLogger && { log: log as ConfigOptions['log'] }),
    },
    {
      workingDirectory,
      otherOptions: { extensions: listProblem(extensions), workingDirectory: undefined },
    },
  )
  const { adminApiKey, host, port, extensionPaths, logLevel, defaultResource } = live.current
  const { apiKey } = defaultResource
  const clock = ownClock ?? (live.current.clock === 'virtual' ? createVirtualClock() : createSystemClock())
  const { simulator, app } = await startSimulator(live, {
    clock,
    logger: ownLogger ?? createLineLogger(logLevel),
    extensions: extensions ?? extensionPaths,
    workingDirectory,
    // `requests()` tells at once.
    hasOwnJournal: true,
  })
  const inProcess = createInProcessFetch(app, inProcessUrl)
  const onePort = new OnePort(app, {
    connections: live.current.connections,
    logger: simulator.logger,
    onConnectionEnd: simulator.metrics.connectionEnded,
  })

  const journal = (): Journal => {
    if (simulator.ownJournal) return simulator.ownJournal
    throw new Error(
      'Could not tell of requests: none are kept. Create the simulator with { journal: true }, or with the number of requests to keep.',
    )
  }
  const stop = async (): Promise<void> => {
    const graceMs = live.current.shutdownGraceSeconds * 1_000
    await Promise.all([inProcess.close(graceMs), onePort.close(graceMs)])
    await simulator.close()
    failOnUnusedRecordings(unusedRecordings(simulator))
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= stop())

  return {
    get url() {
      return onePort.url ?? inProcessUrl
    },
    apiKey,
    adminApiKey,
    fetch: inProcess.fetch,
    clock: clock as ChosenClock<C>,
    listen: (where = {}) => onePort.open(where.host ?? host, where.port ?? port),
    requests: (filter) => journal().entries(filter),
    retryReport: () => journal().retryReport(),
    config: () => live.shown(),
    async patch(change) {
      const { problems } = await live.patch(change)
      if (problems.length > 0) throw configError('change the configuration', problems)
    },
    async reset() {
      const { problems } = await simulator.reset()
      if (problems.length > 0) throw configError('reset', problems)
    },
    metrics: () => simulator.metrics.render(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Programs in JavaScript may give anything; what is no clock is refused together with all else. */
function isClock(choice: unknown): choice is Clock {
  return hasFunctions(choice, ['nowMs', 'epochMs', 'at'])
}

function isLogger(log: unknown): log is Logger {
  return hasFunctions(log, ['debug', 'info', 'warn', 'error'])
}

function hasFunctions(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}

function listProblem(extensions: unknown): string | undefined {
  if (extensions === undefined || Array.isArray(extensions)) return undefined
  return `extensions must be a list of extensions or of their paths (got ${typeof extensions}). Put it into brackets.`
}

/** The one port that a simulator in a program may open. */
class OnePort {
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
