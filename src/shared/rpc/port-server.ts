import type { MethodRule, Port } from '../../lib/port.ts'
import { answerWithTimeout } from './answer-in-time.ts'
import type { Methods, Peer } from './peer.ts'

type Call = (...args: readonly unknown[]) => unknown

/** A port and its implementation, which owns the state. Created by `serve`. */
export interface ServedPort {
  readonly port: Port<Readonly<Record<string, Call>>>
  readonly owner: Readonly<Record<string, Call>>
}

/** Binds a port to its implementation. */
export function serve<P, Lease>(port: Port<P, Lease>, owner: P): ServedPort {
  return { port, owner } as unknown as ServedPort
}

/** The methods for one caller. */
export interface ServedCaller {
  /** For the `Peer` of the caller. */
  readonly methods: Methods
  /** Call this when the caller has exited. Releases all its leases. */
  close(): void
}

/** Called for failures of notifications. */
type OnFailure = (error: unknown, method: string) => void

/** Serves ports to other processes, which use them through `portClient`. */
export class PortServer {
  readonly #served: readonly ServedPort[]
  readonly #shared: Shared

  constructor(served: readonly ServedPort[], onFailure: OnFailure) {
    this.#served = served
    const callers = new Set<Caller>()
    const ordered = new ReorderBuffer(
      () => performance.now(),
      () => syncAll(callers),
    )
    this.#shared = { callers, holders: new Map(), ordered, onFailure }
  }

  /**
   * Opens the ports for a caller.
   *
   * @param peer returns the peer of the caller, which may be created later
   * @param own additional ports for this caller only
   */
  open(peer: () => Pick<Peer, 'sync'>, own: readonly ServedPort[] = []): ServedCaller {
    return new Caller([...this.#served, ...own], this.#shared, peer)
  }

  /** Resolves when everything that callers have sent by now has been run. */
  async catchUp(): Promise<void> {
    const { callers, ordered } = this.#shared
    await syncAll(callers)
    ordered.runAll()
  }
}

async function syncAll(callers: Iterable<Caller>): Promise<void> {
  await Promise.all(Array.from(callers, (caller) => caller.sync()))
}

interface Shared {
  readonly callers: Set<Caller>
  /** The caller that holds the lease for a key, by port and key. */
  readonly holders: Map<string, Caller>
  readonly ordered: ReorderBuffer
  readonly onFailure: OnFailure
}

interface Held {
  /** Undefined until it is open. */
  lease: unknown
  readonly leaseKey: string | undefined
  /** Time of the opening, for ordered methods. */
  readonly atMs: number
}

class Caller implements ServedCaller {
  readonly methods: Methods
  readonly #shared: Shared
  readonly #peer: () => Pick<Peer, 'sync'>
  readonly #ports: readonly PortLeases[]
  #isClosed = false

  constructor(served: readonly ServedPort[], shared: Shared, peer: () => Pick<Peer, 'sync'>) {
    this.#shared = shared
    this.#peer = peer
    this.#ports = served.map(
      ({ port, owner }) => new PortLeases(port, owner, shared, this, () => this.#isClosed),
    )
    this.methods = Object.fromEntries(this.#ports.flatMap((leases) => leases.methods()))
    shared.callers.add(this)
  }

  /** Resolves when everything that the caller has sent by now has arrived, or after a timeout. Never rejects. */
  async sync(): Promise<void> {
    await answerWithTimeout(this.#peer().sync())
  }

  close(): void {
    this.#isClosed = true
    this.#shared.callers.delete(this)
    for (const leases of this.#ports) leases.releaseAll()
  }
}

/** The leases of one caller for one port, and the methods of the port for that caller. */
class PortLeases {
  readonly #port: ServedPort['port']
  readonly #owner: ServedPort['owner']
  readonly #shared: Shared
  readonly #caller: Caller
  readonly #isClosed: () => boolean
  readonly #held = new Map<number, Held>()

  constructor(
    port: ServedPort['port'],
    owner: ServedPort['owner'],
    shared: Shared,
    caller: Caller,
    isClosed: () => boolean,
  ) {
    this.#port = port
    this.#owner = owner
    this.#shared = shared
    this.#caller = caller
    this.#isClosed = isClosed
  }

  methods(): [path: string, method: (sent: never) => unknown][] {
    return Object.entries<MethodRule<Call>>(this.#port.methods).map(([name, rule]) => {
      const path = `${this.#port.name}.${name}`
      const call: Call = (...args) => this.#owner[name]?.(...args)
      const decode = (rule.args?.decode ?? withoutNulls) as (json: unknown) => readonly unknown[]
      const encode = rule.answer?.encode ?? ((answer: unknown) => answer)
      if (rule.lease === 'opens') {
        return [
          path,
          ([number, json]: readonly [number, unknown]) => {
            const args = decode(json)
            const atMs = rule.happenedAtMs?.(...args) ?? 0
            const held = this.#hold(number, rule.leaseKey?.(...args), atMs)
            return this.#when(rule, path, args, atMs, () =>
              this.#open(number, held, rule, encode, call, args),
            )
          },
        ]
      }
      if (rule.lease === undefined) {
        return [
          path,
          (json) => {
            const args = decode(json)
            return this.#when(rule, path, args, rule.happenedAtMs?.(...args) ?? 0, () =>
              mapMaybe(call(...args), encode),
            )
          },
        ]
      }
      return [
        path,
        (json) => {
          const args = decode(json)
          const number = args[0] as number
          const held = this.#held.get(number)
          if (!held) return undefined
          // Never run a method of a lease before its opening.
          const atMs = Math.max(rule.happenedAtMs?.(...args) ?? 0, held.atMs)
          return this.#when(rule, path, args, atMs, () => {
            if (rule.lease === 'ends') this.#forget(number, held)
            return mapMaybe(call(held.lease, ...args.slice(1)), encode)
          })
        },
      ]
    })
  }

