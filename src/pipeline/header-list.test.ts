import { describe, expect, it } from 'vitest'
import { HeaderList } from './reply.ts'

describe('HeaderList', () => {
  it('finds a name in any case, and keeps the original case', () => {
    const headers = new HeaderList(['Content-Type', 'text/plain'])
    headers.set('content-type', 'application/json')
    expect(headers.get('CONTENT-TYPE')).toBe('application/json')
    expect(headers.raw).toEqual(['Content-Type', 'application/json'])
  })

  it('keeps several headers with one name', () => {
    const headers = new HeaderList()
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    expect([...headers]).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
  })

  it('sets Content-Length, except for a chunked body', () => {
    const kept = new HeaderList(['Content-Length', '', 'a', '1'])
    kept.setContentLength(5)
    expect(kept.raw).toEqual(['Content-Length', '5', 'a', '1'])
    const added = new HeaderList(['a', '1', 'content-length', '9'])
    added.setContentLength(5)
    expect(added.raw).toEqual(['a', '1', 'content-length', '5'])
    const chunked = new HeaderList(['Transfer-Encoding', 'chunked'])
    chunked.setContentLength(5)
    expect(chunked.raw).toEqual(['Transfer-Encoding', 'chunked'])
  })

  it('removes all headers of a name', () => {
    const headers = new HeaderList(['a', '1', 'B', '2', 'A', '3'])
    headers.delete('A')
    expect(headers.raw).toEqual(['B', '2'])
  })
})
