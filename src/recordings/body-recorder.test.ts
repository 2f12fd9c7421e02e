import { describe, expect, it } from 'vitest'
import { MAX_RECORDED_BODY_BYTES, BodyRecorder, TapeRoom } from './body-recorder.ts'

const megabyte = Buffer.alloc(1024 * 1024, 'x')
const push = (tape: BodyRecorder, megabytes: number): void => {
  for (let count = 0; count < megabytes; count++) tape.push(megabyte, 0)
}

describe('RecordTape', () => {
  it('drops a body of more than 64 MB', () => {
    const tape = new BodyRecorder(false, new TapeRoom())
    push(tape, 64)
    expect(tape.isTooLarge).toBe(false)
    expect(tape.finish(0)).toMatchObject({ kind: 'bytes', bytes: { length: MAX_RECORDED_BODY_BYTES } })
    tape.push(Buffer.from('x'), 0)
    expect(tape.isTooLarge).toBe(true)
  })

  it('drops a stream whose events are small and too many', () => {
    const tape = new BodyRecorder(true, new TapeRoom())
    const events = Buffer.from('a\n\n'.repeat(10_000))
    for (let count = 0; count < 60; count++) tape.push(events, 0)
    expect(tape.isTooLarge).toBe(true)
  })

  it('drops what goes beyond 128 MB together with the others, until one of them is stored', () => {
    const room = new TapeRoom()
    const tapes = Array.from({ length: 4 }, () => new BodyRecorder(false, room))
    for (const tape of tapes) push(tape, 40)
    expect(tapes.map(({ isTooLarge }) => isTooLarge)).toEqual([false, false, false, true])
    tapes[0]?.close()
    const next = new BodyRecorder(false, room)
    push(next, 40)
    expect(next.isTooLarge).toBe(false)
  })

  it('keeps a body of up to 1 MB however many are under way', () => {
    const room = new TapeRoom()
    const large = [60, 60].map((megabytes) => {
      const tape = new BodyRecorder(false, room)
      push(tape, megabytes)
      return tape
    })
    expect(large.map(({ isTooLarge }) => isTooLarge)).toEqual([false, false])
    const small = Array.from({ length: 50 }, () => new BodyRecorder(false, room))
    for (const tape of small) push(tape, 1)
    expect(small.some(({ isTooLarge }) => isTooLarge)).toBe(false)
  })

  it('gives its room back once, when it is dropped', () => {
    const room = new TapeRoom()
    for (let count = 0; count < 5; count++) {
      const tape = new BodyRecorder(false, room)
      push(tape, 65)
      tape.close()
    }
    const tape = new BodyRecorder(false, room)
    push(tape, 60)
    expect(tape.isTooLarge).toBe(false)
    expect(room.take(129 * 1024 * 1024 - 60 * 1024 * 1024)).toBe(true)
    expect(room.take(1)).toBe(false)
  })
})
