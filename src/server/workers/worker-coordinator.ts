import { resourceChanges } from '../../config/resource-ids.ts'
import type { RunningIncidents } from '../../faults/incidents.ts'
import { stackOf } from '../../lib/error-text.ts'
import { machineOffsetMs } from '../../lib/machine-time.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import { answerWithTimeout } from '../../shared/rpc/answer-in-time.ts'
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
import { type PrimaryState, serializeChanges, serializeInputs, serializeState } from './worker-state.ts'

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
  /** Joined workers, each with the last state that was sent to it; undefined if it needs the complete state. */
  readonly #workers = new Map<ServedWorker, PrimaryState | undefined>()
  #versions = 0
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
    deps.simulator.recordingActivity.setPool({
      flush: () => this.#flushRecordingUse(),
      refresh: (paths) => this.refresh(paths),
    })
    deps.simulator.journal?.setFlush?.(() => this.#ports.catchUp())
    let previous = live.current
    live.onChange((next) => {
      const { removed } = resourceChanges(previous, next)
      previous = next
      if (removed.length > 0) this.metrics.removeResources(new Set(removed.map(([name]) => name)))
      void this.#broadcastState()
    })
    incidents.onChange(() => void this.#broadcastState())
    live.secrets.onLearned = (key) => {
      const sent = this.#callAll((worker) => worker.control.learnKeys([key]))
      this.#broadcasts = Promise.all([this.#broadcasts, sent])
    }
  }

  /**
   * Serves the calls of a worker.
   *
   * @param startup called when the worker listens or cannot start
   */
  open(worker: ServedWorker, startup: Pick<WorkerStartup, 'listening' | 'failed'>): ServedCaller {
    const join = (): V8Serialized => {
      const state = this.#state()
      this.#workers.set(worker, state)
      this.metrics.add(worker)
      const { learned } = this.#deps.simulator.live.secrets
      if (learned.length > 0) worker.control.learnKeys(learned).catch((error) => worker.kill(error))
      return serializeState(state)
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
    const reset = this.#callAll((worker) => {
      this.#workers.set(worker, undefined)
      return worker.control.reset()
    })
    this.#broadcasts = Promise.all([this.#broadcasts, reset])
    // The reset restarts the incident timetable in each worker at a slightly different time; send the time of the primary.
    void this.#broadcastState()
  }

  /** Reloads changed recording files in all workers; undefined: all files. */
  async refresh(paths: readonly string[] | undefined): Promise<void> {
    await this.#callAll((worker) => worker.control.refresh(paths))
  }

  async #flushRecordingUse(): Promise<void> {
    const flushed = Array.from(this.#workers.keys(), async ({ control }) =>
      answerWithTimeout(Promise.resolve(control.flushRecordingUse())),
    )
    await Promise.all(flushed)
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

  #state(): PrimaryState {
    const { live, incidents } = this.#deps.simulator
    const offsetMs = machineOffsetMs()
    const running = new Map<string, RunningIncidents>()
    for (const [resource, { state }] of incidents) {
      if (!state) continue
      const { timetable, startedMs } = state
      running.set(resource, { resource, timetable, startedMs: startedMs + offsetMs })
    }
    // Only the primary needs the tenants of /_twin and their feedback.
    const { tenants: _tenants, feedback: _feedback, ...patches } = live.patches
    return { version: ++this.#versions, base: live.base, patches, incidents: running }
  }

  /** Sends the state to all workers. The answer to a change request waits for it. */
  #broadcastState(): Promise<unknown> {
    const next = this.#state()
    const messages = new Map<PrimaryState | undefined, V8Serialized | undefined>()
    const sent = this.#callAll(async (worker) => {
      const before = this.#workers.get(worker)
      if (!messages.has(before))
        messages.set(before, before ? serializeChanges(before, next) : serializeState(next))
      const message = messages.get(before)
      if (message === undefined) return
      this.#workers.set(worker, next)
      if (await worker.control.applyState(message)) return
      const complete = this.#state()
      this.#workers.set(worker, complete)
      await worker.control.applyState(serializeState(complete))
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
    if (simulator.journal ?? simulator.audit ?? simulator.traces) {
      // Add answers that clients have received to the journal, the traces and the logs of /_twin before the page reads them.
      await this.#ports.catchUp()
    }
    const response = await app.fetch(request)
    await this.#broadcasts
    return response
  }
}
