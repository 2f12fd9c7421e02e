import type { MethodRule, Port } from '../../lib/port.ts'
import { answerInTime } from './answer-in-time.ts'
import type { Methods, Peer } from './peer.ts'

type Call = (...args: readonly unknown[]) => unknown

/** A port and what keeps its state; `serve` makes it. */
export interface ServedPort {
  readonly port: Port<Readonly<Record<string, Call>>>
  readonly keeper: Readonly<Record<string, Call>>
}

/** Names what keeps the state of a port. */
export function serve<P, Lease>(port: Port<P, Lease>, keeper: P): ServedPort {
  return { port, keeper } as unknown as ServedPort
}

/** What a caller is offered, until it is gone. */
export interface ServedCaller {
  /** For its `Peer`. */
  readonly methods: Methods
  /** The caller is gone: gives back all that it held. */
  close(): void
}

/** Hears of what failed and has nobody who waits for it. */
type OnFailure = (error: unknown, method: string) => void

/** Keeps the state of ports for other processes, which use it through `portClient`. */
export class PortServer {
  readonly #served: readonly ServedPort[]
  readonly #shared: Shared

  constructor(served: readonly ServedPort[], onFailure: OnFailure) {
    this.#served = served
    const callers = new Set<Caller>()
    const inOrder = new ReorderBuffer(
      () => performance.now(),
      () => syncAll(callers),
    )
    this.#shared = { callers, holders: new Map(), inOrder, onFailure }
  }

  /**
   * Opens the ports to a caller.
   *
   * @param peer leads to it; it may be made after this
   * @param own ports that are kept for this caller alone
   */
  open(peer: () => Pick<Peer, 'sync'>, own: readonly ServedPort[] = []): ServedCaller {
    return new Caller([...this.#served, ...own], this.#shared, peer)
  }

  /** Ends when all has been carried out that callers have told by now. */
  async catchUp(): Promise<void> {
    const { callers, inOrder } = this.#shared
    await syncAll(callers)
    inOrder.runAll()
  }
}

async function syncAll(callers: Iterable<Caller>): Promise<void> {
  await Promise.all(Array.from(callers, (caller) => caller.sync()))
}

interface Shared {
  readonly callers: Set<Caller>
  /** Who holds a lease about something, by port and what it is about. */
  readonly holders: Map<string, Caller>
  readonly inOrder: ReorderBuffer
  readonly onFailure: OnFailure
}

interface Held {
  /** Undefined until it is known. */
  lease: unknown
  readonly about: string | undefined
  /** When it was opened. */
  readonly atMs: number
}

class Caller implements ServedCaller {
  readonly methods: Methods
  readonly #shared: Shared
  readonly #peer: () => Pick<Peer, 'sync'>
  readonly #ports: readonly LeasesOfPort[]
  #isGone = false

  constructor(served: readonly ServedPort[], shared: Shared, peer: () => Pick<Peer, 'sync'>) {
    this.#shared = shared
    this.#peer = peer
    this.#ports = served.map(
      ({ port, keeper }) => new LeasesOfPort(port, keeper, shared, this, () => this.#isGone),
    )
    this.methods = Object.fromEntries(this.#ports.flatMap((leases) => leases.methods()))
    shared.callers.add(this)
  }

  /** Ends when all that the caller has told by now is here; it is not waited for without end. Never rejects. */
  async sync(): Promise<void> {
    await answerInTime(this.#peer().sync())
  }

  close(): void {
    this.#isGone = true
    this.#shared.callers.delete(this)
    for (const leases of this.#ports) leases.giveBackAll()
  }
}

/** What one caller holds of one port, and its methods for that caller. */
class LeasesOfPort {
  readonly #port: ServedPort['port']
  readonly #keeper: ServedPort['keeper']
  readonly #shared: Shared
  readonly #caller: Caller
  readonly #isGone: () => boolean
  readonly #held = new Map<number, Held>()

  constructor(
    port: ServedPort['port'],
    keeper: ServedPort['keeper'],
    shared: Shared,
    caller: Caller,
    isGone: () => boolean,
  ) {
    this.#port = port
    this.#keeper = keeper
    this.#shared = shared
    this.#caller = caller
    this.#isGone = isGone
  }

  methods(): [path: string, method: (sent: never) => unknown][] {
    return Object.entries<MethodRule<Call>>(this.#port.methods).map(([name, rule]) => {
      const path = `${this.#port.name}.${name}`
      const call: Call = (...args) => this.#keeper[name]?.(...args)
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
          // What happened to a lease never comes before its opening.
          const atMs = Math.max(rule.happenedAtMs?.(...args) ?? 0, held.atMs)
          return this.#when(rule, path, args, atMs, () => {
            if (rule.lease === 'ends') this.#forget(number, held)
            return mapMaybe(call(held.lease, ...args.slice(1)), encode)
          })
        },
      ]
    })
  }

