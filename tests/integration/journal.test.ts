import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { journalJson, retryReportJson } from '../../src/journal/journal-json.ts'
import { createJournal } from '../../src/journal/journal.ts'
import { HeaderList } from '../../src/pipeline/reply.ts'
import { textBody } from '../../src/answer/body.ts'
import { createTestSimulator, deploymentPath, testKey, type TestSettings } from '../support/test-simulator.ts'
import { testExchange } from '../support/test-exchange.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const keyClient = `key:${createHash('sha256').update(testKey).digest('hex').slice(0, 8)}`

const setUp = (settings: TestSettings = {}) => {
  const simulator = createTestSimulator({
    deployments: {
      chat: { model: 'gpt-4o', tokensPerMinute: 100_000, requestsPerMinute: 1, requestsSliceSeconds: 60 },
      free: { model: 'gpt-4o' },
    },
    ...settings,
    env: { JOURNAL_SIZE: '100', ...settings.env },
  })
  const journal = simulator.simulator.ownJournal!
  const ask = async (headers: Record<string, string> = {}, body: object = hello, to = path) => {
    const response = await simulator.post(to, body, headers)
    await response.text()
    return response
  }
  /** The only client of the report, as JSON. */
  const client = () => retryReportJson(journal.retryReport()).clients[0]!
  return { ...simulator, journal, ask, client }
}

const waitOf = (response: Response): number => Number(response.headers.get('retry-after-ms'))

