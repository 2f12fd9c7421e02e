import { describe, expect, expectTypeOf, it } from 'vitest'
import type { Exchange } from '../pipeline/exchange.ts'
import { defineExtension, type Extension, type ExtensionHost } from '../pipeline/extension.ts'
import type { Hook } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'

describe('defineExtension', () => {
  it('returns its argument, with the literal type of the name', () => {
    const extension = { name: 'slow' } as const
    expect(defineExtension(extension)).toBe(extension)
    expectTypeOf(defineExtension({ name: 'slow' }).name).toEqualTypeOf<'slow'>()
  })

  it('infers the types of parameters', () => {
    const extension = defineExtension({
      name: 'a',
      hooks: [
        (exchange, next) => {
          expectTypeOf(exchange).toEqualTypeOf<Exchange>()
          expectTypeOf(next).toEqualTypeOf<() => Promise<Reply>>()
          return next()
        },
      ],
      limiters: { tenant: (exchange) => void expectTypeOf(exchange).toEqualTypeOf<Exchange>() },
      onStart: (host) => void expectTypeOf(host).toEqualTypeOf<ExtensionHost>(),
    })
    expectTypeOf(extension).toExtend<Extension>()
  })

  it('accepts a function of the host, with and without a promise', () => {
    defineExtension((host) => {
      expectTypeOf(host).toEqualTypeOf<ExtensionHost>()
      return { name: 'a' }
    })
    expectTypeOf(defineExtension(async () => ({ name: 'a' }))).toBeFunction()
  })

  it('rejects invalid extensions at compile time', () => {
    // @ts-expect-error An extension has a name.
    defineExtension({ hooks: [] })
    // @ts-expect-error A hook returns a promise of a reply.
    defineExtension({ name: 'a', hooks: [() => 'text'] })
    // @ts-expect-error An async hook returns a promise of a reply as well.
    defineExtension({ name: 'a', hooks: [async () => undefined] })
    // @ts-expect-error A limiter is synchronous.
    defineExtension({ name: 'a', limiters: { tenant: async () => undefined } })
    // @ts-expect-error Generators are functions.
    defineExtension({ name: 'a', generators: ['text'] })
    expectTypeOf<(exchange: Exchange) => Promise<Reply>>().toExtend<Hook>()
    expectTypeOf<() => Promise<undefined>>().not.toExtend<Hook>()
  })
})
