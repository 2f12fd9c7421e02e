import { describe, expect, it } from 'vitest'
import { limitKey, limitKeyPrefix } from './deployment-key.ts'

describe('the key of a limit', () => {
  it('starts with the prefix and has resource and deployment in one hash tag', () => {
    expect(limitKey('aoai-sim:', 'default', 'gpt-4o', 'windows')).toBe(
      'aoai-sim:limits:{default/gpt-4o}:windows',
    )
    expect(limitKey('x:', 'default', 'gpt-4o', 'bucket').startsWith(limitKeyPrefix('x:'))).toBe(true)
  })

  it('is unique for each name, whatever characters it has', () => {
    const names = ['a', 'a/b', 'a}b', 'a{b', 'a:b', 'a%002fb', 'ä', '\ud83d\ude00', '\ud83d', '']
    const keys = names.map((name) => limitKey('', 'default', name, 'windows'))
    expect(new Set(keys).size).toBe(names.length)
    for (const key of keys) expect(key).toMatch(/^limits:\{default\/[\w.~%-]*\}:windows$/)
  })
})
