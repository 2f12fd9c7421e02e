import { describe, expect, it } from 'vitest'
import { findBlocks, findFileLinks, isAsDocumented } from './document-blocks.ts'

const fence = '```'

describe('findBlocks', () => {
  it('finds marked blocks with their lines, and passes over blocks that are only read', () => {
    const markdown = [`# A`, `${fence}bash run`, 'ls', fence, `${fence}mermaid`, 'graph', fence].join('\n')
    expect(findBlocks(markdown)).toEqual([{ language: 'bash', use: 'run', text: 'ls\n', line: 2 }])
  })

  it('refuses commands that no test would try', () => {
    expect(() => findBlocks(`${fence}bash\nls\n${fence}`)).toThrow('The bash block in line 1 is not tried.')
  })
})

describe('isAsDocumented', () => {
  it.each([
    ['a\nb\n', 'a\nb'],
    ['a long text', 'a…text'],
    ['API key c69cb2d0bdad9de7f22c6d1fe42eda27', 'API key 0123456789abcdef0123456789abcdef'],
    ['at http://127.0.0.1:40123/metrics', 'at http://127.0.0.1:8000/metrics'],
    ['"created":1795233031', '"created":1700000000'],
  ])('accepts %j for %j', (printed, documented) => {
    expect(isAsDocumented(printed, documented)).toBe(true)
  })

  it.each([
    ['a\nb\nc', 'a\nb'],
    ['a.c', 'abc'],
    ['status 401', 'status 200'],
  ])('refuses %j for %j', (printed, documented) => {
    expect(isAsDocumented(printed, documented)).toBe(false)
  })
})

describe('findFileLinks', () => {
  it('finds links to files, not to pages or into code', () => {
    const markdown = `[a](docs/a.md#part) [b](https://b.c) [c](#d)\n${fence}js\nx[0](y)\n${fence}\n`
    expect(findFileLinks(markdown)).toEqual(['docs/a.md'])
  })
})
