import { describe, expect, it } from 'vitest'
import { similarNames } from './checks.ts'

describe('namesNear', () => {
  it('finds names at one edit in four letters, in alphabetical order', () => {
    expect(similarNames('stor', ['user', 'store', 'stop', 'n'])).toEqual(['stop', 'store'])
  })

  it('finds names at two edits in eight letters', () => {
    expect(similarNames('temprature', ['temperature', 'top_p'])).toEqual(['temperature'])
    expect(similarNames('max_tokns_', ['max_tokens'])).toEqual(['max_tokens'])
  })

  it('returns nothing for a short key, or for a key without similar names', () => {
    expect(similarNames('k', ['n'])).toEqual([])
    expect(similarNames('zzz_unknown', ['user', 'store'])).toEqual([])
  })
})