  /** Ends all leases, since their holder is gone. */
  giveBackAll(): void {
    const nowMs = performance.now()
    const giveBack = (): void => {
      for (const [number, held] of this.#held) {
        this.#forget(number, held)
        this.#giveBack(held.lease, nowMs)
      }
    }
    const isInOrder = Object.values<MethodRule<Call>>(this.#port.methods).some(
      ({ happenedAtMs }) => happenedAtMs,
    )
    if (isInOrder) this.#shared.inOrder.add(nowMs, giveBack)
    else giveBack()
  }

  #when(
    rule: MethodRule<Call>,
    path: string,
    args: readonly unknown[],
    atMs: number,
    carryOut: () => unknown,
  ): unknown {
    const { holders, inOrder, onFailure } = this.#shared
    if (rule.happenedAtMs) {
      inOrder.add(atMs, () => {
        try {
          carryOut()
        } catch (error) {
          onFailure(error, path)
        }
      })
      return undefined
    }
    const about = rule.waitsForKey?.(...args)
    const holder = about === undefined ? undefined : holders.get(this.#nameOf(about))
    return holder && holder !== this.#caller ? holder.sync().then(carryOut) : carryOut()
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
      // The caller may be gone while the keeper asks somebody else.
      else if (this.#isGone()) this.#giveBack(lease, performance.now())
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

  #hold(number: number, about: string | undefined, atMs: number): Held {
    const held: Held = { lease: undefined, about, atMs }
    this.#held.set(number, held)
    if (about !== undefined) this.#shared.holders.set(this.#nameOf(about), this.#caller)
    if (this.#held.size > (this.#port.maxLeases ?? Infinity)) {
      for (const [oldest, dropped] of this.#held) {
        this.#forget(oldest, dropped)
        break
      }
    }
    return held
  }

  #forget(number: number, { about }: Held): void {
    this.#held.delete(number)
    if (about === undefined) return
    const name = this.#nameOf(about)
    if (this.#shared.holders.get(name) === this.#caller) this.#shared.holders.delete(name)
  }

  #giveBack(lease: unknown, nowMs: number): void {
    // It is not open yet; whoever opens it sees that the caller is gone.
    if (lease === undefined) return
    const fail = (error: unknown): void => this.#shared.onFailure(error, `${this.#port.name}.releaseLease`)
    try {
      const given = this.#port.releaseLease?.(this.#keeper, lease, nowMs)
      if (given instanceof Promise) given.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  #nameOf(about: string): string {
    return `${this.#port.name} ${about}`
  }
}

function leaseIn(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as { lease?: unknown }).lease : undefined
}

/** JSON has no undefined, and ports have no null. */
function withoutNulls(json: unknown): readonly unknown[] {
  return (json as readonly unknown[]).map((value) => value ?? undefined)
}

function mapMaybe(value: unknown, map: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(map) : map(value)
}

interface Told {
  readonly atMs: number
  readonly task: () => void
}

/** How long notices are collected before all processes are asked whether there are more. */
export const HELD_MS = 200

/**
 * Puts what several processes tell into the order in which it happened: a client may have read an answer of one worker, and
 * sent its retry to another, before the first one's notice is here.
 */
export class ReorderBuffer {
  readonly #nowMs: () => number
  readonly #hearAll: () => Promise<unknown>
  #told: Told[] = []
  #isWaiting = false

  /**
   * @param nowMs the time that `add` is told in
   * @param hearAll ends when all that has happened by now has been told; never rejects
   */
  constructor(nowMs: () => number, hearAll: () => Promise<unknown>) {
    this.#nowMs = nowMs
    this.#hearAll = hearAll
  }

  /** Runs a task once all that happened before it has been told. */
  add(atMs: number, task: () => void): void {
    this.#told.push({ atMs, task })
    this.#wait()
  }

  /** Runs all that was told, for somebody who knows that nothing earlier is under way. */
  runAll(): void {
    this.#run(Infinity)
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    setTimeout(() => void this.#catchUp(), HELD_MS)
  }

  async #catchUp(): Promise<void> {
    const nowMs = this.#nowMs()
    await this.#hearAll()
    this.#isWaiting = false
    this.#run(nowMs)
    if (this.#told.length > 0) this.#wait()
  }

  #run(untilMs: number): void {
    const due = this.#told.filter(({ atMs }) => atMs <= untilMs)
    this.#told = this.#told.filter(({ atMs }) => atMs > untilMs)
    for (const { task } of due.sort((a, b) => a.atMs - b.atMs)) task()
  }
}
