import type { ReplyOrPromise, Hook, Stage } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import { wrapExtensionError, type ExtensionPart, ExtensionError } from './extension-error.ts'
import { replyProblem } from './reply-problem.ts'

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
