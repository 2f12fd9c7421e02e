import type { MaybePromise } from '../../lib/port.ts'
import { randomBytes } from 'node:crypto'
import type { Concurrency } from '../../config/deployment-latency.ts'
import {
  type ConcurrencyLimiter,
  type SlotGrant,
  type SlotRefusal,
  type SlotRequest,
  type SlotResult,
  openSlotLease,
  type SlotHolder,
  type SlotLease,
} from '../../latency/concurrency-limiter.ts'
import type { Clock, StopTimer } from '../../lib/clock.ts'
import type { Occupancy } from '../../limits/occupancy.ts'
import { slotKeys } from './deployment-key.ts'
import { parseListMessage, type RedisConnection } from './redis-connection.ts'
import { slotScript } from './slot-script.ts'
import { MAX_ITEMS_PER_CALL, TickBatcher } from './tick-batcher.ts'

/** Slots of a simulator without a heartbeat for this long are released. */
const DEFAULT_LEASE_MS = 10_000
/** Heartbeats per lease of a simulator that holds slots or waits for some. */
const HEARTBEATS_PER_LEASE = 3

/** Number of slots of a deployment without a limit. */
const UNLIMITED_SLOTS = 1e15

export interface RedisSlotsOptions {
  readonly connection: RedisConnection
  /** Prefix of keys and channels. */
  readonly prefix: string
  /** The clock of the exchanges. */
  readonly clock: Clock
  /** Default: ten seconds. */
  readonly leaseMs?: number
}

/** A request that needs a slot. */
interface Waiter {
  readonly number: number
  readonly holder: SlotHolder
  /** `requested` until Redis has answered whether there is a slot or a position in the queue. */
  state: 'requested' | 'waiting'
  /** Whether it had to wait in the queue. */
  waited: boolean
  readonly settle: (answer: SlotGrant | SlotRefusal) => void
}

/** The slots of one deployment, as seen by this simulator. */
interface SlotQueue {
  readonly resource: string
  readonly deployment: string
  readonly keys: readonly [held: string, queue: string]
  slots: number
  queueLength: number
  /** Number of requests of this simulator with a slot. */
  working: number
  /** Requests that need a slot, in order of arrival. */
  readonly waiters: Map<number, Waiter>
  /** The name under which Redis knows this simulator. */
  registeredAs: string
  /** Whether its resource was removed. It is forgotten when its last request ends. */
  isRemoved: boolean
}

type Step = { readonly kind: 't' | 'q' | 'l'; readonly number: number } | { readonly kind: 'r' | '-' }

/**
 * Slots that all simulators with the same Redis and prefix share, in the order in which requests reach Redis. A waiting request is
 * notified by a message when it gets its slot. Without Redis, each simulator has all slots for itself.
 *
 * Slots are leased. Simulators send heartbeats, and the slots of a simulator without heartbeat are released after the lease.
 *
 * Messages and answers of Redis arrive over one connection, in order. Each connection uses a new name and first reports the slots and
 * waiting requests of the simulator, which replaces the state of the previous connection.
 */
export class RedisSlots implements ConcurrencyLimiter<SlotLease> {
  readonly #connection: RedisConnection
  readonly #clock: Clock
  readonly #prefix: string
  readonly #leaseMs: number
  readonly #channels: string
  readonly #replicaId = randomBytes(9).toString('hex')
  readonly #batches: TickBatcher<Step>
  readonly #queues = new Map<string, SlotQueue>()
  #connects = 0
  #lastNumber = 0
  #stopHeartbeat: StopTimer | undefined

