/**
 * A value that is given at once where it is known, and else promised. A promise where none is needed costs a turn of the loop's
 * queue, which counts where each request would pay it: in the stages of a request, and in the ports. Elsewhere a function does
 * one or the other.
 */
export type MaybePromise<T> = T | Promise<T>

/** The names of the methods that every adapter of a port has. Optional ones belong to the keeper of the state alone. */
export type MethodOf<P> = { [K in keyof P]-?: undefined extends P[K] ? never : K }[keyof P] & string

type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never
type ResultOf<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never

/** Turns a value into one that JSON can carry, and back. */
export interface Codec<T> {
  readonly encode: (value: T) => unknown
  readonly decode: (json: never) => T
}

/** How another process calls a method. */
export interface MethodRule<F> {
  /** `ask`: its answer is awaited. `tell`: one way. What one caller tells and asks is carried out in its order. */
  readonly kind: 'request' | 'notification'
  /**
   * `opens`: what is asked for gives an object whose `lease` is held by the caller from then on, and what is told gives the lease
   * itself. `uses` and `ends`: the first argument is a lease; one that is not held any more makes the call do nothing.
   */
  readonly lease?: 'opens' | 'uses' | 'ends'
  /** Absent: JSON carries the arguments as they are, `undefined` included; numbers have to be finite. */
  readonly args?: Codec<ArgumentsOf<F>>
  /** Absent: JSON carries the answer as it is, `undefined` included. */
  readonly answer?: Codec<ResultOf<F>>
  /** For `opens`: names what the lease is about. */
  readonly leaseKey?: (...args: ArgumentsOf<F>) => string | undefined
  /** For `ask`: names what it is about. Where another caller holds a lease about it, what that one has told by now goes first. */
  readonly waitsForKey?: (...args: ArgumentsOf<F>) => string | undefined
  /**
   * For `tell`: when it happened, by the system clock of this process (`nowMs`). What all callers tell is carried out in the order in
   * which it happened, a moment later.
   */
  readonly happenedAtMs?: (...args: ArgumentsOf<F>) => number
}

/**
 * A port: the interface through which a state is used that several processes have together. Its methods take and give plain
 * data. What the keeper of the state holds for a caller is named by a lease: a value that only the keeper looks into.
 */
export interface Port<P, Lease = unknown> {
  /** Unique among all ports. */
  readonly name: string
  readonly methods: { readonly [K in MethodOf<P>]: MethodRule<P[K]> }
  /** Ends a lease whose holder is gone; `nowMs` is that of the system clock. */
  readonly releaseLease?: (keeper: P, lease: Lease, nowMs: number) => MaybePromise<void>
  /** Leases that one caller holds at most; the oldest are forgotten. Default: no bound. */
  readonly maxLeases?: number
}
