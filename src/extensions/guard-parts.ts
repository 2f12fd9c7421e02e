import type { ReplyOrPromise, Hook, Stage } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { wrapExtensionError, type ExtensionPart, ExtensionError } from './extension-error.ts'
import { replyProblem } from './reply-problem.ts'
import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { ForwardedReply, Forwarder, Generator, NamedLimiter } from '../pipeline/extension.ts'
import { traceOf } from '../pipeline/trace.ts'

/**
 * Wraps a hook so that its errors become an `ExtensionError` that names it. Errors within `next()` are unchanged, because they
 * belong to an inner hook or to the simulator. If the hook returns the promise of `next()`, it is returned without another
 * promise. Any other reply is validated.
 */
export function guardHook(hook: Hook, extensionPart: ExtensionPart): Stage {
  const accept = (reply: unknown): Reply => {
    const problem = replyProblem(reply)
    if (problem === undefined) return reply as Reply
    throw new ExtensionError(extensionPart, `${problem}. Return the reply of next(), or another reply`)
  }

  const guarded: Stage = (exchange, next) => {
    const call = new InnerCall(next)
    let result: unknown
    try {
      result = hook(exchange, () => call.start())
    } catch (error) {
      call.watch()
      throw wrapExtensionError(extensionPart, error)
    }
    if (call.inner && result === call.inner) return call.inner
    call.watch()
    return Promise.resolve(result).then(accept, (error: unknown) => {
      throw call.failedWith(error) ? error : wrapExtensionError(extensionPart, error)
    })
  }
  // Errors of the chain contain the name of a hook that calls next() twice.
  return Object.defineProperty(guarded, 'name', { value: hook.name || extensionPart.part })
}

/** The call of `next()` in a hook, for one request. */
class InnerCall {
  inner: Promise<Reply> | undefined
  readonly #next: () => ReplyOrPromise
  #isWatched = false
  #failure: { readonly reason: unknown } | undefined

  constructor(next: () => ReplyOrPromise) {
    this.#next = next
  }

  start(): Promise<Reply> {
    // The chain rejects a second call, which is an error of the hook.
    if (this.inner) return Promise.resolve(this.#next())
    try {
      this.inner = Promise.resolve(this.#next())
    } catch (error) {
      // A stage that throws synchronously must look like one that rejects.
      this.inner = Promise.reject(error)
    }
    if (this.#isWatched) this.#recordFailure(this.inner)
    return this.inner
  }

  /** Handles rejections from now on, which would end the process if the hook ignores its promise. */
  watch(): void {
    this.#isWatched = true
    if (this.inner) this.#recordFailure(this.inner)
  }

  /** Returns whether the rest of the chain failed with this error. */
  failedWith(error: unknown): boolean {
    return this.#failure !== undefined && this.#failure.reason === error
  }

  #recordFailure(inner: Promise<Reply>): void {
    inner.catch((reason: unknown) => {
      this.#failure = { reason }
    })
  }
}

/** A function of an extension that answers requests, or returns undefined to leave them to the next one. */
export type Answerer<T> = (exchange: Exchange) => MaybePromise<T | undefined>

/** Wraps a generator so that its errors and invalid replies become an `ExtensionError` that names it. */
export function guardGenerator(generator: Generator, extensionPart: ExtensionPart): Answerer<Reply> {
  return guardAnswer(generator, (value) => acceptReply(value, extensionPart), extensionPart)
}

/** Wraps a forwarder as `guardGenerator` does, and sets `store` in each answer. */
export function guardForwarder(
  forwarder: Forwarder,
  extensionPart: ExtensionPart,
): Answerer<Required<ForwardedReply>> {
  const accept = (value: unknown): Required<ForwardedReply> => {
    if (typeof value !== 'object' || value === null || !('reply' in value)) {
      return { reply: acceptReply(value, extensionPart), store: true }
    }
    const { reply, store = true } = value as { reply: unknown; store?: unknown }
    if (typeof store === 'boolean') return { reply: acceptReply(reply, extensionPart), store }
    throw new ExtensionError(extensionPart, "'store' must be true, false or absent")
  }
  return guardAnswer(forwarder, accept, extensionPart)
}

/** Wraps a limiter as `guardGenerator` does. A limiter must be synchronous. */
export function guardLimiter(limiter: NamedLimiter, extensionPart: ExtensionPart): NamedLimiter {
  return (exchange) => {
    let value: unknown
    try {
      value = limiter(exchange)
    } catch (error) {
      throw wrapExtensionError(extensionPart, error)
    }
    if (value === undefined) return undefined
    if (!isThenable(value)) return acceptReply(value, extensionPart)
    value.then(undefined, () => undefined)
    throw new ExtensionError(extensionPart, 'it returned a promise. A limiter must be synchronous')
  }
}

/** Calls functions in order until one answers. Creates no promise while they answer synchronously. */
export function firstAnswer<T>(answerers: readonly Answerer<T>[]): Answerer<T> {
  const askFrom = (start: number, exchange: Exchange): MaybePromise<T | undefined> => {
    for (let index = start; index < answerers.length; index++) {
      const answer = answerers[index]?.(exchange)
      if (answer instanceof Promise) {
        return answer.then((value) => (value === undefined ? askFrom(index + 1, exchange) : value))
      }
      if (answer !== undefined) return answer
    }
    return undefined
  }
  return (exchange) => askFrom(0, exchange)
}

function guardAnswer<T>(
  answer: (exchange: Exchange) => unknown,
  accept: (value: unknown) => T,
  extensionPart: ExtensionPart,
): Answerer<T> {
  const acceptIfAny = (value: unknown, exchange: Exchange): T | undefined => {
    if (value === undefined) return undefined
    traceOf(exchange)?.answeredByExtension(extensionPart.extension)
    return accept(value)
  }
  const failed = (error: unknown): never => {
    throw wrapExtensionError(extensionPart, error)
  }
  return (exchange) => {
    let value: unknown
    try {
      value = answer(exchange)
    } catch (error) {
      throw wrapExtensionError(extensionPart, error)
    }
    if (!isThenable(value)) return acceptIfAny(value, exchange)
    return Promise.resolve(value).then((awaited) => acceptIfAny(awaited, exchange), failed)
  }
}

function acceptReply(value: unknown, extensionPart: ExtensionPart): Reply {
  const problem = replyProblem(value)
  if (problem === undefined) return value as Reply
  throw new ExtensionError(
    extensionPart,
    `${problem}. Return a reply, or undefined to leave the request to the next one`,
  )
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
