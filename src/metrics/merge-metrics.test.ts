import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { countsOf, mergeMetrics, type MetricsJson, registryJson, sumOf } from './merge-metrics.ts'

const made = async (requests: number, lag: number, seconds: number): Promise<MetricsJson> => {
  const simulator = new Registry()
  const own = new Registry()
  const help = 'Help.'
  new Counter({ name: 'requests', help, labelNames: ['status'], registers: [simulator] }).inc(
    { status: '200' },
    requests,
  )
  new Gauge({ name: 'in_flight', help, registers: [simulator] }).set(requests)
  new Gauge({ name: 'lag', help, aggregator: 'max', registers: [simulator] }).set(lag)
  new Histogram({ name: 'duration', help, buckets: [1, 2], registers: [simulator] }).observe(seconds)
  new Gauge({ name: 'memory', help, registers: [own] }).set(requests)
  return {
    simulator: await registryJson(simulator),
    process: await registryJson(own),
    times: [],
    tookMs: 0,
    workers: 1,
  }
}

const linesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('metrics of several processes', () => {
  it('are summed, except for gauges with another aggregator and metrics of the process', async () => {
    const text = await mergeMetrics([
      { worker: '1', metrics: await made(3, 0.5, 0.5) },
      { worker: '2', metrics: await made(4, 0.25, 1.5) },
    ])
    expect(linesOf(text)).toEqual([
      'requests{status="200"} 7',
      'in_flight 7',
      'lag 0.5',
      'duration_bucket{le="1"} 1',
      'duration_bucket{le="2"} 2',
      'duration_bucket{le="+Inf"} 2',
      'duration_sum 2',
      'duration_count 2',
      'memory{worker="1"} 3',
      'memory{worker="2"} 4',
    ])
  })

  it('include the counters of a process that has exited, but not its gauges', async () => {
    const ended = await sumOf([countsOf(await made(3, 0.5, 0.5)), countsOf(await made(5, 0.5, 0.5))])
    const text = await mergeMetrics([
      { worker: '3', metrics: await made(1, 0.1, 0.5) },
      { worker: 'ended', metrics: ended },
    ])
    expect(linesOf(text)).toContain('requests{status="200"} 9')
    expect(linesOf(text)).toContain('in_flight 1')
    expect(linesOf(text)).toContain('duration_count 3')
  })
})
