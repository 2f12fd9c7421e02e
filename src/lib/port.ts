/**
 * A value, or a promise if the function must wait. Only the stages of a request and the ports use it, because an unnecessary
 * promise delays each request by a microtask. Other functions are either synchronous or asynchronous.
 */
export type MaybePromise<T> = T | Promise<T>

/** The names of the methods that each adapter of a port has. Only the owner of the state has the optional ones. */
export type MethodOf<P> = { [K in keyof P]-?: undefined extends P[K] ? never : K }[keyof P] & string

type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never
type ResultOf<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

/** Converts a value to JSON and back. */
export interface Codec<T> {
  readonly encode: (value: T) => unknown
  readonly decode: (json: never) => T
}

/** How another process calls a method. */
export interface MethodRule<F> {
  /** `request`: the caller awaits the answer. `notification`: one way. The calls of one caller are executed in order. */
  readonly kind: 'request' | 'notification'
  /**
   * `opens`: a request returns an object with a `lease`, and a notification returns the lease; the caller holds it from then on.
   * `uses` and `ends`: the first argument is a lease. A call with a lease that is no longer held does nothing.
   */
  readonly lease?: 'opens' | 'uses' | 'ends'
  /** Default: the arguments as JSON, including `undefined`. Numbers must be finite. */
  readonly args?: Codec<ArgumentsOf<F>>
  /** Default: the answer as JSON, including `undefined`. */
  readonly answer?: Codec<ResultOf<F>>
  /** For `opens`: a key for the lease, which `waitsForKey` refers to. */
  readonly leaseKey?: (...args: ArgumentsOf<F>) => string | undefined
  /** For requests: the key of a lease. If another caller holds it, its pending notifications are executed first. */
  readonly waitsForKey?: (...args: ArgumentsOf<F>) => string | undefined
  /**
   * For notifications: when the event happened, by the system clock of this process (`nowMs`). Notifications of all callers are
   * executed in this order, after a short delay.
   */
  readonly happenedAtMs?: (...args: ArgumentsOf<F>) => number
}

/**
 * A port: the interface of a state that several processes share. Its methods use plain data. A lease is an opaque value that
 * identifies what the owner of the state holds for a caller.
 */
export interface Port<P, Lease = unknown> {
  /** Unique among all ports. */
  readonly name: string
  readonly methods: { readonly [K in MethodOf<P>]: MethodRule<P[K]> }
  /** Ends a lease after its holder has exited. `nowMs` is the time of the system clock. */
  readonly releaseLease?: (owner: P, lease: Lease, nowMs: number) => MaybePromise<void>
  /** Maximum number of leases per caller. The oldest ones are dropped. Default: no limit. */
  readonly maxLeases?: number
}
