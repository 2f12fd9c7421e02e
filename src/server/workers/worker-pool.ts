import { backoffMs } from '../../lib/waiting.ts'
import cluster, { type Worker } from 'node:cluster'
import { stackOf } from '../../lib/error-text.ts'
import type { Logger } from '../../lib/logger.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { workerEnvVar } from './worker-state.ts'
import { Peer } from '../../shared/rpc/peer.ts'
import { portClient } from '../../shared/rpc/port-client.ts'
import type { ServedCaller } from '../../shared/rpc/port-server.ts'
import type { ServedWorker, WorkerCoordinator } from './worker-coordinator.ts'
import {
  deserializeValue,
  type WorkerControl,
  workerControlPort,
  type WorkerReport,
} from './worker-messages.ts'

/** Makes a worker accept one connection at a time, so that connections are distributed evenly (libuv up to 1.46; the default later). */
const evenAcceptEnv = { UV_TCP_SINGLE_ACCEPT: '1' }

/** A worker that exits within this time has most likely failed to start. */
const EARLY_EXIT_MS = 1_000

/** Delay before a worker that exited early is replaced. */
const BACKOFF = { firstMs: 1_000, maxMs: 30_000 }

/** Time to exit after the grace period of running answers. */
const EXIT_TIMEOUT_MS = 5_000

/** A worker and its process. */
class Member implements ServedWorker {
  readonly number: number
  readonly process: Worker
  readonly peer: Peer
  readonly control: WorkerControl
  readonly startedMs = performance.now()
  readonly served: ServedCaller
  /** Whether the process has sent a message. Messages to it before that are lost. */
  hasConnected = false
  failure: Error | undefined
  readonly #logger: Logger

  constructor(
    number: number,
    coordinator: WorkerCoordinator,
    logger: Logger,
    onListening: (url: string) => void,
  ) {
    this.number = number
    this.#logger = logger
    this.process = cluster.fork({ [workerEnvVar]: String(number), ...evenAcceptEnv })
    this.served = coordinator.open(this, {
      listening: onListening,
      failed: (code, message) => {
        this.failure = code === undefined ? new Error(message) : new OperatorError(code, message)
        this.process.process.kill('SIGKILL')
      },
    })
    this.peer = new Peer(
      // Ignore send errors: the worker has exited.
      { send: (message) => void this.process.send(message as object, () => {}) },
      this.served.methods,
      (error) =>
        logger.error({ worker: number, err: stackOf(error) }, 'Could not handle a message of a worker.'),
    )
    this.control = portClient(workerControlPort, this.peer)
    this.process.on('message', (message) => {
      if (!Array.isArray(message)) return
      this.hasConnected = true
      this.peer.receive(message)
    })
    this.process.on('error', () => {})
  }

  kill(reason: unknown): void {
    if (!this.process.isConnected()) return
    this.#logger.error(
      { worker: this.number, err: stackOf(reason) },
      'A worker could not apply a change. It is replaced.',
    )
    this.process.process.kill('SIGKILL')
  }
}

/** Starts workers, and replaces those that exit. */
export class WorkerPool {
  readonly #coordinator: WorkerCoordinator
  readonly #logger: Logger
  readonly #members = new Set<Member>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastNumber = 0
  /** Consecutive workers that exited early. */
  #earlyExits = 0
  #phase: 'starting' | 'serving' | 'stopping' = 'starting'
  #onFailedStart: (error: Error) => void = () => {}

  constructor(coordinator: WorkerCoordinator, logger: Logger) {
    this.#coordinator = coordinator
    this.#logger = logger
  }

  /**
   * Starts the workers and returns the URL on which they listen.
   *
   * @throws {OperatorError} if a worker cannot start; all workers are stopped then
   */
  async start(count: number): Promise<string> {
    // Workers accept connections themselves: a connection that the primary passes to a worker that has just exited would hang forever.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({ args: [], serialization: 'json' })
    try {
      const urls = await new Promise<string[]>((resolve, reject) => {
        this.#onFailedStart = reject
        const started = Array.from(
          { length: count },
          () => new Promise<string>((listening) => this.#spawn(listening)),
        )
        void Promise.all(started).then(resolve)
      })
      if (this.#phase === 'starting') this.#phase = 'serving'
      return urls[0] ?? ''
    } catch (error) {
      this.#phase = 'stopping'
      await this.#end(0, () => Promise.reject(new Error('The worker is not needed.')))
      throw error
    }
  }

  /** Waits up to `graceMs` for running answers, and cuts the remaining ones. */
  async stop(graceMs: number): Promise<void> {
    this.#phase = 'stopping'
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#end(graceMs + EXIT_TIMEOUT_MS, async (member) => {
      // The worker does not serve yet, and is killed.
      if (!member.hasConnected) throw new Error('The worker has not started.')
      const report = deserializeValue(await member.control.stop(graceMs)) as WorkerReport
      this.#coordinator.metrics.setReport(member, report)
      member.process.disconnect()
    })
  }

  async #end(maxMs: number, stop: (member: Member) => Promise<void>): Promise<void> {
    const ended = Array.from(this.#members, async (member) => {
      const { process } = member
      const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()))
      const kill = (): void => void process.process.kill('SIGKILL')
      const timer = setTimeout(kill, maxMs)
      await stop(member).catch(kill)
      await exited
      clearTimeout(timer)
    })
    await Promise.all(ended)
  }

  #spawn(onListening: (url: string) => void): void {
    const member = new Member(++this.#lastNumber, this.#coordinator, this.#logger, onListening)
    this.#members.add(member)
    member.process.once('exit', (code, signal) => this.#onExit(member, code, signal))
  }

  #onExit(member: Member, code: number, signal: string | null): void {
    this.#members.delete(member)
    const how = signal ?? `exit code ${code}`
    member.peer.close(new Error(`Worker ${member.number} has exited (${how}).`))
    member.served.close()
    if (this.#phase === 'stopping') return
    if (this.#phase === 'starting') {
      const reason = `A worker process exited during start-up (${how}). See its log lines above.`
      this.#onFailedStart(member.failure ?? new Error(reason))
      return
    }
    this.#replace(member, how)
  }

  #replace({ number, startedMs, failure }: Member, how: string): void {
    const isEarly = performance.now() - startedMs < EARLY_EXIT_MS || failure !== undefined
    const waitMs = isEarly ? backoffMs(this.#earlyExits, BACKOFF) : 0
    this.#earlyExits = isEarly ? this.#earlyExits + 1 : 0
    this.#logger.error(
      { worker: number, how, ...(failure && { err: failure.message }), waitMs },
      'A worker has exited unexpectedly. It is replaced; its running requests are lost.',
    )
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#spawn(() => {
        this.#logger.info({ replaced: number }, 'A new worker has replaced the one that exited.')
      })
    }, waitMs)
    this.#timers.add(timer)
  }
}
