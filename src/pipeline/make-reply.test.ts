import { describe, expect, it } from 'vitest'
import { dataEvent, doneEvent } from '../wire/sse.ts'
import { eventsReply, jsonReply, textReply } from './make-reply.ts'

describe('reply functions', () => {
  it('reserve a position for Content-Length, and give priority to the given headers', () => {
    const reply = jsonReply(
      { a: 'ü' },
      {
        status: 201,
        headers: {
          'content-type': 'application/problem+json',
          'Content-Length': '1',
          'x-n': 5,
          'x-many': ['a', 'b'],
        },
      },
    )
    expect(reply.status).toBe(201)
    reply.headers.setContentLength(10)
    expect([...reply.headers]).toEqual([
      ['Content-Length', '10'],
      ['Content-Type', 'application/problem+json'],
      ['x-n', '5'],
      ['x-many', 'a'],
      ['x-many', 'b'],
    ])
    expect(reply.body.kind === 'whole' && reply.body.render()).toBe('{"a":"ü"}')
  })

  it('throw for a value that JSON cannot represent', () => {
    expect(() => jsonReply(undefined)).toThrow('JSON cannot represent the value (got undefined)')
    expect(() => jsonReply(1n)).toThrow(TypeError)
  })

  it('have the default content type text/plain in UTF-8', () => {
    expect(textReply('hi').headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const { headers, status } = textReply(Buffer.from([1]), { contentType: 'audio/mpeg', status: 206 })
    expect([headers.get('content-type'), status]).toEqual(['audio/mpeg', 206])
  })

  it('schedule events like tokens, or at the given times', () => {
    const events = [dataEvent('{"a":1}'), doneEvent]
    const paced = eventsReply(events)
    expect(paced.steps).toEqual({ hidden: 0, visible: 2 })
    expect(paced.headers.get('transfer-encoding')).toBe('chunked')
    const timed = eventsReply(events, { dueMs: [100, 250] })
    expect(timed.schedule).toEqual({ stepsMs: Float64Array.of(100, 250), endMs: 250 })
    expect(timed.steps).toBeUndefined()
  })

  it('name an event without a blank line', () => {
    expect(() => eventsReply([doneEvent, '{"a":1}'])).toThrow('event 1 does not end in a blank line')
    expect(() => eventsReply(['data: a\r\n'])).toThrow('event 0')
  })
})
