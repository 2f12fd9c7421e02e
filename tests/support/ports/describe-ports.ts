import type { Miss, RecordingUseSink, SentUse } from '../../../src/recordings/recording-use.ts'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/lib/random.ts'
import { findModel } from '../../../src/wire/models/model-catalogue.ts'
import type { Model } from '../../../src/wire/models/models.ts'
import { ResponseIds } from '../../../src/wire/responses/response-ids.ts'
import { inputItems } from '../../../src/generate/responses/input-items.ts'
import type { ResponseArchive, ResponseRecord } from '../../../src/generate/responses/response-archive.ts'
import { ResponseProgress, writtenItems } from '../../../src/generate/responses/stream-response.ts'
import type { MessageOutput } from '../../../src/wire/responses/response-object.ts'
import type { CallStarted, JournalSink } from '../../../src/journal/journal-sink.ts'
import type { JournalEntry } from '../../../src/journal/journal-entry.ts'
import type { ConcurrencyLimiter, SlotGrant, SlotRefusal } from '../../../src/latency/concurrency-limiter.ts'
import { limitsOf } from '../../../src/limits/limit-plan.ts'
import type { LimitRequest, LimitResult, RateLimiter } from '../../../src/limits/rate-limiter.ts'
import type { AuditRecord, AuditSink } from '../../../src/server/twin/audit-log.ts'
import type { ReplayCursors } from '../../../src/recordings/replay-cursors.ts'

/** Creates an adapter with separate state for a test. */
export type MakeAdapter<P> = () => P | Promise<P>

const model = gpt4o()

function gpt4o(): Model {
  const found = findModel('gpt-4o')
  if (!found) throw new Error('The catalogue lacks gpt-4o.')
  return found
}

/** A request to a deployment with these limits; all tokens are of the prompt. */
export function limitRequest(
  promptTokens: number,
  limits: object = { tokensPerMinute: 1_000, requestsPerMinute: 60_000 },
  resource = 'default',
): LimitRequest {
  const asked = limitsOf({ name: 'chat', model, ...limits }, '2026-09', 1)
  if (!asked) throw new Error('no limits')
  return { resource, deployment: 'chat', limits: asked, cost: { promptTokens, completionTokens: 0 } }
}

const usage = (promptTokens: number, cachedTokens = 0) => ({
  promptTokens,
  cachedTokens,
  completionTokens: 0,
  reasoningTokens: 0,
})

function admitted(result: LimitResult): LimitResult & { readonly admitted: true } {
  if (!result.admitted) throw new Error('refused')
  return result
}

/** The rules of limits, whoever keeps them. */
export function describeRateLimiter(name: string, make: MakeAdapter<RateLimiter>): void {
  describe(`rate limiter: ${name}`, () => {
    it('admits until the tokens are used, and tells how the limits stand', async () => {
      const limiter = await make()
      expect(await limiter.decide(limitRequest(600))).toMatchObject({
        admitted: true,
        status: { tokens: { limit: 1_000, remaining: 400, renewalSeconds: 60 } },
      })
      expect((await limiter.decide(limitRequest(500))).admitted).toBe(true)
      expect(await limiter.decide(limitRequest(1))).toMatchObject({ admitted: false, kind: 'token' })
    })

    it('replaces the estimate by the usage, and by zero for a request without usage', async () => {
      const limiter = await make()
      const { lease } = admitted(await limiter.decide(limitRequest(600)))
      const failed = admitted(await limiter.decide(limitRequest(300)))
      limiter.settle(lease, usage(200))
      limiter.settle(failed.lease, undefined)
      await expect
        .poll(async () => limiter.status(limitRequest(0)))
        .toMatchObject({ tokens: { used: 200, limit: 1_000 } })
    })

    it('takes cached tokens out of the charge of a provisioned deployment once', async () => {
      const limiter = await make()
      const units = { provisionedThroughputUnits: 15 }
      const { lease, status } = admitted(await limiter.decide(limitRequest(10_000, units)))
      const after = await limiter.discount(lease, 9_000)
      expect(after).toBeLessThan((status.utilization ?? 0) / 2)
      limiter.settle(lease, usage(10_000, 9_000))
      await expect
        .poll(async () => {
          const status = await limiter.status(limitRequest(0, units))
          return status.kind === 'provisioned' && status.utilization
        })
        .toBeCloseTo(after ?? 0, 2)
    })

    it('limits requests alone, without tokens', async () => {
      const limiter = await make()
      const one = { requestsPerMinute: 1 }
      const first = admitted(await limiter.decide(limitRequest(1e9, one)))
      expect(first.status.tokens).toBeUndefined()
      expect(await limiter.decide(limitRequest(1, one))).toMatchObject({ admitted: false, kind: 'call' })
    })

    it('keeps deployments of equal name in two resources apart', async () => {
      const limiter = await make()
      await limiter.decide(limitRequest(1_000))
      expect((await limiter.decide(limitRequest(1))).admitted).toBe(false)
      expect((await limiter.decide(limitRequest(1, undefined, 'other'))).admitted).toBe(true)
    })
  })
}

