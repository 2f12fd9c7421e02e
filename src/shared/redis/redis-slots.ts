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
import { partsOfMessage, type RedisConnection } from './redis-connection.ts'
import { slotScript } from './slot-script.ts'
import { TickBatcher } from './tick-batcher.ts'

/** A simulator that Redis has not heard of for so long has died: its slots are free. */
const DEFAULT_LEASE_MS = 10_000
/** How often one that holds slots, or waits for some, tells that it lives, as a share of the lease. */
const HEARTBEATS_PER_LEASE = 3

/** More would hold up Redis, and with it everybody else, for more than a millisecond. */
const MAX_ITEMS_PER_CALL = 500

/** A deployment without limits of its own has a slot for everyone. */
const ENDLESS = 1e15

/** What slots in Redis are made from. */
export interface RedisSlotsOptions {
  readonly connection: RedisConnection
  /** What keys and channels begin with. */
  readonly prefix: string
  /** That of the exchanges. */
  readonly clock: Clock
  /** In the place of ten seconds. */
  readonly leaseMs?: number
}

/** A request that wants a slot. */
interface Waiter {
  readonly number: number
  readonly holder: SlotHolder
  /** `asked` until it is known whether there is a slot or a place in the queue. */
  state: 'asked' | 'waiting'
  /** Whether it has been told once that it has to wait. */
  waited: boolean
  readonly settle: (answer: SlotGrant | SlotRefusal) => void
}

/** The slots of one deployment, as this simulator knows them. */
interface SlotQueue {
  readonly resource: string
  readonly deployment: string
  readonly keys: readonly [held: string, queue: string]
  slots: number
  queueLength: number
  /** Requests of this simulator that have a slot. */
  working: number
  /** Those that want one, in the order in which they came. */
  readonly waiters: Map<number, Waiter>
  /** By what name Redis knows this simulator. */
  knownAs: string
}

type Step = { readonly kind: 't' | 'q' | 'l'; readonly number: number } | { readonly kind: 'r' | '-' }

/**
 * Slots that all simulators with the same Redis and prefix have together, in the order in which Redis hears of the requests. A
 * request that has to wait is told by a message when it has its slot. While Redis is away each simulator has all slots by itself.
 *
 * What a simulator holds is leased: it tells Redis that it lives, and what one that does not held is free after the lease.
 * Messages and answers of Redis come over one connection, in order. So each connection has a name of its own, and begins by telling
 * what the simulator holds and who waits: nothing that got lost with the connection before counts any longer.
 */
export class RedisSlots implements ConcurrencyLimiter<SlotLease> {
  readonly #connection: RedisConnection
  readonly #clock: Clock
  readonly #prefix: string
  readonly #leaseMs: number
  readonly #channels: string
  readonly #replica = randomBytes(9).toString('hex')
  readonly #batches: TickBatcher<Step>
  readonly #places = new Map<string, SlotQueue>()
  #connects = 0
  #lastNumber = 0
  #stopBeat: StopTimer | undefined

