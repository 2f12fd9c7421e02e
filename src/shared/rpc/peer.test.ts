import { describe, expect, it } from 'vitest'
import { Peer } from './peer.ts'

const nextIteration = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Two connected peers. Messages are passed as JSON and recorded. */
const connect = () => {
  const messages: { readonly from: 'here' | 'there'; readonly text: string }[] = []
  const notes: string[] = []
  const failures: string[] = []
  let answerLater = (): void => {}
  const there = {
    double: (value: number) => 2 * value,
    note: (text: string) => {
      if (text === 'broken') throw new Error('a broken notification')
      notes.push(text)
    },
    fail: () => {
      throw new Error('it failed')
    },
    later: (value: number) =>
      new Promise<number>((resolve) => {
        answerLater = () => resolve(value)
      }),
  }
  const pass = (from: 'here' | 'there', to: () => Peer) => (message: unknown) => {
    const text = JSON.stringify(message)
    messages.push({ from, text })
    setImmediate(() => to().receive(JSON.parse(text)))
  }
  const here: Peer = new Peer({ send: pass('here', () => other) }, {})
  const other: Peer = new Peer({ send: pass('there', () => here) }, there, (error) =>
    failures.push((error as Error).message),
  )
  return { here, messages, notes, failures, answerLater: () => answerLater() }
}

describe('Peer', () => {
  it('sends all calls and notifications of one iteration in one message, and gets all answers in one', async () => {
    const { here, messages, notes } = connect()
    const answers = [1, 2, 3].map((value) => here.request('double', value))
    here.notify('note', 'a')
    expect(messages).toEqual([])
    expect(await Promise.all(answers)).toEqual([2, 4, 6])
    expect(messages.map(({ from }) => from)).toEqual(['here', 'there'])
    expect(notes).toEqual(['a'])
  })

  it('keeps the order of calls and notifications', async () => {
    const { here, notes } = connect()
    here.notify('note', 'first')
    const answer = here.request('double', 1).then(() => [...notes])
    here.notify('note', 'second')
    // The answer arrives in a separate message, after both.
    expect(await answer).toEqual(['first', 'second'])
  })

  it('sends each answer when it is known, in any order', async () => {
    const { here, answerLater } = connect()
    const order: number[] = []
    const later = here.request('later', 7).then((value) => order.push(Number(value)))
    await here.request('double', 1).then((value) => order.push(Number(value)))
    answerLater()
    await later
    expect(order).toEqual([2, 7])
  })

  it('rejects a call if the method fails or does not exist', async () => {
    const { here } = connect()
    await expect(here.request('fail', null)).rejects.toThrow('it failed')
    await expect(here.request('unknown', null)).rejects.toThrow('no method unknown')
  })

  it('reports a notification that fails, and continues', async () => {
    const { here, failures, notes } = connect()
    here.notify('note', 'broken')
    here.notify('note', 'valid')
    await here.request('double', 1)
    expect({ failures, notes }).toEqual({ failures: ['a broken notification'], notes: ['valid'] })
  })

  it('rejects pending calls on close, and sends nothing more', async () => {
    const { here, messages } = connect()
    const waiting = here.request('later', 1)
    await nextIteration()
    here.close(new Error('The process has exited.'))
    await expect(waiting).rejects.toThrow('The process has exited.')
    await expect(here.request('double', 1)).rejects.toThrow('The process has exited.')
    here.notify('note', 'not sent')
    await nextIteration()
    expect(messages).toHaveLength(1)
  })
})
