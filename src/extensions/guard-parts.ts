import type { ReplyOrPromise, Hook, Stage } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { wrapExtensionError, type ExtensionPart, ExtensionError } from './extension-error.ts'
import { replyProblem } from './reply-problem.ts'
import type { MaybePromise } from '../lib/port.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { ForwardedReply, Forwarder, Generator, NamedLimiter } from '../pipeline/extension.ts'
import { traceOf } from '../pipeline/trace.ts'

/**
 * Wraps a hook so that what goes wrong in it is an ExtensionError that names it. What goes wrong within `next()` passes
 * through as it is: an outer hook is not to blame for the core, or for an inner hook. Nothing is added to the promise of
 * `next()` where a hook returns that very promise; for any other, its reply is looked at.
 */
export function guardHook(hook: Hook, extensionPart: ExtensionPart): Stage {
  const accept = (reply: unknown): Reply => {
    const problem = replyProblem(reply)
    if (problem === undefined) return reply as Reply
    throw new ExtensionError(extensionPart, `${problem}. Return what next() gave, or a reply of its own`)
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
  // The chain names a hook that calls next() twice.
  return Object.defineProperty(guarded, 'name', { value: hook.name || extensionPart.part })
}

/** What one request's hook asks of the rest of the chain. */
class InnerCall {
  inner: Promise<Reply> | undefined
  readonly #next: () => ReplyOrPromise
  #isWatched = false
  #failure: { readonly reason: unknown } | undefined

  constructor(next: () => ReplyOrPromise) {
    this.#next = next
  }

  start(): Promise<Reply> {
    // The second call is for the chain to refuse, and the hook's own fault.
    if (this.inner) return Promise.resolve(this.#next())
    try {
      this.inner = Promise.resolve(this.#next())
    } catch (error) {
      // A stage that throws at once, rather than rejecting, is no fault of the hook that called it.
      this.inner = Promise.reject(error)
    }
    if (this.#isWatched) this.#note(this.inner)
    return this.inner
  }

  /** From now on failures are noted: they would end the process where the hook never looks at its promise. */
  watch(): void {
    this.#isWatched = true
    if (this.inner) this.#note(this.inner)
  }

  /** Whether it is the rest of the chain that failed with this error. */
  failedWith(error: unknown): boolean {
    return this.#failure !== undefined && this.#failure.reason === error
  }

  #note(inner: Promise<Reply>): void {
    inner.catch((reason: unknown) => {
      this.#failure = { reason }
    })
  }
}

/** A part of an extension that answers requests, or leaves them to the next one by giving undefined. */
export type Answerer<T> = (exchange: Exchange) => MaybePromise<T | undefined>

/** Wraps a generator so that what it throws, and what it gives that is no reply, is an ExtensionError that names it. */
export function guardGenerator(generator: Generator, extensionPart: ExtensionPart): Answerer<Reply> {
  return guardAnswer(generator, (given) => acceptReply(given, extensionPart), extensionPart)
}

/** Does the same for a forwarder, and says of each answer whether it is recorded. */
export function guardForwarder(
  forwarder: Forwarder,
  extensionPart: ExtensionPart,
): Answerer<Required<ForwardedReply>> {
  const accept = (given: unknown): Required<ForwardedReply> => {
    if (typeof given !== 'object' || given === null || !('reply' in given)) {
      return { reply: acceptReply(given, extensionPart), store: true }
    }
    const { reply, store = true } = given as { reply: unknown; store?: unknown }
    if (typeof store === 'boolean') return { reply: acceptReply(reply, extensionPart), store }
    throw new ExtensionError(extensionPart, "'store' must be true, false or absent")
  }
  return guardAnswer(forwarder, accept, extensionPart)
}

/** Does the same for a limiter, which answers at once: a promise is no answer. */
export function guardLimiter(limiter: NamedLimiter, extensionPart: ExtensionPart): NamedLimiter {
  return (exchange) => {
    let given: unknown
    try {
      given = limiter(exchange)
    } catch (error) {
      throw wrapExtensionError(extensionPart, error)
    }
    if (given === undefined) return undefined
    if (!isThenable(given)) return acceptReply(given, extensionPart)
    given.then(undefined, () => undefined)
    throw new ExtensionError(extensionPart, 'it gave a promise. A limiter answers at once, without async')
  }
}

/** Asks one after the other until one answers. Nothing is awaited while they answer at once. */
export function firstAnswer<T>(answerers: readonly Answerer<T>[]): Answerer<T> {
  const askFrom = (start: number, exchange: Exchange): MaybePromise<T | undefined> => {
    for (let index = start; index < answerers.length; index++) {
      const answer = answerers[index]?.(exchange)
      if (answer instanceof Promise) {
        return answer.then((given) => (given === undefined ? askFrom(index + 1, exchange) : given))
      }
      if (answer !== undefined) return answer
    }
    return undefined
  }
  return (exchange) => askFrom(0, exchange)
}

function guardAnswer<T>(
  answer: (exchange: Exchange) => unknown,
  accept: (given: unknown) => T,
  extensionPart: ExtensionPart,
): Answerer<T> {
  const acceptIfAny = (given: unknown, exchange: Exchange): T | undefined => {
    if (given === undefined) return undefined
    traceOf(exchange)?.answeredByExtension(extensionPart.extension)
    return accept(given)
  }
  const failed = (error: unknown): never => {
    throw wrapExtensionError(extensionPart, error)
  }
  return (exchange) => {
    let given: unknown
    try {
      given = answer(exchange)
    } catch (error) {
      throw wrapExtensionError(extensionPart, error)
    }
    if (!isThenable(given)) return acceptIfAny(given, exchange)
    return Promise.resolve(given).then((awaited) => acceptIfAny(awaited, exchange), failed)
  }
}

function acceptReply(given: unknown, extensionPart: ExtensionPart): Reply {
  const problem = replyProblem(given)
  if (problem === undefined) return given as Reply
  throw new ExtensionError(extensionPart, `${problem}. Give a reply, or undefined to pass the request on`)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
