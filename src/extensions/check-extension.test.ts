import { describe, expect, it } from 'vitest'
import type { Hook } from '../pipeline/stage.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { checkExtension } from './check-extension.ts'

const pass: Hook = (_, next) => next()

function messageOf(value: unknown): string {
  try {
    checkExtension(value, 'ext/a.ts')
    return 'no error'
  } catch (error) {
    return error instanceof OperatorError && error.code === 'EXTENSION_INVALID'
      ? error.message
      : String(error)
  }
}

describe('checkExtension', () => {
  it('accepts an object with a name only, and one with all fields', () => {
    const whole = {
      name: 'Tenants, 2nd try',
      hooks: [pass],
      generators: [() => undefined],
      forwarders: [async () => undefined],
      limiters: { tenant: () => undefined },
      onStart: () => undefined,
      onClose: async () => undefined,
    }
    expect(checkExtension(whole, 'the option')).toEqual({
      extension: whole,
      source: 'the option',
      file: undefined,
    })
    expect(checkExtension({ name: 'a', hooks: undefined }, 'a.ts').extension.name).toBe('a')
  })

  it('accepts an instance of a class with further fields', () => {
    class Counting {
      readonly name = 'counting'
      count = 0
      onStart(): void {
        this.count++
      }
    }
    expect(checkExtension(new Counting(), 'a.ts').extension.name).toBe('counting')
  })

  it('reports all problems with the names of their fields', () => {
    const wrong = {
      name: '',
      hooks: pass,
      generators: [pass, 'text', null],
      limiters: { tenant: 5 },
      onStart: true,
      onclose: pass,
      colour: 'red',
    }
    expect(messageOf(wrong)).toBe(
      `Could not use the extension ext/a.ts: 8 problems
  name must be non-empty text in one line (got "").
  hooks must be an array of functions (got a function).
  generators[1] must be a function (got "text").
  generators[2] must be a function (got null).
  limiters["tenant"] must be a function (got 5).
  onStart must be a function (got true).
  onclose is not a field of an extension. Did you mean onClose?
  colour is not a field of an extension. The fields are name, hooks, generators, forwarders, limiters, onStart, onClose.`,
    )
  })

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['slow', '"slow"'],
    [[{ name: 'a' }], 'an array'],
    [pass, 'a function'],
    [Promise.resolve({ name: 'a' }), 'a promise'],
  ])('rejects a value that is not an object: %o', (value, got) => {
    expect(messageOf(value)).toContain(`must be an object, or a function that returns one (got ${got}).`)
  })

  it.each([
    [{ limiters: new Map() }, 'a Map'],
    [{ limiters: [] }, 'an array'],
    [{ limiters: null }, 'null'],
  ])('rejects limiters that are not an object of functions: %o', (fields, got) => {
    expect(messageOf({ name: 'a', ...fields })).toContain(
      `limiters must be an object of functions by name (got ${got}).`,
    )
  })

  it.each([[undefined], [7], [' slow'], ['two\nlines']])('rejects %o as a name', (name) => {
    expect(messageOf({ name })).toContain('name must be non-empty text in one line')
  })
})
