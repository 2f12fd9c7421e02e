import type { App } from '../app.ts'
import type { Simulator } from '../simulator.ts'
import type { SlotAuthority } from '../../latency/slot-authority.ts'
import { answerInTime } from './answer-in-time.ts'
import { InOrder } from '../../shared/rpc/reorder-buffer.ts'
import { JournalDesk } from './journal-desk.ts'
import { LimitDesk } from './limit-desk.ts'
import { MetricsDesk } from './metrics-desk.ts'
import { monotonicOffsetMs } from '../../lib/machine-time.ts'
import { pack, type Packed } from './packed.ts'
import type { Peer } from '../../shared/rpc/peer.ts'
import { PageDesk } from './remote-pages.ts'
import { ResponseDesk, SharedResponses } from './response-desk.ts'
import { SlotDesk } from './slot-desk.ts'
import { TurnDesk } from './turn-desk.ts'
import type { LifeMethods, PrimaryMethods, WorkerBirth, WorkerMethods } from './worker-messages.ts'
import { packState } from './worker-start.ts'

/** What the service of all workers is made from. */
export interface ServiceParts {
  /** The primary's, which decides and keeps for all. */
  readonly simulator: Simulator
  readonly app: App
  readonly slots: SlotAuthority
  readonly workingDirectory: string
  /** On which all workers listen. */
  readonly port: number
}

/** A worker, as the service sees it. */
export interface ServedWorker {
  readonly number: number
  readonly peer: Peer<WorkerMethods>
  /** Whether it hears of changes. */
  isJoined: boolean
  /** Ends it, so that another one takes its place. */
  kill(reason: unknown): void
}

/** What connects a worker with the service. */
export interface WorkerDesk {
  readonly methods: Omit<PrimaryMethods, 'life.listening' | 'life.failed'>
  /** Gives back what the worker held, when it is gone. */
  release(): void
}

/** What makes one service of all workers: it is asked by them, and tells them of every change. */
export class Service {
  readonly metrics: MetricsDesk
  readonly #parts: ServiceParts
  readonly #turns = new TurnDesk()
  readonly #shared: SharedResponses
  readonly #inOrder: InOrder
  readonly #offsetMs = monotonicOffsetMs()
  readonly #workers = new Set<ServedWorker>()
  #spreading: Promise<unknown> = Promise.resolve()

  constructor(parts: ServiceParts) {
    this.#parts = parts
    const { simulator } = parts
    this.metrics = new MetricsDesk(simulator.metrics)
    this.#shared = new SharedResponses(simulator.responses, simulator.clock)
    this.#inOrder = new InOrder(
      () => performance.now() + this.#offsetMs,
      () => this.#hearAll(),
    )
    simulator.live.onChange(() => void this.#spread())
    simulator.incidents.onChange(() => void this.#spread())
  }

  /** Opens the desk of a worker. */
  open(worker: ServedWorker): WorkerDesk {
    const { simulator, slots } = this.#parts
    const { clock, live, limits, journal } = simulator
    const limitDesk = new LimitDesk({ live, limits, clock })
    const slotDesk = new SlotDesk(slots, clock)
    const responseDesk = new ResponseDesk(this.#shared, () => worker.peer.call('sync', null))
    const journalDesk = journal && new JournalDesk(journal, this.#inOrder)
    const pageDesk = new PageDesk((request) => this.#answer(request))
    const life: Pick<LifeMethods, 'life.begin' | 'life.join'> = {
      'life.begin': () => this.#birth(worker),
      'life.join': () => {
        worker.isJoined = true
        this.#workers.add(worker)
        this.metrics.add(worker)
        return this.#state()
      },
    }
    const nothing = (): void => {}
    return {
      methods: {
        ...life,
        ...limitDesk.methods,
        ...slotDesk.methods,
        ...responseDesk.methods,
        ...this.#turns.methods,
        ...(journalDesk?.methods ?? { 'journal.planned': nothing, 'journal.ended': nothing }),
        ...pageDesk.methods,
      },
      release: () => {
        this.#workers.delete(worker)
        this.metrics.remove(worker)
        limitDesk.release()
        slotDesk.release()
        responseDesk.release()
        journalDesk?.release()
        pageDesk.release()
      },
    }
  }

  /** The primary has forgotten everything since the start, and lets the workers do so. */
  forget(): void {
    this.#turns.clear()
    this.#shared.unfinished.clear()
    const reset = this.#tellAll((worker) => worker.peer.call('reset', null))
    this.#spreading = Promise.all([this.#spreading, reset])
    // A worker begins the timetable of incidents anew at its own time.
    void this.#spread()
  }

  /** Lets all workers take up recording files that have changed. */
  async refresh(paths: readonly string[] | undefined): Promise<void> {
    await this.#tellAll((worker) => worker.peer.call('refresh', paths ?? null))
  }

  #birth({ number }: ServedWorker): Packed {
    const birth: WorkerBirth = {
      number,
      workingDirectory: this.#parts.workingDirectory,
      port: this.#parts.port,
      state: this.#state(),
    }
    return pack(birth)
  }

  #state(): Packed {
    const { live, incidents, clock } = this.#parts.simulator
    const startOf = (elapsedMs: number): number => clock.nowMs() - elapsedMs + this.#offsetMs
    const running = Array.from(incidents, ([resource, { state }]) =>
      state ? [{ resource, timetable: state.timetable, startedMs: startOf(state.elapsedMs) }] : [],
    )
    return packState({ inputs: live.inputs, incidents: running.flat() })
  }

  /** Tells all workers how things stand; the answer to whoever has changed them waits for it. */
  #spread(): Promise<unknown> {
    const state = this.#state()
    this.#spreading = Promise.all([
      this.#spreading,
      this.#tellAll((worker) => worker.peer.call('take', state)),
    ])
    return this.#spreading
  }

  /** A worker that cannot follow would answer by what is past, and is replaced. */
  async #tellAll(tell: (worker: ServedWorker) => Promise<unknown>): Promise<void> {
    const told = Array.from(this.#workers, (worker) => tell(worker).catch((error) => worker.kill(error)))
    await Promise.all(told)
  }

  /** Ends when everything has been heard that workers have told by now. */
  async #hearAll(): Promise<void> {
    await Promise.all(Array.from(this.#workers, ({ peer }) => answerInTime(peer.call('sync', null))))
  }

  async #answer(request: Request): Promise<Response> {
    const { app, simulator } = this.#parts
    if (simulator.journal) {
      // What a client has read is in the journal before it can ask for it.
      await this.#hearAll()
      this.#inOrder.runAll()
    }
    const response = await app.fetch(request)
    await this.#spreading
    return response
  }
}
