import { describe, expect, it } from 'vitest'
import { sanitizeHead } from './sanitize-head.ts'
import { textBody } from '../../answer/body.ts'
import { HeaderList, type Reply } from '../../pipeline/reply.ts'

const replyOf = (fields: Partial<Reply>, raw: string[] = []): Reply => ({
  status: 200,
  headers: new HeaderList(raw),
  body: textBody(''),
  ...fields,
})

describe('sanitizeHead', () => {
  it('does not change a valid head, Latin-1 and tabs included', () => {
    const raw = ['Content-Type', 'text/plain', 'x-a', 'é\tÿ', 'a', '']
    const reply = replyOf({ status: 299, reason: 'Füne' }, raw)
    expect(sanitizeHead(reply)).toEqual([])
    expect(reply).toMatchObject({ status: 299, reason: 'Füne' })
    expect(reply.headers.raw).toEqual(raw)
  })

  it('percent-encodes invalid characters of a value, so that it cannot split an answer', () => {
    const reply = replyOf({}, ['a', 'b\r\nSet-Cookie: x=1\u0000', 'c', '字💥', 'd', '\ud800\u007f'])
    expect(sanitizeHead(reply)).toEqual(['header value'])
    expect(reply.headers.raw).toEqual([
      'a',
      'b%0D%0ASet-Cookie: x=1%00',
      'c',
      '%E5%AD%97%F0%9F%92%A5',
      'd',
      '%EF%BF%BD%7F',
    ])
  })

  it.each(['', ' ', 'a b', 'a:', 'a\r\nb', 'é', '字', 'Trailer'])(
    'removes a header with the name %j',
    (name) => {
      const reply = replyOf({}, ['a', '1', name, '2', 'b', '3'])
      expect(sanitizeHead(reply)).toEqual(['header name'])
      expect(reply.headers.raw).toEqual(['a', '1', 'b', '3'])
    },
  )

  it.each(['a\u0000', 'a\r\nb: c', '字', '\ud800'])(
    'removes the reason phrase %j, so that the standard one is sent',
    (reason) => {
      const reply = replyOf({ status: 404, reason })
      expect(sanitizeHead(reply)).toEqual(['phrase'])
      expect(reply).not.toHaveProperty('reason')
    },
  )

  it.each([0, 100, 101, 199, 1_000, 200.5, -200, NaN, Infinity])(
    'replaces the status %d by 500',
    (status) => {
      const reply = replyOf({ status })
      expect(sanitizeHead(reply)).toEqual(['status'])
      expect(reply.status).toBe(500)
    },
  )
})
