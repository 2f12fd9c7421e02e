import { describe, expect, it } from 'vitest'
import { chain } from '../pipeline/stage.ts'
import type { Extension, ExtensionHost } from '../pipeline/extension.ts'
import { textBody } from '../answer/body.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { composeExtensions, type Extensions } from './compose-extensions.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const exchange = testExchange()
/** A function of an extension without types. */
const untyped = (part: (...args: never) => unknown): never => part as never
const reply = (status = 200): Reply => ({ status, headers: new HeaderList(), body: textBody('') })

const compose = (...list: Extension[]): Extensions =>
  composeExtensions(
    list.map((extension) => ({ extension, source: `ext/${extension.name}.ts`, file: undefined })),
  )

describe('composeExtensions', () => {
  it('has no generator and no forwarder if no extension has one', () => {
    expect(compose({ name: 'a', hooks: [], generators: [] })).toMatchObject({
      hooks: [],
      generate: undefined,
      forward: undefined,
      limiters: new Map(),
    })
  })

  it('runs extensions in the order of the list, and functions in the order of their arrays', async () => {
    const seen: string[] = []
    const extension = (name: string): Extension => ({
      name,
      hooks: ['1', '2'].map((number) => async (_, next) => {
        seen.push(`hook ${name}${number}`)
        return next()
      }),
      generators: [
        () => void seen.push(`generator ${name}1`),
        async () => void seen.push(`generator ${name}2`),
      ],
    })
    const { hooks, generate } = compose(extension('a'), extension('b'))
    await chain(hooks, async () => (await generate?.(exchange)) ?? reply())(exchange)
    expect(seen).toEqual([
      'hook a1',
      'hook a2',
      'hook b1',
      'hook b2',
      'generator a1',
      'generator a2',
      'generator b1',
      'generator b2',
    ])
  })

  it('rejects two extensions with the same name', () => {
    expect(() => compose({ name: 'a' }, { name: 'b' }, { name: 'a' })).toThrow(
      'Could not use the extension ext/a.ts: the name "a" is already in use (by ext/a.ts). List it only once.',
    )
    const twins = ['one.ts', 'two.ts'].map((source) => ({
      extension: { name: 'a' },
      source,
      file: undefined,
    }))
    expect(() => composeExtensions(twins)).toThrow(
      'Could not use the extension two.ts: the name "a" is already in use (by one.ts). Rename one of them.',
    )
  })

  it('rejects two limiters with the same name', () => {
    const limiters = { tenant: () => undefined }
    expect(() => compose({ name: 'a', limiters }, { name: 'b', limiters })).toThrow(
      'Could not use the extension ext/b.ts: its limiter "tenant" is already defined by "a" (ext/a.ts). Rename one of them.',
    )
  })
})

describe('composed generator', () => {
  it('returns the first reply without calling further generators', async () => {
    const first = reply()
    const never = (): never => {
      throw new Error('not to be asked')
    }
    for (const answering of [() => first, async () => first]) {
      const { generate } = compose({ name: 'a', generators: [() => undefined, answering, never] })
      expect(await generate?.(exchange)).toBe(first)
    }
  })

  it('names a generator that throws, rejects, or returns an invalid reply', async () => {
    const boom = new Error('boom')
    function chat(): never {
      throw boom
    }
    await expect(compose({ name: 'a', generators: [chat] }).generate?.(exchange)).rejects.toMatchObject({
      message: 'The extension "a" (ext/a.ts) failed in generator 1 (chat): boom',
      cause: boom,
    })
    const rejecting = compose({ name: 'a', generators: [() => undefined, async () => Promise.reject(boom)] })
    await expect(rejecting.generate?.(exchange)).rejects.toThrow('failed in generator 2: boom')
    for (const given of [null, Promise.resolve(null)]) {
      const wrong = compose({ name: 'a', generators: [untyped(() => given)] })
      await expect(wrong.generate?.(exchange)).rejects.toThrow(
        'failed in generator 1: it returned null, which is not a reply. Return a reply, or undefined to leave the request to the next one',
      )
    }
  })
})

