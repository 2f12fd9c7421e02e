import { describe, expect, it, onTestFinished } from 'vitest'
import { testConfig } from '../../../tests/support/test-config.ts'
import { createRandom } from '../../lib/random.ts'
import { createVirtualClock } from '../../lib/virtual-clock.ts'
import { createMetrics } from '../../metrics/metrics.ts'
import { statsOf } from '../../metrics/stats.ts'
import { Exchange } from '../../pipeline/exchange.ts'
import { textReply } from '../../pipeline/make-reply.ts'
import { WorkerMetrics } from './worker-metrics.ts'
import { serializeValue } from './worker-messages.ts'

const config = testConfig()

/** Creates a worker with answered requests, and requests in flight. */
async function startWorker(number: number, answered: number, running = 0, unused?: readonly string[]) {
  const clock = createVirtualClock()
  const metrics = createMetrics({ clock })
  for (let index = 0; index < answered + running; index++) {
    const exchange = new Exchange(
      { method: 'POST', path: '/openai/v1/chat/completions', query: '', headers: {}, body: Buffer.alloc(0) },
      { config, clock, random: createRandom('worker'), startedMs: 0 },
    )
    await metrics.observe(exchange, async () => textReply('ok'))
    if (index < answered) exchange.end({ aborted: false, firstByteMs: 1, endMs: 1 })
  }
  const report = async () => ({ metrics: await metrics.toJson(), unused })
  return { number, report, control: { report: async () => serializeValue(await report()) } }
}

const openMetrics = () => {
  const all = new WorkerMetrics(createMetrics({ clock: createVirtualClock() }))
  onTestFinished(() => all.close())
  return all
}

/** Sums a metric over its labels. */
const sumIn = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )

describe('WorkerMetrics', () => {
  it('sums the counts of all workers', async () => {
    const all = openMetrics()
    all.add(await startWorker(1, 3, 1))
    all.add(await startWorker(2, 4, 2))
    const text = await all.render()
    expect(sumIn(text, 'aoai_requests_total')).toBe(7)
    expect(sumIn(text, 'aoai_requests_in_flight')).toBe(3)
    expect(await all.requestsInFlight()).toBe(3)
  })

  it('returns the merged metrics as JSON, with the counts of exited workers', async () => {
    const all = openMetrics()
    const leaving = await startWorker(1, 3)
    all.add(leaving)
    all.add(await startWorker(2, 4, 2))
    await all.render()
    all.remove(leaving)
    const { totals } = statsOf(await all.toJson())
    expect([totals.requests, totals.active, totals.latency?.count]).toEqual([7, 2, 7])
  })

  it('labels process metrics with the worker', async () => {
    const all = openMetrics()
    all.add(await startWorker(1, 1))
    const text = await all.render()
    const workers = [...text.matchAll(/^process_cpu_seconds_total\{.*?worker="(\w+)"/gm)].map(
      ([, name]) => name,
    )
    expect(workers).toEqual(['primary', '1'])
  })

  it('keeps the counts of exited workers, but not their requests in flight', async () => {
    const all = openMetrics()
    for (let number = 1; number <= 20; number++) {
      const worker = await startWorker(number, 2, 1)
      all.add(worker)
      all.setReport(worker, await worker.report())
      all.remove(worker)
    }
    all.add(await startWorker(21, 5))
    await new Promise(setImmediate)
    const text = await all.render()
    expect(sumIn(text, 'aoai_requests_total')).toBe(45)
    expect(sumIn(text, 'aoai_requests_in_flight')).toBe(0)
  })

  it('uses the last report of a worker that does not answer', async () => {
    const all = openMetrics()
    const worker = await startWorker(1, 3)
    all.add(worker)
    await all.render()
    worker.control.report = async () => Promise.reject(new Error('exited'))
    expect(sumIn(await all.render(), 'aoai_requests_total')).toBe(3)
  })
})

describe('WorkerMetrics.unused', () => {
  it('lists the recordings that every worker reports, including exited workers', async () => {
    const all = openMetrics()
    const workers = [
      await startWorker(1, 0, 0, ['a:1', 'b:1', 'c:1']),
      await startWorker(2, 0, 0, ['b:1', 'c:1', 'd:1']),
      await startWorker(3, 0, 0, ['c:1', 'a:1']),
    ]
    for (const worker of workers) {
      all.add(worker)
      all.setReport(worker, await worker.report())
    }
    all.remove(workers[0]!)
    expect(all.unused).toEqual(['c:1'])
  })

  it('is undefined if no worker reports them', async () => {
    const all = openMetrics()
    const worker = await startWorker(1, 1)
    all.add(worker)
    all.setReport(worker, await worker.report())
    expect(all.unused).toBeUndefined()
  })
})