  constructor({ connection, prefix, clock, leaseMs = DEFAULT_LEASE_MS }: RedisSlotsOptions) {
    this.#connection = connection
    this.#clock = clock
    this.#prefix = prefix
    this.#leaseMs = leaseMs
    this.#channels = `${prefix}slots:`
    this.#batches = new TickBatcher(connection.clock, (key, steps) => this.#send(key, steps))
    connection.onUp(() => this.#goShared())
    connection.onDown(() => this.#goLocal())
    void connection.onMessage(`${this.#channels}${this.#replica}`, (message) => this.#hear(message))
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

  #takeFor(question: SlotRequest, holder: SlotHolder): MaybePromise<SlotGrant | SlotRefusal> {
    const place = this.#placeOf(question)
    const { concurrency, timeScale } = question
    setSize(place, concurrency)
    const timeoutMs = concurrency ? concurrency.queueTimeoutMs * timeScale : Infinity
    if (!this.#connection.state.up) {
      const found = this.#lookLocally(place)
      if (found === 'queue-full') return found
      if (found === 'queue') return this.#wait(place, holder, 'waiting', timeoutMs)
      this.#hold(place, holder)
      return { others: place.working - 1, waited: false }
    }
    const asked = this.#wait(place, holder, 'asked', timeoutMs)
    this.#tell(place, { kind: 't', number: this.#lastNumber })
    return asked
  }

  /** What this simulator works on, and who waits here, of slots that all simulators have together. */
  *occupancy(): Generator<Occupancy> {
    for (const place of this.#places.values()) {
      const { resource, deployment, working, slots } = place
      yield { resource, deployment, working, waiting: waitingAt(place), slots }
    }
  }

  /** Tells no longer that this simulator lives. */
  close(): void {
    this.#stopBeat?.()
    this.#stopBeat = () => {}
  }

  get #name(): string {
    return `${this.#replica}.${this.#connects}`
  }

  #placeOf({ resource, deployment }: SlotRequest): SlotQueue {
    const keys = slotKeys(this.#prefix, resource, deployment)
    let place = this.#places.get(keys[0])
    if (!place) {
      const waiters = new Map<number, Waiter>()
      place = {
        resource,
        deployment,
        keys,
        slots: Infinity,
        queueLength: 0,
        working: 0,
        waiters,
        knownAs: '',
      }
      this.#places.set(keys[0], place)
    }
    return place
  }

  #wait(
    place: SlotQueue,
    holder: SlotHolder,
    state: Waiter['state'],
    timeoutMs: number,
  ): Promise<SlotGrant | SlotRefusal> {
    return new Promise((resolve) => {
      const number = ++this.#lastNumber
      let stopTimer: StopTimer | undefined
      const settle = (answer: SlotGrant | SlotRefusal): void => {
        place.waiters.delete(number)
        stopTimer?.()
        resolve(answer)
      }
      const waiter: Waiter = { number, holder, state, waited: state === 'waiting', settle }
      const leave = (why: 'timed-out' | 'left'): void => {
        if (!place.waiters.has(number)) return
        // One that is still asked about gives back what it gets.
        if (waiter.state === 'waiting') this.#leave(place, number)
        settle(why)
      }
      place.waiters.set(number, waiter)
      if (timeoutMs < Infinity) {
        const { clock } = holder
        stopTimer = clock.at(clock.nowMs() + timeoutMs, () => leave('timed-out'))
      }
      holder.onEnd(() => leave('left'))
    })
  }

  #grant(place: SlotQueue, { holder, settle }: Waiter, others: number, waited: boolean): void {
    settle({ others, waited })
    this.#hold(place, holder)
  }

  #hold(place: SlotQueue, holder: SlotHolder): void {
    place.working++
    this.#beatSoon()
    holder.onEnd(() => {
      place.working--
      if (this.#connection.state.up) this.#tell(place, { kind: 'r' })
      else this.#admitLocally(place)
    })
  }

  // While Redis is away.

