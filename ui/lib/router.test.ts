import { describe, expect, it } from 'vitest'
import { parseRoute, routeTo } from './router.ts'

describe('a route', () => {
  it.each([
    [[], {}],
    [['requests', '12'], {}],
    [['deployments', 'default', 'a/b?c#d%20é <b>'], { text: 'x&y=z #', empty: undefined }],
    [['deployments', 'default', ''], {}],
  ] as const)('survives the way into an address and back: %j %j', (segments, query) => {
    const route = parseRoute(routeTo(segments, query))
    expect(route.segments).toEqual(segments.length === 0 ? [''] : segments)
    expect(Object.fromEntries(route.query)).toEqual(JSON.parse(JSON.stringify(query)))
  })

  it.each(['', '#', '#/'])('of %j is the overview', (hash) => {
    expect(parseRoute(hash).segments).toEqual([''])
  })

  it('keeps invalid percent-encodings, and question marks in the query', () => {
    expect(parseRoute('#/deployments/100%/a').segments).toEqual(['deployments', '100%', 'a'])
    expect(parseRoute('#/logs?text=a?b').query.get('text')).toBe('a?b')
  })
})
