import { describe, expect, it } from 'vitest'
import { MAX_RECORDED_BODY_BYTES, BodyRecorder, MemoryBudget } from './body-recorder.ts'

const megabyte = Buffer.alloc(1024 * 1024, 'x')
const push = (recorder: BodyRecorder, megabytes: number): void => {
  for (let count = 0; count < megabytes; count++) recorder.push(megabyte, 0)
}

describe('BodyRecorder', () => {
  it('drops a body of more than 64 MB', () => {
    const recorder = new BodyRecorder(false, new MemoryBudget())
    push(recorder, 64)
    expect(recorder.isTooLarge).toBe(false)
    expect(recorder.finish(0)).toMatchObject({ kind: 'bytes', bytes: { length: MAX_RECORDED_BODY_BYTES } })
    recorder.push(Buffer.from('x'), 0)
    expect(recorder.isTooLarge).toBe(true)
  })

  it('drops a stream with too many small events', () => {
    const recorder = new BodyRecorder(true, new MemoryBudget())
    const events = Buffer.from('a\n\n'.repeat(10_000))
    for (let count = 0; count < 60; count++) recorder.push(events, 0)
    expect(recorder.isTooLarge).toBe(true)
  })

  it('drops a body that exceeds 128 MB together with the others, until one of them is stored', () => {
    const budget = new MemoryBudget()
    const recorders = Array.from({ length: 4 }, () => new BodyRecorder(false, budget))
    for (const recorder of recorders) push(recorder, 40)
    expect(recorders.map(({ isTooLarge }) => isTooLarge)).toEqual([false, false, false, true])
    recorders[0]?.close()
    const next = new BodyRecorder(false, budget)
    push(next, 40)
    expect(next.isTooLarge).toBe(false)
  })

  it('keeps a body of up to 1 MB, however many are in progress', () => {
    const room = new MemoryBudget()
    const large = [60, 60].map((megabytes) => {
      const recorder = new BodyRecorder(false, room)
      push(recorder, megabytes)
      return recorder
    })
    expect(large.map(({ isTooLarge }) => isTooLarge)).toEqual([false, false])
    const small = Array.from({ length: 50 }, () => new BodyRecorder(false, room))
    for (const recorder of small) push(recorder, 1)
    expect(small.some(({ isTooLarge }) => isTooLarge)).toBe(false)
  })

  it('releases its memory once when it is dropped', () => {
    const room = new MemoryBudget()
    for (let count = 0; count < 5; count++) {
      const recorder = new BodyRecorder(false, room)
      push(recorder, 65)
      recorder.close()
    }
    const recorder = new BodyRecorder(false, room)
    push(recorder, 60)
    expect(recorder.isTooLarge).toBe(false)
    expect(room.reserve(129 * 1024 * 1024 - 60 * 1024 * 1024)).toBe(true)
    expect(room.reserve(1)).toBe(false)
  })
})
