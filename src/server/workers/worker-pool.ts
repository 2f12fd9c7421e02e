import { backoffMs } from '../../lib/waiting.ts'
import cluster, { type Worker } from 'node:cluster'
import type { Logger } from '../../lib/logger.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { workerMark } from './worker-start.ts'
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

/** Lets a worker take one connection at a time, so that it leaves some of many to others (libuv up to 1.46; later ones do so). */
const evenShares = { UV_TCP_SINGLE_ACCEPT: '1' }

/** A worker that dies sooner after its start has most likely died of it. */
const SHORT_LIFE_MS = 1_000

/** How long the first and the longest wait for another attempt is. */
const BACKOFF = { firstMs: 1_000, maxMs: 30_000 }

/** What a worker may take to end beside the grace period of its answers. */
const ENDING_MS = 5_000

/** A worker and its process. */
class Member implements ServedWorker {
  readonly number: number
  readonly process: Worker
  readonly peer: Peer
  readonly control: WorkerControl
  readonly bornMs = performance.now()
  readonly served: ServedCaller
  /** Whether its process listens to the primary: what it was sent before is lost. */
  hasBegun = false
  failure: Error | undefined
  readonly #logger: Logger

  constructor(
    number: number,
    service: WorkerCoordinator,
    logger: Logger,
    onListening: (url: string) => void,
  ) {
    this.number = number
    this.#logger = logger
    this.process = cluster.fork({ [workerMark]: String(number), ...evenShares })
    this.served = service.open(this, {
      listening: onListening,
      failed: (code, message) => {
        this.failure = code === undefined ? new Error(message) : new OperatorError(code, message)
        this.process.process.kill('SIGKILL')
      },
    })
    this.peer = new Peer(
      // What a process that is gone cannot be told is of no use any more.
      { send: (message) => void this.process.send(message as object, () => {}) },
      this.served.methods,
      (error) => logger.error({ worker: number, err: describe(error) }, 'A notice of a worker failed.'),
    )
    this.control = portClient(workerControlPort, this.peer)
    this.process.on('message', (message) => {
      if (!Array.isArray(message)) return
      this.hasBegun = true
      this.peer.receive(message)
    })
    this.process.on('error', () => {})
  }

  kill(reason: unknown): void {
    if (!this.process.isConnected()) return
    this.#logger.error(
      { worker: this.number, err: describe(reason) },
      'A worker could not follow a change; another one takes its place.',
    )
    this.process.process.kill('SIGKILL')
  }
}

/** Keeps a number of workers alive. */
export class WorkerPool {
  readonly #service: WorkerCoordinator
  readonly #logger: Logger
  readonly #members = new Set<Member>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastNumber = 0
  /** Workers in a row that ended soon after their start. */
  #shortLives = 0
  #phase: 'starting' | 'serving' | 'stopping' = 'starting'
  #onFailedStart: (error: Error) => void = () => {}

  constructor(service: WorkerCoordinator, logger: Logger) {
    this.#service = service
    this.#logger = logger
  }

  /**
   * Starts the workers and gives the address at which all of them listen.
   *
   * @throws {OperatorError} what keeps one of them from starting; none is left then
   */
  async start(count: number): Promise<string> {
    // The workers take connections themselves: one that the primary hands to a worker which has just died hangs for ever.
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
      await this.#end(0, () => Promise.reject(new Error('It is not needed.')))
      throw error
    }
  }

  /** Lets running answers end, and cuts what is left after the grace period. */
  async stop(graceMs: number): Promise<void> {
    this.#phase = 'stopping'
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#end(graceMs + ENDING_MS, async (member) => {
      // It serves nobody yet, and is killed.
      if (!member.hasBegun) throw new Error('It has not begun.')
      const report = deserializeValue(await member.control.stop(graceMs)) as WorkerReport
      this.#service.metrics.take(member, report)
      member.process.disconnect()
    })
  }

  async #end(longestMs: number, ask: (member: Member) => Promise<void>): Promise<void> {
    const ended = Array.from(this.#members, async (member) => {
      const { process } = member
      const gone = new Promise<void>((resolve) => process.once('exit', () => resolve()))
      const kill = (): void => void process.process.kill('SIGKILL')
      const timer = setTimeout(kill, longestMs)
      await ask(member).catch(kill)
      await gone
      clearTimeout(timer)
    })
    await Promise.all(ended)
  }

  #spawn(onListening: (url: string) => void): void {
    const member = new Member(++this.#lastNumber, this.#service, this.#logger, onListening)
    this.#members.add(member)
    member.process.once('exit', (code, signal) => this.#onExit(member, code, signal))
  }

  #onExit(member: Member, code: number, signal: string | null): void {
    this.#members.delete(member)
    const how = signal ?? `exit code ${code}`
    member.peer.close(new Error(`Worker ${member.number} has ended (${how}).`))
    member.served.close()
    if (this.#phase === 'stopping') return
    if (this.#phase === 'starting') {
      const reason = `A worker process ended while it started (${how}). Its lines above say why.`
      this.#onFailedStart(member.failure ?? new Error(reason))
      return
    }
    this.#replace(member, how)
  }

  #replace({ number, bornMs, failure }: Member, how: string): void {
    const isShort = performance.now() - bornMs < SHORT_LIFE_MS || failure !== undefined
    const waitMs = isShort ? backoffMs(this.#shortLives, BACKOFF) : 0
    this.#shortLives = isShort ? this.#shortLives + 1 : 0
    this.#logger.error(
      { worker: number, how, ...(failure && { err: failure.message }), waitMs },
      'A worker has ended by itself; another one takes its place. Requests that it was answering are lost.',
    )
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#spawn(() => {
        this.#logger.info({ replaced: number }, 'Another worker has taken the place of the one that ended.')
      })
    }, waitMs)
    this.#timers.add(timer)
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