  constructor({ connection, prefix, clock, leaseMs = DEFAULT_LEASE_MS }: RedisSlotsOptions) {
    this.#connection = connection
    this.#clock = clock
    this.#prefix = prefix
    this.#leaseMs = leaseMs
    this.#channels = `${prefix}slots:`
    this.#batches = new TickBatcher(connection.clock, (key, steps) => this.#send(key, steps))
    connection.onUp(() => this.#onUp())
    connection.onDown(() => this.#onDown())
    void connection.onMessage(`${this.#channels}${this.#replicaId}`, (message) => this.#onMessage(message))
  }

  take(request: SlotRequest): SlotResult<SlotLease> {
    return openSlotLease(this.#clock, (holder) => this.#takeFor(request, holder))
  }

  async wait({ admission }: SlotLease): Promise<SlotGrant | SlotRefusal | undefined> {
    return admission
  }

  end(lease: SlotLease): void {
    lease.end()
  }

  #takeFor(request: SlotRequest, holder: SlotHolder): MaybePromise<SlotGrant | SlotRefusal> {
    const queue = this.#queueOf(request)
    const { concurrency, timeScale } = request
    setLimits(queue, concurrency)
    const timeoutMs = concurrency ? concurrency.queueTimeoutMs * timeScale : Infinity
    if (!this.#connection.state.up) {
      const found = this.#tryLocally(queue)
      if (found === 'queue-full') return found
      if (found === 'queue') return this.#wait(queue, holder, 'waiting', timeoutMs)
      this.#startWork(queue, holder)
      return { others: queue.working - 1, waited: false }
    }
    const result = this.#wait(queue, holder, 'requested', timeoutMs)
    this.#addStep(queue, { kind: 't', number: this.#lastNumber })
    return result
  }

  /** Requests of this simulator with a slot and in the queue, for each deployment. */
  *occupancy(): Generator<Occupancy> {
    for (const queue of this.#queues.values()) {
      const { resource, deployment, working, slots } = queue
      yield { resource, deployment, working, waiting: waitingIn(queue), slots }
    }
  }

  retainResources(ids: ReadonlySet<string>): void {
    for (const [key, queue] of this.#queues) {
      queue.isRemoved = !ids.has(queue.resource)
      if (queue.isRemoved && isIdle(queue)) this.#queues.delete(key)
    }
  }

  /** Stops the heartbeat. */
  close(): void {
    this.#stopHeartbeat?.()
    this.#stopHeartbeat = () => {}
  }

  get #name(): string {
    return `${this.#replicaId}.${this.#connects}`
  }

  #queueOf({ resource, deployment }: SlotRequest): SlotQueue {
    const keys = slotKeys(this.#prefix, resource, deployment)
    let queue = this.#queues.get(keys[0])
    if (!queue) {
      const waiters = new Map<number, Waiter>()
      queue = {
        resource,
        deployment,
        keys,
        slots: Infinity,
        queueLength: 0,
        working: 0,
        waiters,
        registeredAs: '',
        isRemoved: false,
      }
      this.#queues.set(keys[0], queue)
    }
    queue.isRemoved = false
    return queue
  }

  #wait(
    queue: SlotQueue,
    holder: SlotHolder,
    state: Waiter['state'],
    timeoutMs: number,
  ): Promise<SlotGrant | SlotRefusal> {
    return new Promise((resolve) => {
      const number = ++this.#lastNumber
      let stopTimer: StopTimer | undefined
      const settle = (answer: SlotGrant | SlotRefusal): void => {
        queue.waiters.delete(number)
        stopTimer?.()
        resolve(answer)
      }
      const waiter: Waiter = { number, holder, state, waited: state === 'waiting', settle }
      const leave = (reason: 'timed-out' | 'left'): void => {
        if (!queue.waiters.has(number)) return
        // If the state is `requested`, the slot is released when the answer arrives.
        if (waiter.state === 'waiting') this.#leave(queue, number)
        settle(reason)
      }
      queue.waiters.set(number, waiter)
      if (timeoutMs < Infinity) {
        const { clock } = holder
        stopTimer = clock.at(clock.nowMs() + timeoutMs, () => leave('timed-out'))
      }
      holder.onEnd(() => leave('left'))
    })
  }

  #grant(queue: SlotQueue, { holder, settle }: Waiter, others: number, waited: boolean): void {
    settle({ others, waited })
    this.#startWork(queue, holder)
  }

  #startWork(queue: SlotQueue, holder: SlotHolder): void {
    queue.working++
    this.#scheduleHeartbeat()
    holder.onEnd(() => {
      queue.working--
      if (this.#connection.state.up) this.#addStep(queue, { kind: 'r' })
      else this.#admitLocally(queue)
    })
  }

  // Without Redis.

