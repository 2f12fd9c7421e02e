import type { Journal } from '../journal/journal.ts'
import type { ConfigOptions } from '../config/config-options.ts'
import { liveConfigOfOptions } from '../config/options-inputs.ts'
import { configError } from '../config/resolve-settings.ts'
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
import { type Listener, type ListenOptions, listen, listenOptions } from './listen.ts'

/** Names under `.localhost` always refer to this machine (RFC 6761). */
const inProcessUrl = 'http://simulator.localhost'

/**
 * Starts a simulator in this process. Unit tests use its `fetch`, without a port; other clients can connect after `listen()`.
 *
 * It reads no environment variables, handles no signals, and uses only files that the options name. Several simulators can run in one
 * process. Close it when you are done, or declare it with `await using`.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems of the options, EXTENSION_INVALID, or RECORDINGS_... if a recordings
 * folder cannot be read or written
 */
export async function createSimulator<const C extends ClockChoice = 'system'>(
  options: SimulatorOptions<C> = {},
): Promise<SimulatorHandle<ChosenClock<C>>> {
  const { clock: clockChoice, extensions, log, workingDirectory = process.cwd(), ...configOptions } = options
  const ownClock = isClock(clockChoice) ? clockChoice : undefined
  const ownLogger = log === 'silent' ? createLineLogger('silent', () => []) : isLogger(log) ? log : undefined
  const live = liveConfigOfOptions(
    {
      ...configOptions,
      ...(!ownClock && { clock: clockChoice as ConfigOptions['clock'] }),
      ...(!ownLogger && { log: log as ConfigOptions['log'] }),
    },
    {
      workingDirectory,
      otherOptions: { extensions: extensionsProblem(extensions), workingDirectory: undefined },
    },
  )
  const { adminApiKey, host, port, extensionPaths, logLevel, defaultResource } = live.current
  const { apiKey } = defaultResource
  const clock = ownClock ?? (live.current.clock === 'virtual' ? createVirtualClock() : createSystemClock())
  const { simulator, app } = await startSimulator(live, {
    clock,
    logger: ownLogger ?? createLineLogger(logLevel, live.secrets.list),
    extensions: extensions ?? extensionPaths,
    workingDirectory,
    // `requests()` is synchronous.
    hasOwnJournal: true,
  })
  const inProcess = createInProcessFetch(app, inProcessUrl)
  const simulatorPort = new SimulatorPort(app, listenOptions(simulator))

  const journal = (): Journal => {
    if (simulator.ownJournal) return simulator.ownJournal
    throw new Error(
      'Could not list requests: the journal is off. Create the simulator with { journal: true }, or with the number of requests to keep.',
    )
  }
  const stop = async (): Promise<void> => {
    const graceMs = live.current.shutdownGraceSeconds * 1_000
    await Promise.all([inProcess.close(graceMs), simulatorPort.close(graceMs)])
    await simulator.close()
    failOnUnusedRecordings(unusedRecordings(simulator))
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= stop())

  return {
    get url() {
      return simulatorPort.url ?? inProcessUrl
    },
    apiKey,
    adminApiKey,
    fetch: inProcess.fetch,
    clock: clock as ChosenClock<C>,
    listen: (address = {}) => simulatorPort.open(address.host ?? host, address.port ?? port),
    requests: (filter) => journal().entries(filter),
    retryReport: (filter) => journal().retryReport(filter),
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

/** Checks the type at run time for JavaScript callers. Other values are validated with the other options. */
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

function extensionsProblem(extensions: unknown): string | undefined {
  if (extensions === undefined || Array.isArray(extensions)) return undefined
  return `extensions must be a list of extensions or paths (got ${typeof extensions}). Put it in brackets.`
}

/** Opens the port of a simulator. It can be opened once. */
class SimulatorPort {
  readonly #app: App
  readonly #options: ListenOptions
  #opening: Promise<Listener> | undefined
  #listener: Listener | undefined
  #isClosed = false

  constructor(app: App, options: ListenOptions) {
    this.#app = app
    this.#options = options
  }

  /** The URL of the port, or undefined while it is not open. */
  get url(): string | undefined {
    return this.#listener?.url
  }

  /**
   * @throws {OperatorError} LISTEN_FAILED; the caller can try again
   * @throws {Error} if it is open already, or is closed
   */
  async open(host: string, port: number): Promise<{ readonly url: string }> {
    if (this.#isClosed)
      throw new Error('Could not listen: the simulator is closed. Create another simulator.')
    if (this.#opening) {
      const address = this.#listener ? ` on ${this.#listener.url}` : ''
      throw new Error(
        `Could not listen: the simulator listens already${address}. Use its url, or create another simulator.`,
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

  /** Closes the port, and cuts open connections after the grace period. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    // If the port could not be opened, there is nothing to close, and `open` has thrown the error.
    const listener = await this.#opening?.catch(() => undefined)
    await listener?.close(graceMs)
  }
}
