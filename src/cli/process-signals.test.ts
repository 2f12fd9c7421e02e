import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ProcessSignals } from './process-signals.ts'

/** A process that records calls of `kill`. */
function fakeProcess() {
  const killed: unknown[] = []
  const events = Object.assign(new EventEmitter(), {
    pid: 7,
    kill: (...args: unknown[]) => killed.push(args),
  })
  const signals = new ProcessSignals(events)
  return {
    events,
    killed,
    signals,
    watched: () => events.listenerCount('SIGTERM') + events.listenerCount('SIGINT'),
  }
}

describe('signals of the process', () => {
  it('are delivered once to the first listener if they arrive before it', async () => {
    const { events, signals } = fakeProcess()
    events.emit('SIGINT', 'SIGINT')
    const heard: string[] = []
    signals.on('SIGTERM', () => heard.push('SIGTERM'))
    signals.on('SIGINT', () => heard.push('SIGINT'))
    expect(heard).toEqual([])
    await Promise.resolve()
    signals.on('SIGINT', () => heard.push('again'))
    await Promise.resolve()
    expect({ heard, received: signals.received }).toEqual({ heard: ['SIGINT'], received: true })
  })

  it('are delivered to existing listeners', () => {
    const { events, signals } = fakeProcess()
    const heard: string[] = []
    signals.on('SIGTERM', () => heard.push('SIGTERM'))
    events.emit('SIGTERM', 'SIGTERM')
    expect(heard).toEqual(['SIGTERM'])
  })

  it('have their default action after the last listener is removed', () => {
    const { signals, watched } = fakeProcess()
    const stop = (): void => {}
    signals.on('SIGTERM', stop)
    signals.on('SIGINT', stop)
    signals.off('SIGTERM', stop)
    expect(watched()).toBe(2)
    signals.off('SIGINT', stop)
    expect(watched()).toBe(0)
  })

  it('have their default action after release, including one that was already received', () => {
    const { events, killed, signals, watched } = fakeProcess()
    events.emit('SIGTERM', 'SIGTERM')
    expect(killed).toEqual([])
    signals.release()
    expect({ killed, watched: watched() }).toEqual({ killed: [[7, 'SIGTERM']], watched: 0 })
  })
})
