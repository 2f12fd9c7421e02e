import { describe, expect, it } from 'vitest'
import { createRandom } from './random.ts'
import { EventSplitter, readEvent } from './server-sent-events.ts'

const split = (pieces: readonly Buffer[]): string[] => {
  const splitter = new EventSplitter()
  return [...pieces.flatMap((piece) => splitter.push(piece)), splitter.rest()].map(String)
}

describe('EventSplitter', () => {
  it('splits after each blank line, with all line ends of the standard', () => {
    expect(split([Buffer.from('data: 1\n\nid: 2\r\ndata: 2\r\n\r\ndata: 3\r\rdata: 4\n\r\nrest\n')])).toEqual(
      ['data: 1\n\n', 'id: 2\r\ndata: 2\r\n\r\n', 'data: 3\r\r', 'data: 4\n\r\n', 'rest\n'],
    )
  })

  it('returns an event as soon as its blank line arrives', () => {
    const splitter = new EventSplitter()
    expect(splitter.push(Buffer.from('data: 1\r\n\r')).map(String)).toEqual([])
    expect(splitter.pendingBytes).toBe(10)
    expect(splitter.push(Buffer.from('\n')).map(String)).toEqual(['data: 1\r\n\r\n'])
    expect(splitter.push(Buffer.from('data: 2\n\n')).map(String)).toEqual(['data: 2\n\n'])
    expect(splitter.pendingBytes).toBe(0)
  })

  it('returns the same events wherever chunks end, without loss', () => {
    const random = createRandom('splitter')
    const alphabet = ['\n', '\r', '\r\n', '\n\n', '\r\n\r\n', 'data: x', 'ü', '🎉']
    for (let run = 0; run < 200; run++) {
      const text = Array.from({ length: 30 }, () => alphabet[random.below(alphabet.length)]).join('')
      const bytes = Buffer.from(text)
      const pieces: Buffer[] = []
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + random.below(6)
        pieces.push(bytes.subarray(at, end))
        at = end
      }
      const whole = split([bytes])
      expect(whole.join('')).toBe(text)
      expect(split(pieces)).toEqual(whole)
    }
  })
})

describe('readEvent', () => {
  it.each([
    ['data: {"a":1}\n\n', undefined, '{"a":1}'],
    ['event: delta\ndata:1\ndata: 2\n\n', 'delta', '1\n2'],
    ['event: delta\r\ndata:  1\r\n\r\n', 'delta', ' 1'],
    ['data: 1\r\r', undefined, '1'],
    ['\uFEFFdata: 1\n\n', undefined, '1'],
    [': comment\nid: 7\n\n', undefined, undefined],
    ['data\n\n', undefined, undefined],
  ])('of %j returns the event %s with the data %j', (text, event, data) => {
    expect(readEvent(text)).toEqual({ event, data })
  })
})
