import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { CallEnded, CallStarted } from '../../src/journal/journal-sink.ts'
import type { JournalEntry } from '../../src/journal/journal-entry.ts'
import { type RedisReplica, replicaGroup } from '../support/redis-replica.ts'
import { redisNeed } from '../support/redis-server.ts'

const callersKey = 'sk-callers-own-key-0123456789abcdef'

const { isMissing, note: skipNote } = redisNeed

interface Call extends Partial<CallStarted> {
  readonly text?: string
  readonly ended?: Partial<CallEnded>
}

/** Adds a call that has been answered to the journal. */
function note(replica: RedisReplica, { text = 'hi', ended = {}, ...call }: Call = {}): void {
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: text }] }))
  const status = call.status ?? 200
  const startedMs = performance.now()
  const open = replica.journal.started(
    {
      startedMs,
      resource: 'default',
      requestId: 'a-request',
      method: 'POST',
      path: '/openai/deployments/chat/chat/completions',
      query: 'api-version=2024-10-21',
      headers: { 'content-type': 'application/json', 'api-key': callersKey, 'x-other': 'yes' },
      body,
      bodyBytes: body.length,
      operation: 'chatCompletions',
      deployment: 'chat',
      spilledOverFrom: undefined,
      client: 'tester',
      caller: undefined,
      status,
      limitedBy: undefined,
      retryAfterMs: undefined,
      streamed: false,
      usage: undefined,
      attempt: undefined,
      ...call,
    },
    startedMs,
  )
  replica.journal.ended(open, {
    usage: call.usage,
    firstByteMs: 0,
    durationMs: 0,
    answeredAtMs: startedMs,
    aborted: false,
    failure: status >= 400 ? String(status) : undefined,
    ...ended,
  })
}

const textsOf = (entries: readonly JournalEntry[]): string[] =>
  entries.map(({ json }) => (json as { messages: { content: string }[] }).messages[0]?.content ?? '')