const concurrency = { slots: 1, queueLength: 1, queueTimeoutMs: 60_000 }

interface Asked {
  readonly answer: Promise<SlotGrant | SlotRefusal | undefined>
  end(): void
}

async function askSlot(limiter: ConcurrencyLimiter, resource = 'default'): Promise<Asked> {
  const result = await limiter.take({ resource, deployment: 'chat', concurrency, timeScale: 1 })
  if (result === 'queue-full') return { answer: Promise.resolve(result), end() {} }
  const { lease, grant } = result
  const answer = grant ? Promise.resolve(grant) : limiter.wait(lease)
  return { answer, end: () => limiter.end(lease) }
}

/** The rules of slots, whoever keeps them. */
export function describeConcurrencyLimiter(name: string, make: MakeAdapter<ConcurrencyLimiter>): void {
  describe(`concurrency limiter: ${name}`, () => {
    it('grants slots in order of arrival, and then to waiting requests', async () => {
      const limiter = await make()
      const first = await askSlot(limiter)
      expect(await first.answer).toEqual({ others: 0, waited: false })
      const second = await askSlot(limiter)
      first.end()
      expect(await second.answer).toEqual({ others: 0, waited: true })
    })

    it('refuses a request that finds the queue full, and takes one again when a waiting one has left', async () => {
      const limiter = await make()
      const first = await askSlot(limiter)
      await first.answer
      const waiting = await askSlot(limiter)
      // A keeper far away tells by its wait that the queue is full.
      await expect.poll(async () => (await askSlot(limiter)).answer).toBe('queue-full')
      waiting.end()
      expect(await waiting.answer).toBe('left')
      const next = await askSlot(limiter)
      first.end()
      expect(await next.answer).toMatchObject({ waited: true })
    })

    it('keeps deployments of equal name in two resources apart', async () => {
      const limiter = await make()
      await (
        await askSlot(limiter)
      ).answer
      expect(await (await askSlot(limiter, 'other')).answer).toEqual({ others: 0, waited: false })
    })
  })
}

/** The rules of the cursors of recordings, whoever keeps them. */
export function describeReplayCursors(name: string, make: MakeAdapter<ReplayCursors>): void {
  describe(`replay cursors: ${name}`, () => {
    it('count each list and each test from 0', async () => {
      const cursors = await make()
      const next = async (list: string, test?: string): Promise<number> => cursors.next(list, test)
      expect([await next('a'), await next('a'), await next('b')]).toEqual([0, 1, 0])
      expect([await next('a', 'test'), await next('a', 'test'), await next('a')]).toEqual([0, 1, 2])
    })

    it('restart for one test, or for all', async () => {
      const cursors = await make()
      const next = async (test?: string): Promise<number> => cursors.next('a', test)
      for (const test of [undefined, 'one', 'two']) await next(test)
      // Only the process that has the cursors clears them.
      if (!cursors.clear) return
      await cursors.clear('one')
      await cursors.clear('three')
      expect([await next('one'), await next('two'), await next()]).toEqual([0, 1, 1])
      await cursors.clear()
      expect([await next('one'), await next('two'), await next()]).toEqual([0, 0, 0])
    })

    it('count requests that come together, none twice', async () => {
      const cursors = await make()
      const counts = await Promise.all(Array.from({ length: 20 }, async () => cursors.next('a', undefined)))
      expect(counts.toSorted((a, b) => a - b)).toEqual(counts.map((_, index) => index))
    })
  })
}

