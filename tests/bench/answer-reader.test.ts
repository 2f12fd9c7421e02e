import { expect, test } from 'vitest'
import { AnswerReader } from '../../bench/answer-reader.ts'

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const stream =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
  '9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n9\r\ndata: 0\n\n\r\n0\r\n\r\n'

test('an answer of a known length is complete with its last byte', () => {
  const reader = new AnswerReader()
  expect(reader.read(Buffer.from(whole.slice(0, -1)))).toEqual({ status: 200, events: 0, isComplete: false })
  expect(reader.read(Buffer.from('o'))).toEqual({ status: 200, events: 0, isComplete: true })
})

test('a stream is complete with its last chunk, and its events are counted', () => {
  expect(new AnswerReader().read(Buffer.from(stream))).toEqual({ status: 200, events: 3, isComplete: true })
})

test.each([whole, stream])('the pieces in which an answer comes do not matter to its end: %j', (text) => {
  const reader = new AnswerReader()
  const read = text.split('').map((byte) => reader.read(Buffer.from(byte)).isComplete)
  expect(read.indexOf(true)).toBe(text.length - 1)
})
