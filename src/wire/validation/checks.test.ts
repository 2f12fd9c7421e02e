import { describe, expect, it } from 'vitest'
import { namesNear } from './checks.ts'

describe('namesNear', () => {
  it('finds names at one edit in four letters, in alphabetical order', () => {
    expect(namesNear('stor', ['user', 'store', 'stop', 'n'])).toEqual(['stop', 'store'])
  })

  it('finds names at two edits in eight letters', () => {
    expect(namesNear('temprature', ['temperature', 'top_p'])).toEqual(['temperature'])
    expect(namesNear('max_tokns_', ['max_tokens'])).toEqual(['max_tokens'])
  })

  it('guesses nothing from a few letters, or from a key that is far from all', () => {
    expect(namesNear('k', ['n'])).toEqual([])
    expect(namesNear('zzz_unknown', ['user', 'store'])).toEqual([])
  })
})
