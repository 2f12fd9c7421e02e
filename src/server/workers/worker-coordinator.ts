import type { ConfigInputs } from '../../config/read-inputs.ts'
import { stackOf } from '../../lib/error-text.ts'
import { machineOffsetMs } from '../../lib/machine-time.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import { PortServer, serve, type ServedCaller } from '../../shared/rpc/port-server.ts'
import type { App } from '../app.ts'
import { servedPoolState } from '../pool-state.ts'
import type { Simulator } from '../simulator.ts'
import { WorkerMetrics } from './worker-metrics.ts'
import { primaryPagesPort, servePages } from './primary-pages.ts'
import {
  serializeValue,
  type V8Serialized,
  type WorkerInit,
  type WorkerControl,
  type WorkerStartup,
  workerStartupPort,
} from './worker-messages.ts'
import { serializeInputs, serializeState } from './worker-state.ts'

/** Dependencies of a `WorkerCoordinator`. */
export interface WorkerCoordinatorDeps {
  /** The simulator of the primary, which holds the state of all workers. */
  readonly simulator: Simulator
  readonly app: App
  readonly workingDirectory: string
  /** The port of all workers. */
  readonly port: number
}

/** A worker, as the coordinator uses it. */
export interface ServedWorker {
  readonly number: number
  readonly peer: Peer
  readonly control: WorkerControl
  /** Kills the worker, so that it is replaced. */
  kill(reason: unknown): void
}

/** Makes all workers act as one simulator: answers their calls, and sends them every change of the state. */
export class WorkerCoordinator {
  readonly metrics: WorkerMetrics
  readonly #deps: WorkerCoordinatorDeps
  readonly #ports: PortServer
  /** Joined workers, each with the base of the configuration that it has. */
  readonly #workers = new Map<ServedWorker, ConfigInputs>()
  #broadcasts: Promise<unknown> = Promise.resolve()

  constructor(deps: WorkerCoordinatorDeps) {
    this.#deps = deps
    const { poolState, metrics, logger, live, incidents } = deps.simulator
    this.metrics = new WorkerMetrics(metrics)
    this.#ports = new PortServer(
      [
        ...servedPoolState(poolState),
        serve(
          primaryPagesPort,
          servePages((request) => this.#answer(request)),
        ),
      ],
      (error, method) =>
        logger.error({ err: stackOf(error), method }, 'Could not handle a message of a worker.'),
    )
    deps.simulator.journal?.setFlush?.(() => this.#ports.catchUp())
    live.onChange(() => void this.#broadcastState())
    incidents.onChange(() => void this.#broadcastState())
  }

  /**
   * Serves the calls of a worker.
   *
   * @param startup called when the worker listens or cannot start
   */
  open(worker: ServedWorker, startup: Pick<WorkerStartup, 'listening' | 'failed'>): ServedCaller {
    const join = (): V8Serialized => {
      const { base } = this.#deps.simulator.live
      this.#workers.set(worker, base)
      this.metrics.add(worker)
      return this.#state(base)
    }
    const caller = this.#ports.open(
      () => worker.peer,
      [serve(workerStartupPort, { init: () => this.#initOf(worker), join, ...startup })],
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

  /** Resets all workers. Called when the primary has been reset. */
  resetWorkers(): void {
    const reset = this.#callAll((worker) => worker.control.reset())
    this.#broadcasts = Promise.all([this.#broadcasts, reset])
    // The reset restarts the incident timetable in each worker at a slightly different time; send the time of the primary.
    void this.#broadcastState()
  }

  /** Reloads changed recording files in all workers; undefined: all files. */
  async refresh(paths: readonly string[] | undefined): Promise<void> {
    await this.#callAll((worker) => worker.control.refresh(paths))
  }

  #initOf({ number }: ServedWorker): V8Serialized {
    const init: WorkerInit = {
      number,
      workingDirectory: this.#deps.workingDirectory,
      port: this.#deps.port,
      inputs: serializeInputs(this.#deps.simulator.live.inputs),
    }
    return serializeValue(init)
  }

  /** @param base undefined if the worker has it already */
  #state(base?: ConfigInputs): V8Serialized {
    const { live, incidents, clock } = this.#deps.simulator
    const startOf = (elapsedMs: number): number => clock.nowMs() - elapsedMs + machineOffsetMs()
    const running = Array.from(incidents, ([resource, { state }]) =>
      state ? [{ resource, timetable: state.timetable, startedMs: startOf(state.elapsedMs) }] : [],
    )
    // Only the primary needs the tenants of /_twin and their feedback.
    const { tenants: _tenants, feedback: _feedback, ...patches } = live.patches
    return serializeState({ ...(base && { base }), patches, incidents: running.flat() })
  }

  /** Sends the state to all workers. The answer to a change request waits for it. */
  #broadcastState(): Promise<unknown> {
    const { base } = this.#deps.simulator.live
    const changes = this.#state()
    let full: V8Serialized | undefined
    const sent = this.#callAll((worker) => {
      if (this.#workers.get(worker) === base) return worker.control.applyState(changes)
      this.#workers.set(worker, base)
      return worker.control.applyState((full ??= this.#state(base)))
    })
    this.#broadcasts = Promise.all([this.#broadcasts, sent])
    return this.#broadcasts
  }

  /** Calls all workers, and replaces those that fail: they would answer with an old state. */
  async #callAll(call: (worker: ServedWorker) => Promise<unknown>): Promise<void> {
    const calls = Array.from(this.#workers.keys(), (worker) =>
      call(worker).catch((error) => worker.kill(error)),
    )
    await Promise.all(calls)
  }

  async #answer(request: Request): Promise<Response> {
    const { app, simulator } = this.#deps
    if (simulator.journal ?? simulator.audit) {
      // Add answers that clients have received to the journal and to the logs of /_twin before the page reads them.
      await this.#ports.catchUp()
    }
    const response = await app.fetch(request)
    await this.#broadcasts
    return response
  }
}
