import { describe, expect, it } from 'vitest'
import { Peer } from './peer.ts'

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Two ends, whose messages pass as JSON texts and are counted. */
const connect = () => {
  const messages: { readonly from: 'here' | 'there'; readonly text: string }[] = []
  const notes: string[] = []
  const failures: string[] = []
  let answerLater = (): void => {}
  const there = {
    double: (value: number) => 2 * value,
    note: (text: string) => {
      if (text === 'broken') throw new Error('a broken note')
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
  it('sends all calls and notices of one turn in one message, and gets all answers in one', async () => {
    const { here, messages, notes } = connect()
    const answers = [1, 2, 3].map((value) => here.call('double', value))
    here.tell('note', 'a')
    expect(messages).toEqual([])
    expect(await Promise.all(answers)).toEqual([2, 4, 6])
    expect(messages.map(({ from }) => from)).toEqual(['here', 'there'])
    expect(notes).toEqual(['a'])
  })

  it('keeps the order of calls and notices', async () => {
    const { here, notes } = connect()
    here.tell('note', 'first')
    const answer = here.call('double', 1).then(() => [...notes])
    here.tell('note', 'second')
    // The answer comes in a message of its own, behind both.
    expect(await answer).toEqual(['first', 'second'])
  })

  it('answers what is known later when it is known, and others before', async () => {
    const { here, answerLater } = connect()
    const order: number[] = []
    const later = here.call('later', 7).then((value) => order.push(Number(value)))
    await here.call('double', 1).then((value) => order.push(Number(value)))
    answerLater()
    await later
    expect(order).toEqual([2, 7])
  })

  it('rejects a call whose method fails, or that the other side does not have', async () => {
    const { here } = connect()
    await expect(here.call('fail', null)).rejects.toThrow('it failed')
    await expect(here.call('unknown', null)).rejects.toThrow('no method unknown')
  })

  it('reports a notice that fails, and goes on', async () => {
    const { here, failures, notes } = connect()
    here.tell('note', 'broken')
    here.tell('note', 'whole')
    await here.call('double', 1)
    expect({ failures, notes }).toEqual({ failures: ['a broken note'], notes: ['whole'] })
  })

  it('rejects what waits when the other side is gone, and sends nothing more', async () => {
    const { here, messages } = connect()
    const waiting = here.call('later', 1)
    await turn()
    here.close(new Error('It is gone.'))
    await expect(waiting).rejects.toThrow('It is gone.')
    await expect(here.call('double', 1)).rejects.toThrow('It is gone.')
    here.tell('note', 'nobody hears this')
    await turn()
    expect(messages).toHaveLength(1)
  })
})
