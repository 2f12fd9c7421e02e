import { describe, expect, it } from 'vitest'
import { canJoin, joinPatches, mergePatch } from './merge-patch.ts'

describe('mergePatch', () => {
  // The table of RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('applies to %j the patch %j: %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })

  it('reuses the objects that the patch does not change', () => {
    const target = { a: { x: 1 }, b: { y: 1 } }
    const merged = mergePatch(target, { b: { y: 2 } }) as typeof target
    expect(merged.a).toBe(target.a)
    expect(target.b).toEqual({ y: 1 })
  })

  it('treats __proto__ as an ordinary key', () => {
    const patch: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"a": 1}}')
    const merged = mergePatch({}, patch) as object
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('joinPatches', () => {
  const target = { a: { x: 1, y: 2 }, b: 3 }
  it.each([
    [{ a: { x: 5 } }, { a: { y: 6 } }],
    [{ a: { x: null } }, { a: { x: 7 } }],
    [{ a: { x: 1 } }, { a: null }],
    [{ b: null }, { b: null, c: { d: 1 } }],
    [{ c: { d: 1 } }, { c: { d: null } }],
  ])('combines %j and %j', (first, second) => {
    expect(canJoin(first, second)).toBe(true)
    expect(mergePatch(target, joinPatches(first, second))).toEqual(
      mergePatch(mergePatch(target, first), second),
    )
  })

  it('cannot combine patches that remove something and create it again', () => {
    expect(canJoin({ a: null }, { a: { y: 1 } })).toBe(false)
    expect(canJoin({ a: 5 }, { a: { y: 1 } })).toBe(false)
    expect(canJoin({ z: { a: null } }, { z: { a: {} } })).toBe(false)
  })
})