describe.skipIf(isMissing)(`the journal in Redis${skipNote}`, () => {
  const replicas = replicaGroup()
  const { startTwo } = replicas

  it('has the requests of all simulators, with common ids, on each simulator', async () => {
    const [a, b] = await startTwo()
    note(a, { text: 'one', client: 'first' })
    await a.journal.entries()
    note(b, {
      text: 'two',
      usage: { promptTokens: 5, cachedTokens: 1, completionTokens: 3, reasoningTokens: 0 },
    })
    await a.journal.entries()
    note(a, { text: 'three', status: 429, limitedBy: 'tokens', retryAfterMs: 1_000 })
    for (const replica of [a, b]) {
      const entries = await replica.journal.entries()
      expect(textsOf(entries)).toEqual(['one', 'two', 'three'])
      expect(entries.map(({ id }) => id)).toEqual([1, 2, 3])
      expect(entries.map(({ durationMs }) => durationMs)).toEqual([0, 0, 0])
      expect(entries[1]).toMatchObject({
        method: 'POST',
        path: '/openai/deployments/chat/chat/completions',
        query: 'api-version=2024-10-21',
        headers: { 'content-type': 'application/json', 'api-key': '[redacted]', 'x-other': 'yes' },
        bodyKept: true,
        deployment: 'chat',
        client: 'tester',
        status: 200,
        usage: { promptTokens: 5, cachedTokens: 1, completionTokens: 3, reasoningTokens: 0 },
        aborted: false,
      })
      expect(Math.abs(Date.parse(entries[0]?.at ?? '') - Date.now())).toBeLessThan(5_000)
    }
  })

  it('has the same entries on each simulator', async () => {
    const [a, b] = await startTwo()
    for (let index = 0; index < 20; index++) note(index % 3 === 0 ? a : b, { text: `call ${index}` })
    const plain = (entries: readonly JournalEntry[]): unknown => JSON.parse(JSON.stringify(entries))
    const atA = await a.journal.entries()
    expect(plain(await b.journal.entries())).toEqual(plain(atA))
    expect(atA).toHaveLength(20)
  })

  it('has the calls of another simulator as soon as it is read', async () => {
    const [a, b] = await startTwo()
    for (let index = 1; index <= 50; index++) {
      const [writer, reader] = index % 2 ? [a, b] : [b, a]
      note(writer, { text: `call ${index}` })
      const entries = await reader.journal.entries({ limit: 1 })
      expect(textsOf(entries)).toEqual([`call ${index}`])
    }
  })

  it('supports the filters of a single process', async () => {
    const [a, b] = await startTwo()
    note(a, { text: 'one', client: 'x' })
    note(b, { text: 'two', client: 'y', status: 500 })
    note(a, { text: 'three', client: 'y', deployment: 'other' })
    const { journal } = b
    expect(textsOf(await journal.entries({ client: 'y' })).toSorted()).toEqual(['three', 'two'])
    expect(textsOf(await journal.entries({ status: '5xx' }))).toEqual(['two'])
    expect(textsOf(await journal.entries({ deployment: 'other' }))).toEqual(['three'])
    expect(await journal.entries({ sinceId: 3 })).toEqual([])
    expect(await journal.entries({ sinceId: 1, limit: 1 })).toHaveLength(1)
  })

  it('keeps the last requests of all simulators', async () => {
    const [a, b] = await startTwo({ journalSize: 10 })
    for (let index = 0; index < 200; index++) note(index % 2 ? a : b, { text: `call ${index}` })
    const entries = await a.journal.entries()
    expect(entries.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, index) => 191 + index))
    expect(new Set(textsOf(entries)).size).toBe(10)
    const fields = Number(await a.connection.send(['HLEN', `${replicas.prefix}{journal}:requests`]))
    expect(fields).toBe(20)
  })

  it('drops the oldest bodies and then the oldest requests above its size limits', async () => {
    const [a, b] = await startTwo({ journalBounds: { events: 4_000, heads: 1_000, bodies: 500 } })
    for (let index = 0; index < 30; index++) {
      note(a, { text: `call ${index} ${'x'.repeat(60)}` })
      await a.journal.entries({ limit: 1 })
    }
    const entries = await b.journal.entries()
    expect(entries.length).toBeGreaterThan(2)
    expect(entries.length).toBeLessThan(10)
    const kept = entries.map(({ bodyKept }) => bodyKept)
    expect(kept.at(-1)).toBe(true)
    const key = (name: string): string => `${replicas.prefix}{journal}:${name}`
    const sums = (await a.connection.send([
      'HMGET',
      key('numbers'),
      'heads',
      'bodies',
      'bytes',
      'count',
    ])) as string[]
    const values = (await a.connection.send(['HGETALL', key('requests')])) as Record<string, string>
    const bytesOf = (which: string): number =>
      Object.entries(values).reduce(
        (sum, [name, text]) => sum + (name.startsWith(which) ? text.length : 0),
        0,
      )
    expect(sums.slice(0, 2).map(Number)).toEqual([bytesOf('h'), bytesOf('b')])
    expect(bytesOf('h')).toBeLessThanOrEqual(1_000)
    expect(bytesOf('b')).toBeLessThanOrEqual(500)
    expect(Number(sums[2])).toBeLessThanOrEqual(4_000)
  })

  it('has no body above 64 KB, and binary bodies as bytes', async () => {
    const [a, b] = await startTwo()
    const large = Buffer.alloc(70_000, 'x')
    note(a, { body: large, bodyBytes: large.length })
    const bytes = Buffer.from([0xff, 0xfe, 0, 1])
    note(a, { body: bytes, bodyBytes: 4, headers: {} })
    const [first, second] = await b.journal.entries()
    expect(first).toMatchObject({ bodyKept: false, body: undefined, bodyBytes: 70_000 })
    expect(Buffer.from(second?.body as Uint8Array).equals(bytes)).toBe(true)
  })

  it('contains no key of a caller, and expires', async () => {
    const [a] = await startTwo()
    const body = Buffer.from(JSON.stringify({ api_key: callersKey, messages: [] }))
    note(a, {
      query: `api-key=${callersKey}&x=1`,
      body,
      bodyBytes: body.length,
      headers: {
        authorization: `Bearer ${callersKey}`,
        'api-key': callersKey,
        'content-type': 'application/json',
      },
    })
    await a.journal.entries()
    const keys = (await a.connection.send(['KEYS', `${replicas.prefix}{journal}*`])) as string[]
    expect(keys).toHaveLength(4)
    for (const key of keys) {
      expect(String(await a.connection.send(['DUMP', key]))).not.toContain(callersKey)
      expect(Number(await a.connection.send(['PTTL', key]))).toBeGreaterThan(80_000_000)
    }
    const parts = await a.connection.send(['HGETALL', `${replicas.prefix}{journal}:requests`])
    const notices = await a.connection.send(['XRANGE', `${replicas.prefix}{journal}:notices`, '-', '+'])
    expect(JSON.stringify([parts, notices])).not.toContain(callersKey)
  })

  it('contains no current key, even after the keys change', async () => {
    let keys = ['one-key-0123456789']
    const [a] = await startTwo({ secrets: () => keys })
    const call = { query: 'x=one-key-0123456789,two-key-0123456789', deployment: 'one-key-0123456789' }
    note(a, call)
    await a.journal.entries()
    keys = ['two-key-0123456789']
    note(a, call)
    expect(await a.journal.entries()).toMatchObject([
      { query: 'x=[redacted],two-key-0123456789', deployment: '[redacted]' },
      { query: 'x=one-key-0123456789,[redacted]', deployment: 'one-key-0123456789' },
    ])
  })

  it('detects a retry on another simulator', async () => {
    const [a, b] = await startTwo()
    note(a, { status: 429, retryAfterMs: 10_000 })
    await sleep(30)
    note(b, { text: 'hi' })
    const [, second] = await a.journal.entries()
    expect(second).toMatchObject({ id: 2, retryOf: 1, retryIndex: 1, early: true })
    for (const { journal } of [a, b]) {
      const { totals, clients } = await journal.retryReport()
      expect(totals).toMatchObject({ requests: 2, failures: 1, retries: 1, early: 1 })
      expect(clients[0]?.waited?.minMs).toBeGreaterThan(20)
      expect(clients[0]?.waited?.minMs).toBeLessThan(2_000)
    }
  })

  it('counts every request of a busy simulator, and keeps the last ones', async () => {
    const [a, b] = await startTwo({ journalSize: 100 })
    for (let round = 0; round < 100; round++) {
      for (let each = 0; each < 30; each++) note(each % 2 ? a : b, { client: `client ${each % 3}` })
      await sleep(1)
    }
    for (const { journal } of [a, b]) {
      const { totals, clients } = await journal.retryReport()
      expect(totals).toMatchObject({ requests: 3_000, clients: 3, failures: 0 })
      expect(clients.map(({ requests }) => requests)).toEqual([1_000, 1_000, 1_000])
      expect(await journal.entries()).toHaveLength(100)
    }
  })

  it('is cleared for all simulators by one of them, and its ids continue', async () => {
    const [a, b] = await startTwo()
    note(a, { status: 500 })
    note(b, { status: 500 })
    expect(await a.journal.entries()).toHaveLength(2)
    await sleep(5)
    await b.journal.clear()
    for (const { journal } of [a, b]) {
      expect(await journal.entries()).toEqual([])
      expect((await journal.retryReport()).totals.requests).toBe(0)
    }
    const since = await Promise.all([a, b].map(async ({ journal }) => (await journal.retryReport()).since))
    expect(since[0]).toBe(since[1])
    note(a)
    expect((await b.journal.entries()).map(({ id }) => id)).toEqual([3])
  })

  it('is available to a simulator that starts later', async () => {
    const [a] = await startTwo()
    for (let index = 0; index < 5; index++) note(a, { text: `call ${index}`, status: 500 })
    await a.journal.entries()
    const late = await replicas.join()
    expect(textsOf(await late.journal.entries())).toEqual(['call 0', 'call 1', 'call 2', 'call 3', 'call 4'])
    expect((await late.journal.retryReport()).totals).toEqual((await a.journal.retryReport()).totals)
  })

  it('can be followed without gaps, whichever simulator gets the requests', async () => {
    const [a, b] = await startTwo()
    note(a, { text: 'before' })
    let lastId = await b.journal.lastId
    expect(lastId).toBe(1)
    const followed: JournalEntry[] = []
    let forgotten = 0
    const stop = b.journal.onAdded(() => {
      void (async () => {
        const page = await b.journal.follow(lastId, { client: 'tester' })
        lastId = page.lastId
        forgotten += page.forgotten
        followed.push(...page.entries)
      })()
    })
    await sleep(100)
    // The journal gets a slow request late.
    note(b, { text: 'call 0' })
    note(a, { text: 'call 1', startedMs: performance.now() - 5_000 })
    note(b, { text: 'call 2', client: 'another' })
    note(a, { text: 'call 3' })
    await expect
      .poll(() => textsOf(followed).toSorted(), { timeout: 5_000 })
      .toEqual(['call 0', 'call 1', 'call 3'])
    expect(followed.map(({ id }) => id)).toEqual(
      followed.map(({ id }) => id).toSorted((one, other) => one - other),
    )
    expect(forgotten).toBe(0)
    stop()
  })

  it('does not wait for stopped simulators, and has their calls', async () => {
    const [a, b] = await startTwo()
    note(a, { text: 'last words' })
    await b.journal.entries()
    a.close()
    note(b, { text: 'mine' })
    const begunMs = performance.now()
    expect(textsOf(await b.journal.entries())).toEqual(['last words', 'mine'])
    expect(performance.now() - begunMs).toBeLessThan(1_500)
  })

  describe('when Redis is killed', () => {
    afterEach(async () => {
      await replicas.server.kill()
      await replicas.server.start()
    })

    it('has the calls that each simulator answered while Redis was down, and its ids continue', async () => {
      const [a, b] = await startTwo()
      note(a, { text: 'before' })
      expect(await b.journal.entries()).toHaveLength(1)
      await replicas.server.kill()
      await expect.poll(() => a.connection.state.up || b.connection.state.up).toBe(false)
      note(a, { text: 'at a' })
      note(b, { text: 'at b', status: 500 })
      expect(textsOf((await a.journal.entries()).slice(-1))).toEqual(['at a'])
      expect(textsOf(await b.journal.entries({ limit: 1 }))).toEqual(['at b'])

      await replicas.server.start()
      await expect.poll(() => a.connection.state.up && b.connection.state.up, { timeout: 5_000 }).toBe(true)
      note(a, { text: 'after' })
      for (const { journal } of [b, a]) {
        const entries = await journal.entries()
        // The contents of Redis are lost.
        expect(textsOf(entries).toSorted()).toEqual(['after', 'at a', 'at b'])
        expect(Math.min(...entries.map(({ id }) => id))).toBe(2)
        expect((await journal.retryReport()).totals).toMatchObject({ requests: 3, failures: 1 })
      }
    })

    it('is cleared when Redis is back, if that was requested while it was down', async () => {
      const [a, b] = await startTwo()
      await replicas.server.kill()
      await expect.poll(() => a.connection.state.up || b.connection.state.up).toBe(false)
      note(a, { text: 'forgotten' })
      await a.journal.clear()
      expect(await a.journal.entries()).toEqual([])
      await replicas.server.start()
      await expect.poll(() => a.connection.state.up && b.connection.state.up, { timeout: 5_000 }).toBe(true)
      expect(await b.journal.entries()).toEqual([])
    })
  })

  it('records each call once when Redis is slow for a while', async () => {
    const [a, b] = await startTwo({ redis: { prefix: `test-slow:`, timeoutMs: 50 } })
    let sent = 0
    for (let round = 0; round < 60; round++) {
      note(a, { text: `call ${sent++}` })
      note(b, { text: `call ${sent++}` })
      if (round === 20) replicas.server.pause()
      if (round === 50) replicas.server.resume()
      await sleep(5)
    }
    await expect.poll(() => a.connection.state.up && b.connection.state.up, { timeout: 5_000 }).toBe(true)
    await expect.poll(async () => textsOf(await a.journal.entries()).length, { timeout: 5_000 }).toBe(sent)
    const texts = textsOf(await a.journal.entries())
    expect(new Set(texts).size).toBe(sent)
    expect((await b.journal.retryReport()).totals.requests).toBe(sent)
  })
})
