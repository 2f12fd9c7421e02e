import { describe, expect, it } from 'vitest'
import { PlaceholderMatcher } from './placeholder.ts'

describe('PlaceholderMatcher', () => {
  it.each([
    ['{"a": 1}', '{"a": <n>}'],
    ['chatcmpl-abcdefghijklmnopqrstuvwxyz012', '<id:chatcmpl-29>'],
    ['say \\"hi\\" \\n', '<text>'],
    ['Tue, 31 Mar 2026 13:12:38 GMT', '<date>'],
    ['AAAA', '<base64:3>'],
    ['AAA=', '<base64:2>'],
    ['        0.5,\n        -1.25e-7', '<floats:2>'],
    ['', '<pad>'],
    ['', ''],
  ])('accepts %j as %j', (text, expected) => {
    expect(new PlaceholderMatcher().difference(text, expected)).toBeUndefined()
  })

  it.each([
    ['{"a": 1} ', '{"a": <n>}'],
    ['{"a":1}', '{"a": <n>}'],
    ['chatcmpl-short', '<id:chatcmpl-29>'],
    ['a" and "b', '<text>'],
    ['', '<text>'],
    ['        0.5', '<floats:2>'],
    ['a.c', 'abc'],
    ['abc', 'a.c'],
  ])('refuses %j as %j', (text, expected) => {
    expect(new PlaceholderMatcher().difference(text, expected)).toContain('expected')
  })

  it('wants the same text for the same label, in one text and in the next', () => {
    const matcher = new PlaceholderMatcher()
    expect(matcher.difference('1 1 2', '<n#a> <n#a> <n>')).toBeUndefined()
    expect(matcher.difference('1', '<n#a>')).toBeUndefined()
    expect(matcher.difference('2', '<n#a>')).toContain('"»2"')
    expect(new PlaceholderMatcher().difference('1 2', '<n#a> <n#a>')).toContain('expected')
  })

  it('shows where the first difference is', () => {
    expect(new PlaceholderMatcher().difference('id 12, name b', 'id <n>, name a')).toContain('12»')
  })

  it('refuses a placeholder that it does not know', () => {
    expect(() => new PlaceholderMatcher().difference('', '<nonsense>')).toThrow(/no placeholder/)
  })
})
