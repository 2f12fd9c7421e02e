import type { ConfigInputs } from '../../config/read-inputs.ts'
import { stackOf } from '../../lib/error-text.ts'
import { machineOffsetMs } from '../../lib/machine-time.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import { PortServer, serve, type ServedCaller } from '../../shared/rpc/port-server.ts'
import type { App } from '../app.ts'
import { servedState } from '../shared-parts.ts'
import type { Simulator } from '../simulator.ts'
import { WorkerMetrics } from './worker-metrics.ts'
import { primaryPagesPort, servePages } from './remote-pages.ts'
import {
  serializeValue,
  type V8Serialized,
  type WorkerBirth,
  type WorkerControl,
  type WorkerLife,
  workerLifePort,
} from './worker-messages.ts'
import { packInputs, packState } from './worker-start.ts'

/** What the service of all workers is made from. */
export interface WorkerCoordinatorDeps {
  /** The primary's, which decides and keeps for all. */
  readonly simulator: Simulator
  readonly app: App
  readonly workingDirectory: string
  /** On which all workers listen. */
  readonly port: number
}

/** A worker, as the service sees it. */
export interface ServedWorker {
  readonly number: number
  readonly peer: Peer
  readonly control: WorkerControl
  /** Ends it, so that another one takes its place. */
  kill(reason: unknown): void
}

/** What makes one service of all workers: it is asked by them, and tells them of every change. */
export class WorkerCoordinator {
  readonly metrics: WorkerMetrics
  readonly #parts: WorkerCoordinatorDeps
  readonly #ports: PortServer
  /** With the base of its configuration that each of them has. */
  readonly #workers = new Map<ServedWorker, ConfigInputs>()
  #spreading: Promise<unknown> = Promise.resolve()

  constructor(parts: WorkerCoordinatorDeps) {
    this.#parts = parts
    const { state, metrics, logger, live, incidents } = parts.simulator
    this.metrics = new WorkerMetrics(metrics)
    this.#ports = new PortServer(
      [
        ...servedState(state),
        serve(
          primaryPagesPort,
          servePages((request) => this.#answer(request)),
        ),
      ],
      (error, method) => logger.error({ err: stackOf(error), method }, 'A notice of a worker failed.'),
    )
    parts.simulator.journal?.setFlush?.(() => this.#ports.catchUp())
    live.onChange(() => void this.#spread())
    incidents.onChange(() => void this.#spread())
  }

  /** Opens all that a worker asks its primary for. Its life is told to `life`. */
  open(worker: ServedWorker, life: Pick<WorkerLife, 'listening' | 'failed'>): ServedCaller {
    const join = (): V8Serialized => {
      const { base } = this.#parts.simulator.live
      this.#workers.set(worker, base)
      this.metrics.add(worker)
      return this.#state(base)
    }
    const caller = this.#ports.open(
      () => worker.peer,
      [serve(workerLifePort, { begin: () => this.#birth(worker), join, ...life })],
    )
    return {
      methods: caller.methods,
      close: () => {
        this.#workers.delete(worker)
        this.metrics.remove(worker)
        caller.close()
      },
    }
  }

  /** The primary has forgotten everything since the start, and lets the workers do so. */
  forget(): void {
    const reset = this.#tellAll((worker) => worker.control.reset())
    this.#spreading = Promise.all([this.#spreading, reset])
    // A worker begins the timetable of incidents anew at its own time.
    void this.#spread()
  }

  /** Lets all workers take up recording files that have changed. */
  async refresh(paths: readonly string[] | undefined): Promise<void> {
    await this.#tellAll((worker) => worker.control.refresh(paths))
  }

  #birth({ number }: ServedWorker): V8Serialized {
    const birth: WorkerBirth = {
      number,
      workingDirectory: this.#parts.workingDirectory,
      port: this.#parts.port,
      inputs: packInputs(this.#parts.simulator.live.inputs),
    }
    return serializeValue(birth)
  }

  /** @param base absent for a worker that has it */
  #state(base?: ConfigInputs): V8Serialized {
    const { live, incidents, clock } = this.#parts.simulator
    const startOf = (elapsedMs: number): number => clock.nowMs() - elapsedMs + machineOffsetMs()
    const running = Array.from(incidents, ([resource, { state }]) =>
      state ? [{ resource, timetable: state.timetable, startedMs: startOf(state.elapsedMs) }] : [],
    )
    return packState({ ...(base && { base }), patches: live.patches, incidents: running.flat() })
  }

  /** Tells all workers how things stand; the answer to whoever has changed them waits for it. */
  #spread(): Promise<unknown> {
    const { base } = this.#parts.simulator.live
    const changes = this.#state()
    let whole: V8Serialized | undefined
    const told = this.#tellAll((worker) => {
      if (this.#workers.get(worker) === base) return worker.control.take(changes)
      this.#workers.set(worker, base)
      return worker.control.take((whole ??= this.#state(base)))
    })
    this.#spreading = Promise.all([this.#spreading, told])
    return this.#spreading
  }

  /** A worker that cannot follow would answer by what is past, and is replaced. */
  async #tellAll(tell: (worker: ServedWorker) => Promise<unknown>): Promise<void> {
    const told = Array.from(this.#workers.keys(), (worker) =>
      tell(worker).catch((error) => worker.kill(error)),
    )
    await Promise.all(told)
  }

  async #answer(request: Request): Promise<Response> {
    const { app, simulator } = this.#parts
    if (simulator.journal) {
      // What a client has read is in the journal before it can ask for it.
      await this.#ports.catchUp()
    }
    const response = await app.fetch(request)
    await this.#spreading
    return response
  }
}
