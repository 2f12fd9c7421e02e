import { describe, expect, it } from 'vitest'
import { eventsReply, textReply } from './make-reply.ts'
import { mapEvents } from './stream-events.ts'
import { HeaderList, type Reply } from './reply.ts'

async function* from(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array, undefined> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

const live = (
  chunks: AsyncIterable<Uint8Array>,
  contentType = 'text/event-stream; charset=utf-8',
): Reply => ({
  status: 200,
  headers: new HeaderList(['content-type', contentType, 'content-length', '99']),
  body: { kind: 'live', chunks },
})

const bytesOf = async ({ body }: Reply): Promise<Buffer> => {
  if (body.kind === 'live') {
    const chunks: Uint8Array[] = []
    for await (const chunk of body.chunks) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  if (body.kind === 'whole') return Buffer.from(body.render())
  return Buffer.from(Array.from({ length: body.count }, (_, index) => body.render(index)).join(''))
}

const textOf = async (reply: Reply): Promise<string> => String(await bytesOf(reply))

describe('mapEvents', () => {
  it('changes the events of a generated stream, with their indexes', async () => {
    const reply = mapEvents(eventsReply(['data: a\n\n', 'data: b\n\n', 'data: c\n\n']), (event, index) =>
      index === 1 ? '' : event.toUpperCase(),
    )
    expect(await textOf(reply)).toBe('DATA: A\n\nDATA: C\n\n')
  })

  it('changes events of a live stream that span chunks', async () => {
    const whole = Buffer.from('data: 🎉a\n\ndata: bü\r\n\r\ndata: c')
    for (const length of [1, 2, 3, 7, 100]) {
      const chunks: Buffer[] = []
      for (let at = 0; at < whole.length; at += length) chunks.push(whole.subarray(at, at + length))
      const seen: string[] = []
      const reply = mapEvents(live(from(...chunks)), (event, index) => {
        seen.push(event)
        return index === 1 ? '' : event.replace('🎉', '€')
      })
      expect(await textOf(reply)).toBe('data: €a\n\ndata: c')
      expect(seen).toEqual(['data: 🎉a\n\n', 'data: bü\r\n\r\n', 'data: c'])
    }
  })

  it('keeps the bytes of unchanged events, even if they are not valid UTF-8', async () => {
    const odd = Buffer.from([0x64, 0xff, 0xfe, 0x0a, 0x0a, 0x78])
    const reply = mapEvents(live(from(odd)), (event) => event)
    expect((await bytesOf(reply)).equals(odd)).toBe(true)
    expect(reply.headers.get('content-length')).toBeUndefined()
  })

  it('does not change complete bodies and live bodies without events', async () => {
    const fail = (): never => {
      throw new Error('not to be called')
    }
    expect(await textOf(mapEvents(textReply('data: a\n\n'), fail))).toBe('data: a\n\n')
    const sound = mapEvents(live(from('a\n\nb\n\n'), 'audio/mpeg'), fail)
    expect(await textOf(sound)).toBe('a\n\nb\n\n')
    expect(sound.headers.get('content-length')).toBe('99')
  })

  it('cancels its source when the consumer stops', async () => {
    let isEnded = false
    const source = async function* (): AsyncGenerator<Uint8Array, undefined> {
      try {
        for (;;) yield Buffer.from('data: a\n\n')
      } finally {
        isEnded = true
      }
    }
    const { body } = mapEvents(live(source()), (event) => event)
    if (body.kind !== 'live') throw new Error('not live')
    for await (const _ of body.chunks) break
    expect(isEnded).toBe(true)
  })
})
