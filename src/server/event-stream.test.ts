import { describe, expect, it } from 'vitest'
import { type EventSource, eventStream, OpenStreams, type ServerSentEvent } from './event-stream.ts'

/** Creates a source with events that a test pushes. It counts subscribers and calls of `next`. */
const createSource = () => {
  const state = { subscribers: 0, reads: 0 }
  const events: ServerSentEvent[] = []
  const listeners = new Set<() => void>()
  const source: EventSource = {
    async next() {
      state.reads++
      return events.splice(0)
    },
    subscribe(onMore) {
      state.subscribers++
      listeners.add(onMore)
      return () => {
        state.subscribers--
        listeners.delete(onMore)
      }
    },
  }
  const push = (event: ServerSentEvent): void => {
    events.push(event)
    for (const listener of listeners) listener()
  }
  return { source, push, state }
}

const readerOf = (body: ReadableStream<Uint8Array>) => {
  const reader = body.getReader()
  const read = async (): Promise<string | undefined> => {
    const { value } = await reader.read()
    return value && Buffer.from(value).toString()
  }
  return { read, cancel: () => reader.cancel() }
}

const sse = { headers: { 'content-type': 'text/event-stream' } }

describe('eventStream', () => {
  it('starts with a comment, and sends events with id and JSON data', async () => {
    const { source, push } = createSource()
    const { read } = readerOf(eventStream(source))
    expect(await read()).toBe(': open\n\n')
    push({ event: 'request', id: 1, data: { text: 'a\nb' } })
    expect(await read()).toBe('event: request\nid: 1\ndata: {"text":"a\\nb"}\n\n')
    const waiting = read()
    push({ event: 'dropped', data: { count: 2 } })
    push({ event: 'request', id: 5, data: {} })
    expect(await waiting).toBe('event: dropped\ndata: {"count":2}\n\nevent: request\nid: 5\ndata: {}\n\n')
  })

  it('sends an event that is pushed while the source is read', async () => {
    const { source, push } = createSource()
    const slow: EventSource = {
      ...source,
      async next() {
        const events = await source.next()
        if (events.length === 0) push({ event: 'request', id: 1, data: {} })
        return events
      },
    }
    const { read } = readerOf(eventStream(slow))
    await read()
    expect(await read()).toBe('event: request\nid: 1\ndata: {}\n\n')
  })

  it('sends a comment when it is idle', async () => {
    const { source } = createSource()
    const { read } = readerOf(eventStream(source, 1))
    await read()
    expect(await read()).toBe(': still here\n\n')
    expect(await read()).toBe(': still here\n\n')
  })

  it('subscribes at the first read, reads the source on demand, and unsubscribes when the client disconnects', async () => {
    const { source, push, state } = createSource()
    const { read, cancel } = readerOf(eventStream(source))
    expect(state).toEqual({ subscribers: 0, reads: 0 })
    await read()
    for (let id = 1; id <= 100; id++) push({ event: 'request', id, data: id })
    await new Promise(setImmediate)
    expect(state).toEqual({ subscribers: 1, reads: 0 })
    await read()
    expect(state).toEqual({ subscribers: 1, reads: 1 })
    const waiting = read()
    await cancel()
    expect(await waiting).toBeUndefined()
    expect(state.subscribers).toBe(0)
  })
})

describe('OpenStreams', () => {
  it('ends all streams, with or without a pending read', async () => {
    const open = new OpenStreams()
    const sources = [createSource(), createSource()]
    const bodies = sources.map(({ source }) => open.watch(new Response(eventStream(source), sse)).body)
    const [waiting, idle] = bodies.map((body) => readerOf(body as ReadableStream<Uint8Array>))
    await waiting?.read()
    await idle?.read()
    const last = waiting?.read()
    open.endAll()
    expect(await last).toBeUndefined()
    expect(await idle?.read()).toBeUndefined()
    expect(sources.map(({ state }) => state.subscribers)).toEqual([0, 0])
  })

  it('passes on the disconnect of the client, and errors of the source', async () => {
    const open = new OpenStreams()
    const { source, state } = createSource()
    const body = open.watch(new Response(eventStream(source), sse)).body as ReadableStream<Uint8Array>
    const { read, cancel } = readerOf(body)
    await read()
    await cancel()
    expect(state.subscribers).toBe(0)
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
    await expect(open.watch(new Response(broken, sse)).text()).rejects.toThrow('broken')
  })

  it('returns other answers unchanged', () => {
    const response = new Response('{}', { headers: { 'content-type': 'application/json' } })
    expect(new OpenStreams().watch(response)).toBe(response)
  })
})
