import { describe, expect, it } from 'vitest'
import { changesOf, getAt, isEqual, mergePatchOf, rebase, setAt, withoutNulls } from './json-tree.ts'

/** Applies a patch as RFC 7396 describes it. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const members = new Map(
    Object.entries(typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {}),
  )
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, apply(members.get(name), value))
  }
  return Object.fromEntries(members)
}

describe('values by path', () => {
  it('can be read, replaced, added and removed without a change of the document', () => {
    const root = { a: { b: [1, { c: 2 }] }, d: 3 }
    expect(getAt(root, ['a', 'b', 1, 'c'])).toBe(2)
    expect(getAt(root, ['a', 'toString'])).toBeUndefined()
    expect(setAt(root, ['a', 'b', 1, 'c'], 5)).toEqual({ a: { b: [1, { c: 5 }] }, d: 3 })
    expect(setAt(root, ['a', 'b', 0], undefined)).toEqual({ a: { b: [{ c: 2 }] }, d: 3 })
    expect(setAt(root, ['x', 'y'], 1)).toEqual({ ...root, x: { y: 1 } })
    expect(setAt(root, ['d'], undefined)).toEqual({ a: root.a })
    expect(root).toEqual({ a: { b: [1, { c: 2 }] }, d: 3 })
  })

  it('can have a name of the prototype', () => {
    const root = JSON.parse('{"__proto__": {"a": 1}}') as unknown
    const changed = setAt(root, ['__proto__', 'a'], 2)
    expect(JSON.stringify(changed)).toBe('{"__proto__":{"a":2}}')
    expect(JSON.stringify(mergePatchOf(root, changed))).toBe('{"__proto__":{"a":2}}')
    expect(mergePatchOf(root, root)).toBeUndefined()
  })

  it('keep their order when one is replaced', () => {
    expect(Object.keys(setAt({ a: 1, b: 2 }, ['a'], 3) as object)).toEqual(['a', 'b'])
  })
})

describe('a merge patch', () => {
  it.each([
    ['a value', { a: 1, b: 2 }, { a: 1, b: 3 }],
    ['a removed value', { a: 1, b: 2 }, { a: 1 }],
    [
      'a nested value, without the others',
      { a: { b: 1, c: { d: 2, e: 3 } } },
      { a: { b: 1, c: { d: 4, e: 3 } } },
    ],
    ['a list', { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }],
    ['another kind of value', { a: { kind: 'x', ms: 5 } }, { a: 7 }],
    ['an object instead of a value', { a: 7 }, { a: { kind: 'x' } }],
    ['an object with other members', { a: { kind: 'x', ms: 5 } }, { a: { kind: 'y', mean: 5 } }],
    ['an added object', {}, { a: { b: {} } }],
  ])('leads to the other document, with %s', (_, before, after) => {
    expect(apply(before, mergePatchOf(before, after))).toEqual(after)
  })

  it('has only what was changed', () => {
    const before = { a: { b: 1, c: 2 }, d: [1], e: 5 }
    expect(mergePatchOf(before, { a: { b: 1, c: 3 }, d: [1] })).toEqual({ a: { c: 3 }, e: null })
    expect(mergePatchOf(before, structuredClone(before))).toBeUndefined()
  })
})

describe('the difference of documents', () => {
  it.each([
    ['an item added at the start', [1, 2], [0, 1, 2], [{ path: ['a', 0], before: undefined, after: 0 }]],
    ['an item added in the middle', [1, 2], [1, 5, 2], [{ path: ['a', 1], before: undefined, after: 5 }]],
    ['an item removed', [1, 2, 3], [1, 3], [{ path: ['a', 1], before: 2, after: undefined }]],
    [
      'an item changed',
      [1, { b: 2, c: 3 }, 4],
      [1, { b: 5, c: 3 }, 4],
      [{ path: ['a', 1, 'b'], before: 2, after: 5 }],
    ],
    ['the same item added', [1, 1], [1, 1, 1], [{ path: ['a', 2], before: undefined, after: 1 }]],
    ['no change', [1, { b: 2 }], [1, { b: 2 }], []],
  ])('has %s as one change', (_, before, after, changes) => {
    expect(changesOf({ a: before, x: 1 }, { a: after, x: 1 })).toEqual(changes)
  })

  it('has added and removed members, whatever their name', () => {
    const before = JSON.parse('{"__proto__": 1, "b": 2}') as unknown
    expect(changesOf(before, { b: 3, c: {} })).toEqual([
      { path: ['__proto__'], before: 1, after: undefined },
      { path: ['b'], before: 2, after: 3 },
      { path: ['c'], before: undefined, after: {} },
    ])
  })
})

describe('changes on a newer document', () => {
  const before = { a: 1, b: { c: 2, d: 3 }, list: [1] }

  it('are kept together with the changes of others', () => {
    const mine = { a: 9, b: { c: 2, d: 3 }, list: [1] }
    const theirs = { a: 1, b: { c: 2 }, list: [1, 2], e: 5 }
    expect(rebase(before, mine, theirs)).toEqual({
      merged: { a: 9, b: { c: 2 }, list: [1, 2], e: 5 },
      conflicts: [],
    })
  })

  it('conflict with another change of the same value, but not with the same change', () => {
    const mine = { a: 9, b: { c: 7, d: 3 }, list: [5] }
    const theirs = { a: 9, b: { c: 8, d: 3 }, list: [6] }
    expect(rebase(before, mine, theirs)).toEqual({
      merged: { a: 9, b: { c: 7, d: 3 }, list: [5] },
      conflicts: [
        { path: ['b', 'c'], before: 2, mine: 7, theirs: 8 },
        { path: ['list'], before: [1], mine: [5], theirs: [6] },
      ],
    })
  })

  it('conflict with the removal of what they change', () => {
    const mine = { a: 1, b: { c: 7, d: 3 }, list: [1] }
    expect(rebase(before, mine, { a: 1, list: [1] }).conflicts).toEqual([
      { path: ['b'], before: before.b, mine: mine.b, theirs: undefined },
    ])
  })

  it('can remove what others did not change', () => {
    expect(rebase(before, { a: 1, list: [1] }, { ...before, a: 2 })).toEqual({
      merged: { a: 2, list: [1] },
      conflicts: [],
    })
  })
})

describe('documents', () => {
  it('are equal in any order of members', () => {
    expect(isEqual({ a: [1, { b: 2 }], c: 3 }, { c: 3, a: [1, { b: 2 }] })).toBe(true)
    expect(isEqual({ a: undefined }, { b: undefined })).toBe(false)
    expect(isEqual([1], { 0: 1 })).toBe(false)
  })

  it('lose members without a value, but no items', () => {
    expect(withoutNulls({ a: null, b: { c: null, d: 0 }, e: [null] })).toEqual({ b: { d: 0 }, e: [null] })
  })
})