  #tryLocally(queue: SlotQueue): 'slot' | 'queue' | 'queue-full' {
    this.#connection.state.fallbacks++
    this.#admitLocally(queue)
    if (queue.working < queue.slots) return 'slot'
    return waitingIn(queue) < queue.queueLength ? 'queue' : 'queue-full'
  }

  #admitLocally(queue: SlotQueue): void {
    for (const waiter of queue.waiters.values()) {
      if (queue.working >= queue.slots) return
      if (waiter.state === 'waiting') this.#grant(queue, waiter, queue.working, true)
    }
  }

  #onDown(): void {
    for (const queue of this.#queues.values()) this.#admitLocally(queue)
  }

  /** Reports held slots and waiting requests under the new name, which replaces what Redis knew. */
  #onUp(): void {
    this.#connects++
    for (const queue of this.#queues.values()) {
      if (queue.registeredAs === '' && isIdle(queue)) continue
      this.#addStep(queue, { kind: '-' })
      this.#requestAgain(queue)
    }
    this.#scheduleHeartbeat()
  }

  #requestAgain(queue: SlotQueue): void {
    for (const waiter of queue.waiters.values()) {
      if (waiter.state === 'requested') continue
      waiter.state = 'requested'
      this.#addStep(queue, { kind: 'q', number: waiter.number })
    }
  }

  // With Redis.

  #addStep({ keys }: SlotQueue, step: Step): void {
    this.#batches.add(keys[0], step, true)
  }

  #leave(queue: SlotQueue, number: number): void {
    if (this.#connection.state.up) this.#addStep(queue, { kind: 'l', number })
  }

  #send(key: string, steps: readonly Step[]): void {
    const queue = this.#queues.get(key)
    if (!queue) return
    for (let from = 0; from < steps.length; from += MAX_ITEMS_PER_CALL) {
      void this.#run(queue, steps.slice(from, from + MAX_ITEMS_PER_CALL), steps.slice(from))
    }
  }

  /** @param all these steps and the ones after them. Their released slots are still held in Redis. */
  async #run(queue: SlotQueue, steps: readonly Step[], all: readonly Step[]): Promise<void> {
    const name = this.#name
    const held = queue.working + all.filter(({ kind }) => kind === 'r').length
    const former = queue.registeredAs === name ? '' : queue.registeredAs
    queue.registeredAs = name
    const args = [
      name,
      String(held),
      former,
      String(queue.slots === Infinity ? UNLIMITED_SLOTS : queue.slots),
      String(queue.queueLength),
      String(this.#leaseMs),
      this.#channels,
    ]
    for (const step of steps) args.push(step.kind, String('number' in step ? step.number : 1))
    try {
      const reply = (await slotScript.run(this.#connection, queue.keys, args)) as number[]
      // The state in Redis has expired, for example after this process was blocked. Waiting requests are queued again at the end.
      if (reply[0] === 1 && former === '') this.#requestAgain(queue)
      for (const [index, step] of steps.entries()) {
        this.#applyReply(queue, step, reply[2 * index + 1] ?? 0, reply[2 * index + 2] ?? 0)
      }
    } catch {
      for (const step of steps) this.#stepFailed(queue, step)
    }
  }

  #applyReply(queue: SlotQueue, step: Step, first: number, second: number): void {
    if (step.kind !== 't' && step.kind !== 'q') return
    const waiter = queue.waiters.get(step.number)
    if (first === 1) {
      if (waiter) this.#grant(queue, waiter, second, waiter.waited)
      else this.#addStep(queue, { kind: 'r' })
    } else if (first === 0) {
      if (waiter) {
        waiter.state = 'waiting'
        waiter.waited = true
        this.#scheduleHeartbeat()
      } else this.#leave(queue, step.number)
    } else waiter?.settle('queue-full')
  }

  /** The call failed. Releases need no repetition: the next connection replaces the name that held the slots. */
  #stepFailed(queue: SlotQueue, step: Step): void {
    if (step.kind !== 't' && step.kind !== 'q') return
    const waiter = queue.waiters.get(step.number)
    if (waiter?.state !== 'requested') return
    const found = step.kind === 'q' ? 'queue' : this.#tryLocally(queue)
    if (found === 'queue-full') waiter.settle(found)
    else if (found === 'slot') this.#grant(queue, waiter, queue.working, false)
    else {
      waiter.state = 'waiting'
      waiter.waited = true
      this.#admitLocally(queue)
    }
  }

  #onMessage(message: string): void {
    const [key, name, number, others] = parseListMessage(message) as [string, string, number, number]
    const queue = this.#queues.get(key)
    if (!queue || name !== this.#name) return
    const waiter = queue.waiters.get(number)
    if (waiter) this.#grant(queue, waiter, others, true)
    else this.#addStep(queue, { kind: 'r' })
  }

  #scheduleHeartbeat(): void {
    if (this.#stopHeartbeat) return
    const { clock } = this.#connection
    this.#stopHeartbeat = clock.at(clock.nowMs() + this.#leaseMs / HEARTBEATS_PER_LEASE, () => {
      this.#stopHeartbeat = undefined
      for (const [key, queue] of this.#queues) {
        if (isIdle(queue)) {
          if (queue.isRemoved) this.#queues.delete(key)
          continue
        }
        if (this.#connection.state.up) this.#addStep(queue, { kind: '-' })
        this.#scheduleHeartbeat()
      }
    })
  }
}

function setLimits(queue: SlotQueue, concurrency: Concurrency | undefined): void {
  queue.slots = concurrency?.slots ?? Infinity
  queue.queueLength = concurrency?.queueLength ?? 0
}

function isIdle({ working, waiters }: SlotQueue): boolean {
  return working === 0 && waiters.size === 0
}

function waitingIn({ waiters }: SlotQueue): number {
  let waiting = 0
  for (const { state } of waiters.values()) if (state === 'waiting') waiting++
  return waiting
}
