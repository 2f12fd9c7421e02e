import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { describeFirst, shortText } from './error-text.ts'
import { nearestNames } from './nearest-names.ts'

describe('nearestNames', () => {
  it('finds a mistyped name, ignores case, and accepts long common parts', () => {
    expect(nearestNames('GPT-4o-mni', ['gpt-4o', 'gpt-4o-mini'], 1)).toEqual(['gpt-4o-mini'])
    const path = (name: string): string => `/openai/deployments/${name}/${'x'.repeat(200)}`
    expect(nearestNames(path('chta'), [path('embed'), path('chat')], 1)).toEqual([path('chat')])
  })

  it('counts a swap of neighbours as one change', () => {
    expect(nearestNames('ab', ['ba', 'xy'], 2)).toEqual(['ba'])
    expect(nearestNames('status', ['statsu', 'stat'], 1)).toEqual(['statsu'])
  })

  it('rejects a name of a megabyte in less than 100 ms', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `name-${index}-${'y'.repeat(900)}`)
    for (const name of ['a'.repeat(1_000_000), 'a'.repeat(900), `name-${'ab'.repeat(400)}`]) {
      expect(nearestNames(name, names, 3)).toEqual([])
      expect(await leastMs(100, () => void nearestNames(name, names, 3))).toBeLessThan(100)
    }
  })
})

describe('messages with text of a client', () => {
  it('show at most 100 characters of it', () => {
    expect(shortText('a'.repeat(100))).toBe('a'.repeat(100))
    expect(shortText('a'.repeat(101))).toBe(`${'a'.repeat(100)}...`)
  })

  it('describe the first 50 problems and count the others', () => {
    let described = 0
    const lines = describeFirst(
      Array.from({ length: 1_000 }, (_, index) => index),
      (index) => {
        described++
        return `problem ${index}`
      },
    )
    expect(described).toBe(50)
    expect(lines).toHaveLength(51)
    expect(lines.at(-1)).toBe('And 950 more.')
  })
})
