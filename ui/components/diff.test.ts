import { describe, expect, it } from 'vitest'
import { diffJson, formatPath } from './diff.ts'

describe('the differences of two documents', () => {
  it('are the changed, added and removed values with their paths', () => {
    const before = { a: 1, same: { x: [1, 2] }, list: [1, { b: 2 }], gone: 'x' }
    const after = { a: 2, same: { x: [1, 2] }, list: [1, { b: 3 }, 4], added: null }
    expect(diffJson(before, after)).toEqual([
      { path: ['a'], before: 1, after: 2 },
      { path: ['list', 1, 'b'], before: 2, after: 3 },
      { path: ['list', 2], before: undefined, after: 4 },
      { path: ['gone'], before: 'x', after: undefined },
      { path: ['added'], before: undefined, after: null },
    ])
  })

  it('are the whole values if their kinds differ', () => {
    expect(diffJson({ a: [] }, { a: {} })).toEqual([{ path: ['a'], before: [], after: {} }])
    expect(diffJson({ a: null }, { a: { b: 1 } })).toEqual([{ path: ['a'], before: null, after: { b: 1 } }])
    expect(diffJson(1, 2)).toEqual([{ path: [], before: 1, after: 2 }])
  })

  it('include names of the prototype of objects', () => {
    const before = JSON.parse('{"__proto__": {"x": 1}}') as unknown
    expect(diffJson(before, {})).toEqual([{ path: ['__proto__'], before: { x: 1 }, after: undefined }])
    expect(diffJson({}, { constructor: 1 })).toEqual([{ path: ['constructor'], before: undefined, after: 1 }])
  })
})

describe('a path', () => {
  it.each([
    [[], ''],
    [['deployments', 'gpt-4o', 'limits', 0], 'deployments.gpt-4o.limits[0]'],
    [['a', 'with space', '<b>'], 'a["with space"]["<b>"]'],
  ])('is written as in JavaScript: %j', (path, text) => expect(formatPath(path)).toBe(text))
})
