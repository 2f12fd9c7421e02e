import { describe, expect, it } from 'vitest'
import { filterPhrases } from './settings-schema.ts'

const { schema, read, range } = filterPhrases(['hate', 'self_harm', 'violence', 'jailbreak'])

describe('filterPhrases', () => {
  it.each([
    ['rob a bank', [{ category: 'violence', phrase: 'rob a bank' }]],
    ['  Rob A Bank ; ', [{ category: 'violence', phrase: 'rob a bank' }]],
    [
      'hate:slur;Jailbreak: Ignore all rules',
      [
        { category: 'hate', phrase: 'slur' },
        { category: 'jailbreak', phrase: 'ignore all rules' },
      ],
    ],
    ['self-harm:x', [{ category: 'self_harm', phrase: 'x' }]],
    ['hate:note: a colon', [{ category: 'hate', phrase: 'note: a colon' }]],
  ])('reads %j', (text, phrases) => {
    expect(schema.parse(read(text))).toEqual(phrases)
  })

  it.each([';', ' ', 'hate:', 'hatred:x', ':x', 'x;note: a colon', 7])('rejects %j', (value) => {
    expect(schema.safeParse(typeof value === 'string' ? read(value) : value).success).toBe(false)
  })

  it('lists the categories in its range', () => {
    expect(range).toContain('hate, self_harm, violence or jailbreak')
  })
})
