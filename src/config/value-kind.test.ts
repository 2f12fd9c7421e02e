import { describe, expect, it } from 'vitest'
import { pathList } from './setting.ts'

const { schema, read } = pathList('files')

describe('pathList', () => {
  it('separates paths by commas, and leaves spaces and colons within them alone', () => {
    expect(schema.parse(read(' ./my extensions/a.ts , C:\\b.js,,@acme/sim '))).toEqual([
      './my extensions/a.ts',
      'C:\\b.js',
      '@acme/sim',
    ])
  })

  it.each([[''], [' , '], [7]])('refuses %o', (value) => {
    expect(schema.safeParse(typeof value === 'string' ? read(value) : value).success).toBe(false)
  })
})
