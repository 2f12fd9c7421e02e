import { describe, expect, it } from 'vitest'
import { completionSteps, type Completion } from '../answer/completion.ts'
import { filterCompletion } from './content-filter.ts'

const choice = {
  pieces: [' a', ' b', ' c', ' d', ' e'],
  toolCalls: [],
  finishReason: 'stop',
  reasoningTokens: 0,
  overheadTokens: 1,
} as const
const completion: Completion = {
  choices: [choice, choice],
  usage: { promptTokens: 3, cachedTokens: 0, completionTokens: 12, reasoningTokens: 0 },
}
const late = { kind: 'late', category: 'hate' } as const

describe('filterCompletion', () => {
  it('returns a completion that passes unchanged', () => {
    expect(filterCompletion(completion, { kind: 'pass' }, true)).toEqual({ completion, late: false })
  })

  it('removes the text of a blocked answer, but keeps its usage and timing', () => {
    const filtered = filterCompletion(completion, { kind: 'completion', category: 'hate' }, true)
    expect(filtered).toMatchObject({ found: 'hate', late: false })
    expect(filtered.completion.usage).toEqual(completion.usage)
    expect(filtered.completion.choices[0]).toMatchObject({ pieces: [], finishReason: 'content_filter' })
    expect(completionSteps(filtered.completion)).toEqual({ hidden: 6, visible: 0 })
  })

  it('cuts a stream after half of its tokens and bills only these', () => {
    const filtered = filterCompletion(completion, late, true)
    expect(filtered).toMatchObject({ found: 'hate', late: true })
    expect(filtered.completion.choices.map(({ pieces }) => pieces)).toEqual([
      [' a', ' b', ' c'],
      [' a', ' b', ' c'],
    ])
    expect(filtered.completion.usage.completionTokens).toBe(6)
  })

  it('cuts a long stream within 1,000 characters', () => {
    const long = { ...choice, pieces: Array<string>(2_000).fill(' word') }
    const [cut] = filterCompletion({ ...completion, choices: [long] }, late, true).completion.choices
    expect(cut?.pieces).toHaveLength(200)
  })

  it('blocks an answer without streaming if the asynchronous filter would be late', () => {
    expect(filterCompletion(completion, late, false)).toMatchObject({ found: 'hate', late: false })
  })
})