describe('a journal entry', () => {
  it('describes a request and its answer', async () => {
    const { journal, ask, clock } = setUp()
    await clock.advance(1_500)
    await ask()
    const [entry] = journal.entries()
    expect(entry).toMatchObject({
      id: 1,
      at: '2026-01-01T00:00:01.500Z',
      startedMs: 1_500,
      method: 'POST',
      path: '/openai/deployments/chat/chat/completions',
      query: 'api-version=2025-04-01-preview',
      bodyKept: true,
      body: JSON.stringify(hello),
      json: hello,
      operation: 'chatCompletions',
      deployment: 'chat',
      client: keyClient,
      status: 200,
      usage: { promptTokens: 8, completionTokens: 5 },
      firstByteMs: 0,
      durationMs: 0,
      aborted: false,
      streamed: false,
      retryOf: undefined,
    })
  })

  it('has the retry-after of an answer and the wait of a retry', async () => {
    const { journal, ask, clock } = setUp()
    await ask()
    const retryAfterMs = waitOf(await ask())
    await clock.advance(retryAfterMs - 100)
    await ask()
    expect(journal.entries().slice(1)).toMatchObject([
      { id: 2, status: 429, limitedBy: 'requests', retryAfterMs, retryOf: undefined, early: undefined },
      { id: 3, retryOf: 2, retryIndex: 1, waitedMs: retryAfterMs - 100, early: true, forbidden: false },
    ])
  })

  it('exists when the answer is planned, and is complete when the answer was sent', async () => {
    const { journal, post, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const answer = post(deploymentPath('free', 'chat/completions'), { ...hello, stream: true })
    await clock.advance(1)
    expect(journal.entries()).toMatchObject([
      { status: 200, streamed: true, durationMs: undefined, aborted: undefined },
    ])
    await clock.advance(10_000)
    const text = (await answer).text()
    await clock.advance(10_000)
    await text
    const [entry] = journal.entries()
    expect(entry).toMatchObject({ aborted: false, usage: { completionTokens: 5 } })
    expect(entry?.durationMs).toBeGreaterThan(0)
  })

  it('records that the client left', async () => {
    const { journal, post, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const answer = post(deploymentPath('free', 'chat/completions'), { ...hello, stream: true })
    await clock.advance(10_000)
    await (await answer).body!.cancel()
    expect(journal.entries()).toMatchObject([{ status: 200, aborted: true }])
  })

  it('contains no key, wherever it was sent', async () => {
    const { journal, ask } = setUp()
    await ask({
      'x-api-key': 'other-secret',
      cookie: 'a=b',
      'x-note': testKey,
      'x-free': `Bearer ${testKey}`,
    })
    await ask({ 'api-key': '', authorization: `Bearer ${testKey}` }, hello, `${path}&subscription-key=hidden`)
    const entries = journal.entries()
    const text = JSON.stringify(journalJson(entries))
    for (const secret of [testKey, 'other-secret', 'a=b', 'hidden']) expect(text).not.toContain(secret)
    expect(entries[0]?.headers).toMatchObject({ 'api-key': '[redacted]', 'content-type': 'application/json' })
    expect(entries[1]?.query).toMatch(/^api-version=\S+&subscription-key=REDACTED$/)
  })

  it('names the client by its test or by a hash of the key that it sent', async () => {
    const { journal, ask } = setUp()
    await ask({ 'x-sim-test': 'checkout' })
    await ask()
    await ask({ 'api-key': 'wrong' })
    await ask({ 'api-key': '', authorization: '' })
    const wrong = createHash('sha256').update('wrong').digest('hex').slice(0, 8)
    const clients = journal.entries().map(({ client }) => client)
    expect(clients.slice(0, 3)).toEqual(['checkout', keyClient, `key:${wrong}`])
  })

  it('is exported as JSON with units in its names', async () => {
    const { journal, ask } = setUp()
    await ask()
    await ask()
    await ask()
    expect(journalJson(journal.entries()).requests[2]).toMatchObject({
      id: 3,
      json: hello,
      limited_by: 'requests',
      retry_after_ms: 60_000,
      duration_ms: 0,
      usage: null,
      retry: { of: 2, index: 1, waited_ms: 0, told_ms: 60_000, early: true, forbidden: false },
    })
  })
})

describe('the journal', () => {
  const fill = async () => {
    const set = setUp()
    await set.ask({ 'x-sim-test': 'one' })
    await set.ask({ 'x-sim-test': 'one' })
    await set.ask({ 'x-sim-test': 'one' })
    await set.ask({}, { input: 'x' }, deploymentPath('embedding', 'embeddings'))
    await set.app.request('/openai/models?api-version=2024-10-21', { headers: { 'api-key': testKey } })
    return set
  }

  it.each([
    [{}, [1, 2, 3, 4, 5]],
    [{ operation: 'embeddings' }, [4]],
    [{ deployment: 'chat' }, [1, 2, 3]],
    [{ status: 429 }, [2, 3]],
    [{ status: '4xx' }, [2, 3]],
    [{ client: 'one' }, [1, 2, 3]],
    [{ path: '/openai/models' }, [5]],
    [{ method: 'get' }, [5]],
    [{ limitedBy: 'requests' }, [2, 3]],
    [{ retriesOnly: true }, [3]],
    [{ sinceId: 3 }, [4, 5]],
    [{ limit: 2 }, [4, 5]],
    [{ deployment: 'chat', limit: 1 }, [3]],
    [{ deployment: 'chat', client: 'two' }, []],
  ] as const)('returns the entries that match %j', async (filter, ids) => {
    const { journal } = await fill()
    expect(journal.entries(filter).map(({ id }) => id)).toEqual(ids)
  })

  it('keeps the last requests, and the report covers all of them', async () => {
    const { journal, ask, client } = setUp({ env: { JOURNAL_SIZE: '3' } })
    for (let request = 0; request < 10; request++) await ask()
    expect(journal.entries().map(({ id }) => id)).toEqual([8, 9, 10])
    expect(client()).toMatchObject({ requests: 10, retries: 8 })
  })

  it('is empty after clear(), and ids continue', async () => {
    const { journal, ask, clock } = await fill()
    await clock.advance(1_000)
    journal.clear()
    expect(journal.entries()).toEqual([])
    expect(journal.retryReport()).toMatchObject({ since: '2026-01-01T00:00:01.000Z', clients: [] })
    await ask()
    expect(journal.entries().map(({ id }) => id)).toEqual([6])
  })

  it('is off by default', () => {
    expect(createTestSimulator().simulator.journal).toBeUndefined()
  })
})

describe('the bodies in the journal', () => {
  const { simulator, clock } = createTestSimulator()
  const send = async (journal: ReturnType<typeof createJournal>, body: Buffer, headers = {}) => {
    const exchange = testExchange({ path: '/x', headers, body }, { config: simulator.config, clock })
    await journal.observe(exchange, () =>
      Promise.resolve({ status: 500, headers: new HeaderList(), body: textBody('') }),
    )
    exchange.end({ aborted: false, firstByteMs: 0, endMs: 0 })
  }
  const create = (size = 10_000) =>
    createJournal({ size, clock, testHeader: 'x-sim-test', secrets: () => [] })
  const kept = (journal: ReturnType<typeof createJournal>) =>
    journal.entries().filter(({ bodyKept }) => bodyKept)

  it('are text, or bytes if they are not UTF-8', async () => {
    const journal = create()
    await send(journal, Buffer.from('hällo'))
    await send(journal, Buffer.from([0xff, 0x00]))
    await send(journal, Buffer.alloc(0))
    expect(journal.entries().map(({ body }) => body)).toEqual(['hällo', Buffer.from([0xff, 0x00]), ''])
    expect(journalJson(journal.entries()).requests).toMatchObject([
      { text: 'hällo' },
      { base64: '/wA=' },
      { body_bytes: 0 },
    ])
  })

  it('are stored up to 64 KB each', async () => {
    const journal = create()
    await send(journal, Buffer.alloc(64 * 1024, 'a'))
    await send(journal, Buffer.alloc(64 * 1024 + 1, 'a'))
    expect(journal.entries()).toMatchObject([
      { bodyBytes: 65_536, bodyKept: true },
      { bodyBytes: 65_537, bodyKept: false, body: undefined, json: undefined },
    ])
  })

  it('are stored up to 64 MB in total, the newest ones', async () => {
    const journal = create()
    const body = Buffer.alloc(64 * 1024, 'a')
    for (let request = 0; request < 1_030; request++) await send(journal, body)
    expect(journal.entries()).toHaveLength(1_030)
    expect(kept(journal).map(({ id }) => id)).toEqual(Array.from({ length: 1_024 }, (_, index) => index + 7))
  })

  it('free their memory when their entries are removed', async () => {
    const journal = create(4)
    for (let request = 0; request < 3_000; request++) await send(journal, Buffer.alloc(64 * 1024, 'a'))
    expect(kept(journal).map(({ id }) => id)).toEqual([2_997, 2_998, 2_999, 3_000])
  })

  it('are compared without the multipart boundary, which clients choose at random', async () => {
    const journal = create()
    for (const boundary of ['aaa', 'bbb', 'ccc']) {
      const text = boundary === 'ccc' ? 'other' : 'same'
      const body = `--${boundary}\r\ncontent-disposition: form-data; name="x"\r\n\r\n${text}\r\n--${boundary}--\r\n`
      await send(journal, Buffer.from(body), { 'content-type': `multipart/form-data; boundary=${boundary}` })
    }
    expect(journal.entries({ retriesOnly: true }).map(({ id }) => id)).toEqual([2])
  })

  it('of several megabytes are compared by their start and end', async () => {
    const journal = create()
    const long = Buffer.alloc(8 * 1024 * 1024, 'a')
    await send(journal, long)
    await send(journal, Buffer.from(long))
    await send(journal, long.subarray(1))
    expect(journal.entries({ retriesOnly: true }).map(({ id }) => id)).toEqual([2])
  })
})

describe('the retry report', () => {
  it('has no findings if a client waits as required', async () => {
    const { ask, client, clock } = setUp()
    for (let round = 0; round < 5; round++) {
      const response = await ask()
      if (response.status === 429) await clock.advance(waitOf(response))
    }
    expect(client()).toMatchObject({
      client: keyClient,
      requests: 5,
      failures: 2,
      retries: 2,
      early: { count: 0, worst_shortfall_ms: 0, examples: [] },
      forbidden: { count: 0 },
      herds: { count: 0, largest: null },
      waited: { min_ms: 60_000, median_ms: 60_000, max_ms: 60_000 },
      max_retry_index: 1,
    })
  })

  it('counts retries without a wait as early', async () => {
    const { ask, client, clock } = setUp()
    await ask()
    for (let request = 0; request < 3; request++) {
      await ask()
      await clock.advance(10_000)
    }
    expect(client()).toMatchObject({
      retries: 2,
      retries_by_status: { 429: 2 },
      early: { count: 2, worst_shortfall_ms: 50_000 },
      max_retry_index: 2,
    })
    expect(client().early.examples[0]).toMatchObject({
      id: 3,
      retry_of: 2,
      deployment: 'chat',
      told_ms: 60_000,
      waited_ms: 10_000,
    })
  })

  it('accepts a client that reads only whole seconds', async () => {
    const { ask, client, clock } = setUp()
    await ask()
    await clock.advance(333)
    const seconds = Number((await ask()).headers.get('retry-after'))
    await clock.advance(seconds * 1_000)
    await ask()
    expect(client()).toMatchObject({ retries: 1, early: { count: 0 } })
  })

  it('counts repeated requests that cannot succeed', async () => {
    const { ask, client } = setUp()
    const free = deploymentPath('free', 'chat/completions')
    for (let request = 0; request < 3; request++) await ask({}, { messages: 'no list' }, free)
    expect(client()).toMatchObject({
      failures_by_status: { 400: 3 },
      forbidden: { count: 2 },
      early: { count: 0 },
    })
  })

  it('treats a request with another key or api-version as a different one', async () => {
    const { ask, client } = setUp()
    await ask({ 'x-sim-test': 't', 'api-key': 'old' })
    await ask({ 'x-sim-test': 't' })
    await ask({ 'x-sim-test': 't' }, hello, path.replace('2025-04-01-preview', '1999-01-01'))
    await ask({ 'x-sim-test': 't' })
    expect(client()).toMatchObject({ requests: 4, retries: 0 })
  })

  it('counts other calls of a limited deployment separately', async () => {
    const { ask, client } = setUp()
    await ask()
    await ask()
    await ask({}, { ...hello, max_tokens: 6 })
    await ask({}, hello, deploymentPath('free', 'chat/completions'))
    expect(client()).toMatchObject({ retries: 0, calls_while_limited: 1 })
  })

  it('counts retries after a connection that a fault cut', async () => {
    const { post, journal, client } = setUp()
    const free = deploymentPath('free', 'chat/completions')
    await post(free, hello, { 'x-sim-fault': 'cutBeforeHeaders' }).catch(() => {})
    const broken = await post(free, hello, { 'x-sim-fault': 'cut' })
    await broken.text().catch(() => {})
    await post(free, hello)
    expect(client()).toMatchObject({
      failures_by_status: { cut: 2 },
      retries: 2,
      retries_by_status: { cut: 2 },
    })
    expect(journal.entries({ retriesOnly: true }).map(({ retryOf }) => retryOf)).toEqual([1, 2])
  })

  it('does not count a retry if the client left before the answer', async () => {
    const { post, client, clock } = setUp({ env: { LATENCY_TIME_SCALE: '1' } })
    const free = deploymentPath('free', 'chat/completions')
    const answer = post(free, { ...hello, stream: true })
    await clock.advance(10_000)
    await (await answer).body!.cancel()
    void post(free, { ...hello, stream: true })
    await clock.advance(1)
    expect(client()).toMatchObject({ requests: 2, retries: 0 })
  })

  it('reports a herd when many retries arrive at the same moment', async () => {
    const { ask, client, clock } = setUp()
    const bodies = Array.from({ length: 20 }, (_, index) => ({ ...hello, max_tokens: index + 1 }))
    await ask()
    await Promise.all(bodies.map((body) => ask({}, body)))
    await clock.advance(60_000)
    await Promise.all(bodies.map((body) => ask({}, body)))
    expect(client()).toMatchObject({
      retries: 20,
      early: { count: 0 },
      herds: {
        count: 1,
        largest: { deployment: 'chat', size: 20, at: '2026-01-01T00:01:00.000Z', failures_within_ms: 0 },
      },
    })
  })

  it('lists clients with findings first, and has totals', async () => {
    const { ask, journal } = setUp()
    for (let request = 0; request < 5; request++)
      await ask({ 'x-sim-test': 'calm' }, hello, deploymentPath('free', 'chat/completions'))
    for (let request = 0; request < 3; request++) await ask({ 'x-sim-test': 'hasty' })
    const { clients, totals } = journal.retryReport()
    expect(clients.map(({ client }) => client)).toEqual(['hasty', 'calm'])
    expect(totals).toMatchObject({
      clients: 2,
      forgottenClients: 0,
      requests: 8,
      failures: 2,
      retries: 1,
      early: 1,
    })
  })
})
