import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { Budget } from './budget.ts'
import { drawPattern } from './draw-pattern.ts'
import { matchesPattern } from './match-pattern.ts'
import { parsePattern } from './pattern-parser.ts'

const plenty = (): Budget => new Budget(10_000_000)

const patterns = [
  'abc',
  '^abc$',
  '^[A-Z]{2}-\\d{4}$',
  '^\\d{5}(-\\d{4})?$',
  '^(?:red|green|blue)$',
  '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
  '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
  '^#?([a-fA-F0-9]{6}|[a-fA-F0-9]{3})$',
  '^\\+?[1-9]\\d{1,14}$',
  '^v?\\d+\\.\\d+\\.\\d+(?:-[\\w.]+)?$',
  '^(?=.*[A-Z])(?=.*\\d).{8,20}$',
  '^(?!-)[a-z-]{3,10}(?<!-)$',
  '^\\p{Lu}\\p{Ll}+$',
  '^[\\u0430-\\u044f]+$',
  '\\bfoo\\b',
  '^a*?b+?c{2,}?$',
  '^(a|bc|def){2,3}$',
  '^\\/[\\w\\-/]+\\/?$',
  '^\\$\\{[a-z]+\\}$',
  '^[\\w.%+-]+$',
  '^.{10,12}$',
  '^\\s*$',
  '^([0-9]+|[a-z]+(,[a-z]+)*)$',
  '^$|^x+$',
  '^(\\w)\\1$',
]

const texts = [
  '',
  'a',
  'abc',
  'xabcx',
  'foo bar',
  'foobar',
  'US-1234',
  '12345',
  '12345-6789',
  'red',
  '2024-07',
  'a@b.co',

  '#fff',
  '+15550100',
  'v1.2.3-rc.1',
  'Passw0rdA',
  '-abc',
  'abc-',
  'Émile',
  'где',
  'bcc',
  'abcdef',
  '/a-b/c/',

  '${name}',
  'hello world',
  '  ',
  'a,b',
  'x\ny',
  'aaa',
  'ab',
  '😀',
  'xxxxxxxxxx',
]

describe('drawPattern', () => {
  it.each(patterns)("draws texts that JavaScript's own matcher accepts: %s", (source) => {
    const random = createRandom(source)
    const pattern = parsePattern(source)!
    for (let draw = 0; draw < 100; draw++) {
      const text = drawPattern(pattern, random, { min: 0, max: 200 }, plenty())
      expect(text).toMatch(new RegExp(source, 'u'))
    }
  })

  it.each([
    ['^[a-z]+$', 40, 40],
    ['^[a-z]+( [a-z]+)*$', 60, 70],
    ['^(a|bb)*$', 33, 33],
    ['[0-9]', 25, 30],
    ['^\\d+(\\.\\d{1,2})?$', 2, 3],
    ['x$', 12, 12],
  ])('draws a text of the requested length: %s of %d to %d characters', (source, min, max) => {
    const random = createRandom(source)
    for (let draw = 0; draw < 50; draw++) {
      const text = drawPattern(parsePattern(source)!, random, { min, max }, plenty())!
      expect(text).toMatch(new RegExp(source, 'u'))
      expect(text.length).toBeGreaterThanOrEqual(min)
      expect(text.length).toBeLessThanOrEqual(max)
    }
  })

  it.each(['(', '[a', 'a{2,1}', '*a', '(?i:a)', 'a)', '\\'])(
    'does not follow an invalid pattern: %s',
    (source) => {
      expect(parsePattern(source)).toBeUndefined()
    },
  )

  it.each([
    ['groups', '(', ')'],
    ['lookaheads', '(?=', ')'],
    ['groups with escaped parentheses', '(\\)', ')'],
    ['groups with parentheses in classes', '([)]', ')'],
  ])('supports 60 nested %s, but not 61', (_, open, close) => {
    const nested = (depth: number): string => `${open.repeat(depth)}a${close.repeat(depth)}`
    expect(parsePattern(nested(60))).toBeDefined()
    expect(parsePattern(nested(61))).toBeUndefined()
  })

  it('ignores a pattern of 100,000 open parentheses', () => {
    expect(parsePattern('('.repeat(100_000))).toBeUndefined()
  })

  it('matches a reference to a named group by its number', () => {
    const text = drawPattern(
      parsePattern('^(?<letter>\\w)\\1$')!,
      createRandom('named'),
      { min: 0, max: 9 },
      plenty(),
    )
    expect(text).toMatch(/^(?<letter>\w)\1$/)
  })
})

describe('matchesPattern', () => {
  it.each(patterns.filter((source) => !source.includes('\\1')))(
    "agrees with JavaScript's own matcher: %s",
    (source) => {
      const pattern = parsePattern(source)!
      const own = new RegExp(source, 'u')
      for (const text of texts) {
        expect({ text, matches: matchesPattern(pattern, text, plenty()) }).toEqual({
          text,
          matches: own.test(text),
        })
      }
    },
  )
})