/** A response that its client waits for, or one in the background. */
export function responseRecord(seed: string, background = false): ResponseRecord {
  const ids = new ResponseIds(createRandom(seed))
  return {
    resource: 'default',
    id: ids.next('resp', 1),
    ids,
    createdMs: 1_000,
    deployment: 'chat',
    model,
    request: { input: 'hi', background },
    items: [{ type: 'message', role: 'user', content: 'hi' }],
    historyTokens: 0,
    toolHistory: { rounds: 0, called: [], servers: [] },
    output: [],
    finishReason: 'stop',
    usage: usage(1),
    progress: new ResponseProgress(background, 1_000),
    weight: 100,
  }
}

/** The rules of stored responses, whoever keeps them. */
export function describeResponseArchive(name: string, make: MakeAdapter<ResponseArchive>): void {
  describe(`response archive: ${name}`, () => {
    it('finds a response by its resource and id until it is deleted', async () => {
      const archive = await make()
      const record = responseRecord('a')
      await archive.add(record)
      expect(await archive.get('default', record.id, 1_000)).toMatchObject({
        id: record.id,
        usage: record.usage,
      })
      expect(await archive.get('other', record.id, 1_000)).toBeUndefined()
      await archive.delete(record)
      expect(await archive.get('default', record.id, 1_000)).toBeUndefined()
    })

    it('shows a response as ended after its end was reported', async () => {
      const archive = await make()
      const record = responseRecord('b')
      const { lease } = await archive.add(record)
      expect(lease).toBeDefined()
      record.progress.finish(2_000)
      await archive.finish(lease, record)
      const found = await archive.get('default', record.id, 3_000)
      expect(found?.progress.stageAt(3_000)).toBe('ended')
    })

    it('shows a cancelled background response as cancelled', async () => {
      const archive = await make()
      const record = responseRecord('c', true)
      expect((await archive.add(record)).lease).toBeUndefined()
      record.progress.plan({ stepsMs: Float64Array.of(500, 60_000), endMs: 60_000 })
      await archive.update(record)
      expect((await archive.get('default', record.id, 2_000))?.progress.stageAt(2_000)).toBe('queued')
      record.progress.cancel(2_000)
      await archive.cancel(record)
      expect((await archive.get('default', record.id, 2_000))?.progress.stageAt(2_000)).toBe('cancelled')
    })

    it('returns what the events and their times are derived from', async () => {
      const archive = await make()
      const text = 'Grüße, 世界'
      const message: MessageOutput = {
        id: 'msg_1',
        type: 'message',
        status: 'completed',
        content: [{ type: 'output_text', annotations: [], logprobs: [], text }],
        role: 'assistant',
      }
      const record = { ...responseRecord('e', true), output: [message], written: [{ lengths: [5, 2, 2] }] }
      await archive.add(record)
      record.progress.plan({ stepsMs: Float64Array.of(500, 2_500), endMs: 2_500 })
      await archive.update(record)
      const found = await archive.get('default', record.id, 1_000)
      if (!found) throw new Error('The archive has no record.')
      expect(writtenItems(found)).toEqual([{ item: message, pieces: ['Grüße', ', ', '世界'] }])
      expect([0, 0.5, 1].map((share) => found.progress.dueMs(share))).toEqual([1_500, 2_500, 3_500])
    })

    it('finds an item of the input by its id', async () => {
      const archive = await make()
      const record = responseRecord('d')
      const [item] = inputItems(record)
      await archive.add(record)
      const id = item?.id ?? ''
      expect(await archive.findItem('default', id, 1_000)).toEqual({ item, isOutput: false })
    })
  })
}

/** A request of a journal. Times are those of the system clock. */
export function startedCall(path: string, startedMs: number, body = Buffer.from('{}')): CallStarted {
  return {
    startedMs,
    requestId: path,
    method: 'POST',
    path,
    query: '',
    headers: {},
    body,
    bodyBytes: body.length,
    operation: undefined,
    resource: 'default',
    deployment: 'chat',
    spilledOverFrom: undefined,
    client: 'client',
    caller: undefined,
    status: 200,
    limitedBy: undefined,
    retryAfterMs: undefined,
    streamed: false,
    usage: undefined,
    attempt: undefined,
  }
}