describe('composed forwarder', () => {
  it('sets store in each answer, with the default true', async () => {
    const answer = reply()
    const forwardWith = async (given: unknown): Promise<unknown> =>
      compose({ name: 'a', forwarders: [() => undefined, untyped(() => given)] }).forward?.(exchange)
    expect(await forwardWith(answer)).toEqual({ reply: answer, store: true })
    expect(await forwardWith({ reply: answer })).toEqual({ reply: answer, store: true })
    expect(await forwardWith(Promise.resolve({ reply: answer, store: false }))).toEqual({
      reply: answer,
      store: false,
    })
    expect(await forwardWith(undefined)).toBeUndefined()
  })

  it.each([
    [{ reply: reply(), store: 'no' }, "failed in forwarder 1: 'store' must be true, false or absent"],
    [{ reply: undefined }, 'failed in forwarder 1: it returned undefined, which is not a reply'],
    [{ store: true }, "failed in forwarder 1: the reply's status must be"],
  ])('names a forwarder that returns %o', async (given, message) => {
    const { forward } = compose({ name: 'a', forwarders: [untyped(async () => given)] })
    await expect(forward?.(exchange)).rejects.toThrow(message)
  })
})

describe('composed limiter', () => {
  it('admits with undefined and rejects with a reply', () => {
    const refusal = reply(429)
    const { limiters } = compose({ name: 'a', limiters: { free: () => undefined, none: () => refusal } })
    expect(limiters.get('free')?.(exchange)).toBeUndefined()
    expect(limiters.get('none')?.(exchange)).toBe(refusal)
  })

  it('is named if it throws, returns a promise, or returns an invalid reply', () => {
    const throwing = (): never => {
      throw new Error('boom')
    }
    const { limiters } = compose({
      name: 'a',
      limiters: {
        throwing,
        late: untyped(async () => Promise.reject(new Error('boom'))),
        text: untyped(() => 'no'),
      },
    })
    expect(() => limiters.get('throwing')?.(exchange)).toThrow(
      'The extension "a" (ext/a.ts) failed in limiter "throwing": boom',
    )
    expect(() => limiters.get('late')?.(exchange)).toThrow('failed in limiter "late": it returned a promise.')
    expect(() => limiters.get('text')?.(exchange)).toThrow(
      'failed in limiter "text": it returned "no", which is not a reply',
    )
  })
})

describe('life cycle of extensions', () => {
  const seen: string[] = []
  const logged: unknown[] = []
  const ignore = (): void => undefined
  const host: ExtensionHost = {
    config: testConfig().defaultResource,
    clock: createVirtualClock(),
    logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => void logged.push(fields) },
  }
  const noting = (name: string, fields: Partial<Extension> = {}): Extension => ({
    name,
    onStart: async (given) => void seen.push(`start ${name} ${given === host}`),
    onClose: async () => void seen.push(`close ${name}`),
    ...fields,
  })
  const seenBy = async (act: () => Promise<unknown>): Promise<string[]> => {
    seen.length = 0
    logged.length = 0
    await act()
    return [...seen]
  }

  it('starts in order and closes once in reverse order', async () => {
    const all = compose(noting('a'), { name: 'without' }, noting('b'))
    expect(await seenBy(() => all.start(host))).toEqual(['start a true', 'start b true'])
    expect(await seenBy(() => all.close())).toEqual(['close b', 'close a'])
    expect(await seenBy(() => all.close())).toEqual([])
  })

  it('calls functions with the extension as `this`', async () => {
    class Counting implements Extension {
      readonly name = 'counting'
      count = 0
      onStart(): void {
        this.count++
      }
    }
    const counting = new Counting()
    await compose(counting).start(host)
    expect(counting.count).toBe(1)
  })

  it('closes only the started extensions if one does not start', async () => {
    const refusing = noting('b', { onStart: () => Promise.reject(new Error('no database.')) })
    const all = compose(noting('a'), refusing, noting('c'))
    expect(
      await seenBy(() =>
        expect(all.start(host)).rejects.toMatchObject({
          code: 'EXTENSION_INVALID',
          message:
            'Could not start the extension "b" (ext/b.ts): its onStart failed: no database. Correct that, or remove it from EXTENSION_PATH.',
        }),
      ),
    ).toEqual(['start a true', 'close a'])
    expect(await seenBy(() => all.close())).toEqual([])
  })

  it('closes the others if one does not close, and logs the error', async () => {
    const throwing = noting('b', {
      onClose: () => {
        throw new Error('still busy')
      },
    })
    const all = compose(noting('a'), throwing, noting('c'))
    await all.start(host)
    expect(await seenBy(() => all.close())).toEqual(['close c', 'close a'])
    expect(logged).toMatchObject([
      { extension: 'b', source: 'ext/b.ts', err: expect.stringContaining('still busy') },
    ])
  })
})