  /** Releases all leases, because their holder has exited. */
  releaseAll(): void {
    const nowMs = performance.now()
    const release = (): void => {
      for (const [number, held] of this.#held) {
        this.#forget(number, held)
        this.#release(held.lease, nowMs)
      }
    }
    const isOrdered = Object.values<MethodRule<Call>>(this.#port.methods).some(
      ({ happenedAtMs }) => happenedAtMs,
    )
    if (isOrdered) this.#shared.ordered.add(nowMs, release)
    else release()
  }

  #when(
    rule: MethodRule<Call>,
    path: string,
    args: readonly unknown[],
    atMs: number,
    run: () => unknown,
  ): unknown {
    const { holders, ordered, onFailure } = this.#shared
    if (rule.happenedAtMs) {
      ordered.add(atMs, () => {
        try {
          run()
        } catch (error) {
          onFailure(error, path)
        }
      })
      return undefined
    }
    const leaseKey = rule.waitsForKey?.(...args)
    const holder = leaseKey === undefined ? undefined : holders.get(this.#nameOf(leaseKey))
    return holder && holder !== this.#caller ? holder.sync().then(run) : run()
  }

  #open(
    number: number,
    held: Held,
    { kind }: MethodRule<Call>,
    encode: (answer: unknown) => unknown,
    call: Call,
    args: readonly unknown[],
  ): unknown {
    const opened = (answer: unknown): unknown => {
      const lease = kind === 'notification' ? answer : leaseIn(answer)
      held.lease = lease
      if (lease === undefined) this.#forget(number, held)
      // The caller may have exited while the lease was being opened.
      else if (this.#isClosed()) this.#release(lease, performance.now())
      if (kind === 'notification') return undefined
      return encode(lease === undefined ? answer : { ...(answer as object), lease: number })
    }
    const failed = (error: unknown): never => {
      this.#forget(number, held)
      throw error
    }
    try {
      const answer = call(...args)
      return answer instanceof Promise ? answer.then(opened, failed) : opened(answer)
    } catch (error) {
      return failed(error)
    }
  }

  #hold(number: number, leaseKey: string | undefined, atMs: number): Held {
    const held: Held = { lease: undefined, leaseKey, atMs }
    this.#held.set(number, held)
    if (leaseKey !== undefined) this.#shared.holders.set(this.#nameOf(leaseKey), this.#caller)
    if (this.#held.size > (this.#port.maxLeases ?? Infinity)) {
      for (const [oldest, dropped] of this.#held) {
        this.#forget(oldest, dropped)
        break
      }
    }
    return held
  }

  #forget(number: number, { leaseKey }: Held): void {
    this.#held.delete(number)
    if (leaseKey === undefined) return
    const name = this.#nameOf(leaseKey)
    if (this.#shared.holders.get(name) === this.#caller) this.#shared.holders.delete(name)
  }

  #release(lease: unknown, nowMs: number): void {
    // A lease that is not open yet is released by `#open`.
    if (lease === undefined) return
    const fail = (error: unknown): void => this.#shared.onFailure(error, `${this.#port.name}.releaseLease`)
    try {
      const released = this.#port.releaseLease?.(this.#owner, lease, nowMs)
      if (released instanceof Promise) released.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  #nameOf(leaseKey: string): string {
    return `${this.#port.name} ${leaseKey}`
  }
}

function leaseIn(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as { lease?: unknown }).lease : undefined
}

/** JSON has no `undefined`, and ports do not use `null`. */
function withoutNulls(json: unknown): readonly unknown[] {
  return (json as readonly unknown[]).map((value) => value ?? undefined)
}

function mapMaybe(value: unknown, map: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(map) : map(value)
}

interface OrderedTask {
  readonly atMs: number
  readonly task: () => void
}

/** How long tasks are collected before all processes are synchronized. */
export const REORDER_DELAY_MS = 200

/**
 * Runs the notifications of several processes in the order in which they happened. A client may read an answer of one worker and
 * send its retry to another before the notification of the first one arrives.
 */
export class ReorderBuffer {
  readonly #nowMs: () => number
  readonly #syncAll: () => Promise<unknown>
  #tasks: OrderedTask[] = []
  #isWaiting = false

  /**
   * @param nowMs the clock of the times passed to `add`
   * @param syncAll resolves when everything that happened by now has been added; never rejects
   */
  constructor(nowMs: () => number, syncAll: () => Promise<unknown>) {
    this.#nowMs = nowMs
    this.#syncAll = syncAll
  }

  /** Runs a task after all tasks that happened before it have been added. */
  add(atMs: number, task: () => void): void {
    this.#tasks.push({ atMs, task })
    this.#wait()
  }

  /** Runs all tasks now, if the caller knows that no earlier ones are under way. */
  runAll(): void {
    this.#run(Infinity)
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => void this.#catchUp(), REORDER_DELAY_MS)
  }

  async #catchUp(): Promise<void> {
    const nowMs = this.#nowMs()
    await this.#syncAll()
    this.#isWaiting = false
    this.#run(nowMs)
    if (this.#tasks.length > 0) this.#wait()
  }

  #run(untilMs: number): void {
    const due = this.#tasks.filter(({ atMs }) => atMs <= untilMs)
    this.#tasks = this.#tasks.filter(({ atMs }) => atMs > untilMs)
    for (const { task } of due.sort((a, b) => a.atMs - b.atMs)) task()
  }
}
