import { describe, expect, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { chain, type Run, type Hook, type Stage } from '../pipeline/stage.ts'
import { textBody } from '../answer/body.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { ExtensionError } from './extension-error.ts'
import { guardHook } from './guard-parts.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const exchange = testExchange()
const createReply = (): Reply => ({ status: 200, headers: new HeaderList(), body: textBody('') })
const reply = createReply()
const innermost: Run = async () => reply

const chained = (hooks: readonly Stage[], rest: Run): Run =>
  chain(
    hooks.map((stage) => ({ stage })),
    rest,
  )

const guard = (hook: Hook, extension = 'slow', part = 'hook 2 (addDelay)'): Stage =>
  guardHook(hook, { extension, source: 'ext/slow.ts', part })

const failureOf = async (hooks: readonly Stage[], rest = innermost): Promise<Error> => {
  try {
    await chained(hooks, rest)(exchange)
    return new Error('nothing failed')
  } catch (error) {
    return error as Error
  }
}

/** A hook without types. */
const untyped = (hook: (exchange: Exchange, next: () => Promise<Reply>) => unknown): Hook => hook as Hook

describe('guarded hook', () => {
  it('returns the promise of next() if the hook returns it', () => {
    const inner = Promise.resolve(reply)
    const hook = guard((_, next) => next())
    expect(hook(exchange, () => inner)).toBe(inner)
  })

  it('returns a reply that the hook awaited, changed, or created', async () => {
    const changing: Hook = async (_, next) => Object.assign(await next(), { status: 418 })
    expect((await chained([guard(changing)], async () => createReply())(exchange)).status).toBe(418)
    const own = createReply()
    expect(await chained([guard(async () => own)], innermost)(exchange)).toBe(own)
    expect(await chained([guard(untyped(() => own))], innermost)(exchange)).toBe(own)
  })

  const boom = new Error('boom')
  it.each<[string, Hook]>([
    [
      'throws',
      () => {
        throw boom
      },
    ],
    [
      'rejects',
      async () => {
        throw boom
      },
    ],
    [
      'rejects after next()',
      async (_, next) => {
        await next()
        throw boom
      },
    ],
    [
      'throws after next()',
      (_, next) => {
        void next()
        throw boom
      },
    ],
  ])('is named in the error if it %s', async (_, hook) => {
    const error = await failureOf([guard(hook)])
    expect(error).toBeInstanceOf(ExtensionError)
    expect(error.message).toBe('The extension "slow" (ext/slow.ts) failed in hook 2 (addDelay): boom')
    expect(error.cause).toBe(boom)
  })

  it('has the stack of the cause in its own stack', async () => {
    const { stack } = await failureOf([
      guard(() => {
        throw boom
      }),
    ])
    expect(stack).toContain('ExtensionError: The extension "slow"')
    expect(stack).toContain(`Caused by: ${boom.stack}`)
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'it returned undefined, which is not a reply'],
    ['a text', 'hello', 'it returned "hello", which is not a reply'],
    [
      'a reply with a wrong status',
      { ...reply, status: 20 },
      "the reply's status must be an integer from 200 to 599 (got 20)",
    ],
  ])('is named in the error if it returns %s', async (_, given, problem) => {
    for (const hook of [
      untyped(() => given),
      untyped(async (_exchange, next) => {
        await next()
        return given
      }),
    ]) {
      const { message } = await failureOf([guard(hook)])
      expect(message).toBe(
        `The extension "slow" (ext/slow.ts) failed in hook 2 (addDelay): ${problem}. Return the reply of next(), or another reply`,
      )
    }
  })

  it('is not named in errors within next(), awaited or not', async () => {
    const failing: Run = () => Promise.reject(boom)
    const throwing: Run = () => {
      throw boom
    }
    const awaiting: Hook = async (_, next) => {
      const inner = await next()
      return inner
    }
    const rethrowing: Hook = (_, next) => next().catch((error: unknown) => Promise.reject(error))
    const late: Hook = async (_, next) => {
      await Promise.resolve()
      return next()
    }
    for (const rest of [failing, throwing]) {
      for (const hook of [(_: Exchange, next: () => Promise<Reply>) => next(), awaiting, rethrowing, late]) {
        expect(await failureOf([guard(hook), guard(hook, 'other')], rest)).toBe(boom)
      }
    }
  })

  it('is named if it throws another error after a failure within next()', async () => {
    const wrapping: Hook = async (_, next) =>
      next().catch(() => {
        throw new Error('no answer')
      })
    const { message } = await failureOf([guard(wrapping)], () => Promise.reject(boom))
    expect(message).toContain('failed in hook 2 (addDelay): no answer')
  })

  it('reports the innermost of several failed hooks', async () => {
    const awaiting: Hook = async (_, next) => {
      const inner = await next()
      return inner
    }
    const error = await failureOf([
      guard(awaiting, 'outer'),
      guard(() => {
        throw boom
      }, 'inner'),
      guard(awaiting, 'core'),
    ])
    expect(error.message).toContain('The extension "inner"')
    expect(error.cause).toBe(boom)
  })

  it('can convert an error within next() to a reply', async () => {
    const rescuing: Hook = (_, next) => next().catch(() => reply)
    expect(await chained([guard(rescuing)], () => Promise.reject(boom))(exchange)).toBe(reply)
  })

  it('leaves no unhandled rejection if it ignores next()', async () => {
    const failing: Run = async () => {
      await Promise.resolve()
      throw boom
    }
    const forgetful = untyped((_, next) => {
      void next()
      return reply
    })
    const throwing = untyped((_, next) => {
      void next()
      throw new Error('own')
    })
    const late = untyped(async (_, next) => {
      await Promise.resolve()
      void next()
      return reply
    })
    expect(await chained([guard(forgetful)], failing)(exchange)).toBe(reply)
    expect(await chained([guard(late)], failing)(exchange)).toBe(reply)
    expect((await failureOf([guard(throwing)], failing)).message).toContain('own')
    // Vitest fails the run for a rejection that is still unhandled in the next event-loop iteration.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  })

  it('is named if it calls next() twice, also in errors of the chain', async () => {
    const twice: Hook = async function eager(_, next) {
      await next()
      return next()
    }
    expect((await failureOf([guard(twice)])).message).toBe(
      'The extension "slow" (ext/slow.ts) failed in hook 2 (addDelay): The hook "eager" called next() twice for one request.',
    )
    const unnamed = guard((() => untyped(async (_, next) => [await next(), next()]))(), 'slow', 'hook 3')
    expect((await failureOf([unnamed])).message).toContain('The hook "hook 3" called next() twice')
  })
})
