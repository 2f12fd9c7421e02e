import { describe, expect, it } from 'vitest'
import { pathList } from './setting.ts'

const { schema, read } = pathList('files')

describe('pathList', () => {
  it('separates paths by commas, and keeps spaces and colons in them', () => {
    expect(schema.parse(read(' ./my extensions/a.ts , C:\\b.js,,@acme/sim '))).toEqual([
      './my extensions/a.ts',
      'C:\\b.js',
      '@acme/sim',
    ])
  })

  it.each([[''], [' , '], [7]])('rejects %o', (value) => {
    expect(schema.safeParse(typeof value === 'string' ? read(value) : value).success).toBe(false)
  })
})