  #lookLocally(place: SlotQueue): 'slot' | 'queue' | 'queue-full' {
    this.#connection.state.fallbacks++
    this.#admitLocally(place)
    if (place.working < place.slots) return 'slot'
    return waitingAt(place) < place.queueLength ? 'queue' : 'queue-full'
  }

  #admitLocally(place: SlotQueue): void {
    for (const waiter of place.waiters.values()) {
      if (place.working >= place.slots) return
      if (waiter.state === 'waiting') this.#grant(place, waiter, place.working, true)
    }
  }

  #goLocal(): void {
    for (const place of this.#places.values()) this.#admitLocally(place)
  }

  /** A new connection: Redis hears what is held and who waits here, in the place of what it knew. */
  #goShared(): void {
    this.#connects++
    for (const place of this.#places.values()) {
      if (place.knownAs === '' && place.working === 0 && place.waiters.size === 0) continue
      this.#tell(place, { kind: '-' })
      this.#askAgain(place)
    }
    this.#beatSoon()
  }

  #askAgain(place: SlotQueue): void {
    for (const waiter of place.waiters.values()) {
      if (waiter.state === 'asked') continue
      waiter.state = 'asked'
      this.#tell(place, { kind: 'q', number: waiter.number })
    }
  }

  // While Redis is there.

  #tell({ keys }: SlotQueue, step: Step): void {
    this.#batches.add(keys[0], step, true)
  }

  #leave(place: SlotQueue, number: number): void {
    if (this.#connection.state.up) this.#tell(place, { kind: 'l', number })
  }

  #send(key: string, steps: readonly Step[]): void {
    const place = this.#places.get(key)
    if (!place) return
    for (let from = 0; from < steps.length; from += MAX_ITEMS_PER_CALL) {
      void this.#ask(place, steps.slice(from, from + MAX_ITEMS_PER_CALL), steps.slice(from))
    }
  }

  /** @param all these steps and those behind them, whose slots have been given back here and not there */
  async #ask(place: SlotQueue, steps: readonly Step[], all: readonly Step[]): Promise<void> {
    const name = this.#name
    const held = place.working + all.filter(({ kind }) => kind === 'r').length
    const former = place.knownAs === name ? '' : place.knownAs
    place.knownAs = name
    const args = [
      name,
      String(held),
      former,
      String(place.slots === Infinity ? ENDLESS : place.slots),
      String(place.queueLength),
      String(this.#leaseMs),
      this.#channels,
    ]
    for (const step of steps) args.push(step.kind, String('number' in step ? step.number : 1))
    try {
      const reply = (await slotScript.run(this.#connection, place.keys, args)) as number[]
      // What was known there has run out, such as for a process that was held up: those who wait are at the end of the queue.
      if (reply[0] === 1 && former === '') this.#askAgain(place)
      for (const [index, step] of steps.entries()) {
        this.#take(place, step, reply[2 * index + 1] ?? 0, reply[2 * index + 2] ?? 0)
      }
    } catch {
      for (const step of steps) this.#failed(place, step)
    }
  }

  #take(place: SlotQueue, step: Step, first: number, second: number): void {
    if (step.kind !== 't' && step.kind !== 'q') return
    const waiter = place.waiters.get(step.number)
    if (first === 1) {
      if (waiter) this.#grant(place, waiter, second, waiter.waited)
      else this.#tell(place, { kind: 'r' })
    } else if (first === 0) {
      if (waiter) {
        waiter.state = 'waiting'
        waiter.waited = true
        this.#beatSoon()
      } else this.#leave(place, step.number)
    } else waiter?.settle('queue-full')
  }

  /** Redis is away. What was to be given back goes with the name that it was held by. */
  #failed(place: SlotQueue, step: Step): void {
    if (step.kind !== 't' && step.kind !== 'q') return
    const waiter = place.waiters.get(step.number)
    if (waiter?.state !== 'asked') return
    const found = step.kind === 'q' ? 'queue' : this.#lookLocally(place)
    if (found === 'queue-full') waiter.settle(found)
    else if (found === 'slot') this.#grant(place, waiter, place.working, false)
    else {
      waiter.state = 'waiting'
      waiter.waited = true
      this.#admitLocally(place)
    }
  }

  #hear(message: string): void {
    const [key, name, number, others] = partsOfMessage(message) as [string, string, number, number]
    const place = this.#places.get(key)
    if (!place || name !== this.#name) return
    const waiter = place.waiters.get(number)
    if (waiter) this.#grant(place, waiter, others, true)
    else this.#tell(place, { kind: 'r' })
  }

  #beatSoon(): void {
    if (this.#stopBeat) return
    const { clock } = this.#connection
    this.#stopBeat = clock.at(clock.nowMs() + this.#leaseMs / HEARTBEATS_PER_LEASE, () => {
      this.#stopBeat = undefined
      for (const place of this.#places.values()) {
        if (place.working === 0 && place.waiters.size === 0) continue
        if (this.#connection.state.up) this.#tell(place, { kind: '-' })
        this.#beatSoon()
      }
    })
  }
}

function setSize(place: SlotQueue, concurrency: Concurrency | undefined): void {
  place.slots = concurrency?.slots ?? Infinity
  place.queueLength = concurrency?.queueLength ?? 0
}

function waitingAt({ waiters }: SlotQueue): number {
  let waiting = 0
  for (const { state } of waiters.values()) if (state === 'waiting') waiting++
  return waiting
}