/** A journal to write to, and a reader of it. */
export interface TestedJournal {
  readonly sink: JournalSink
  readonly entries: () => JournalEntry[] | Promise<JournalEntry[]>
}

/** The rules of the journal, whoever keeps it. */
export function describeJournalSink(name: string, make: MakeAdapter<TestedJournal>): void {
  describe(`journal: ${name}`, () => {
    it('notes requests in the order of their planning, with their ends and their bodies', async () => {
      const { sink, entries } = await make()
      const nowMs = performance.now()
      const bytes = Buffer.from([0xff, 0xfe, 0x00])
      const first = sink.started(startedCall('/first', nowMs - 20), nowMs - 10)
      sink.started(startedCall('/second', nowMs - 30, bytes), nowMs - 5)
      sink.ended(first, {
        usage: usage(7),
        firstByteMs: 12,
        durationMs: 15,
        answeredAtMs: nowMs - 5,
        aborted: false,
        failure: undefined,
      })
      const found = await entries()
      expect(found.map(({ path }) => path)).toEqual(['/first', '/second'])
      expect(found[0]).toMatchObject({
        durationMs: 15,
        firstByteMs: 12,
        json: {},
        usage: { promptTokens: 7 },
      })
      expect(found[1]).toMatchObject({ bodyBytes: 3, durationMs: undefined })
    })
  })
}

const auditRecord: AuditRecord = {
  timestamp: '2026-01-01T00:00:00.000Z',
  tenant_id: 'a',
  correlation_id: 'b',
  plane: 'data',
  operation: 'data.models.list',
  resource: null,
  outcome: 'success',
  reason: null,
  details: { stream: false, n_inputs: 0, list: [null] },
}

/** An adapter of an audit log, and the records that it has kept. */
export interface TestedAudit {
  readonly sink: AuditSink
  readonly entries: () => Promise<readonly AuditRecord[]> | readonly AuditRecord[]
}

export function describeAuditSink(name: string, make: MakeAdapter<TestedAudit>): void {
  describe(`audit: ${name}`, () => {
    it('keeps records unchanged, in their order', async () => {
      const { sink, entries } = await make()
      const second = { ...auditRecord, resource: { type: 'resource', id: 'acme' }, reason: 'x' }
      sink.add(auditRecord)
      sink.add(second)
      expect(await entries()).toEqual([
        { id: 2, twin: 'aoai', ...second },
        { id: 1, twin: 'aoai', ...auditRecord },
      ])
    })
  })
}

interface TestedRecordingUse {
  readonly sink: RecordingUseSink
  /** What has arrived, in its order. */
  readonly arrived: () => readonly unknown[] | Promise<readonly unknown[]>
}

/** Tests what takes the use of recordings, and requests without one. */
export function describeRecordingUse(name: string, make: MakeAdapter<TestedRecordingUse>): void {
  describe(`use of recordings: ${name}`, () => {
    it('keeps counts, and requests with their bytes', async () => {
      const { sink, arrived } = await make()
      const miss: Miss = {
        folder: 'f',
        epochMs: 1,
        resource: 'default',
        deployment: 'chat',
        requestId: 'id',
        method: 'POST',
        path: '/v1/chat/completions',
        query: '',
        headers: { 'x-list': ['a', 'b'] },
        body: Buffer.from([0, 255, 10]),
        bodyBytes: 3,
        action: 'error',
        nearest: undefined,
      }
      const use: SentUse = { folder: 'f', hits: 2, misses: 1, entries: [['a.yaml', 0, 2, 2, 5]] }
      sink.missed(miss)
      sink.used(use)
      sink.missed({ ...miss, body: undefined })
      sink.missed({ ...miss, body: Buffer.alloc(0) })
      expect(await arrived()).toEqual([
        miss,
        use,
        { ...miss, body: undefined },
        { ...miss, body: Buffer.alloc(0) },
      ])
    })
  })
}
