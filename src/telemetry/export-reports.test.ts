import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { ExportReports } from './open-exports.ts'

const setUp = () => {
  const lines: string[] = []
  const clock = createVirtualClock()
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${message}`)
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  return { reports: new ExportReports(clock, logger), clock, lines }
}
const refused = { code: 1, error: Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' }) }

describe('ExportReports', () => {
  it('logs an unavailable collector at most once per minute, for all signals', async () => {
    const { reports, clock, lines } = setUp()
    for (let second = 0; second < 90; second++) {
      reports.report('metrics', refused)
      reports.report('traces', refused)
      await clock.advance(1_000)
    }
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('connect refused (ECONNREFUSED)')
  })

  it('logs when the collector is available again, and nothing while it always is', async () => {
    const { reports, clock, lines } = setUp()
    reports.report('metrics', { code: 0 })
    expect(lines).toEqual([])
    reports.report('metrics', refused)
    reports.report('metrics', { code: 0 })
    expect(lines).toHaveLength(1)
    await clock.advance(60_000)
    reports.report('metrics', { code: 0 })
    reports.report('metrics', { code: 0 })
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['warn', 'info'])
  })

  it('logs the reason for a host with several addresses', () => {
    const { reports, lines } = setUp()
    const error = Object.assign(new AggregateError([new Error('connect ::1')]), { code: 'ECONNREFUSED' })
    reports.report('traces', { code: 1, error })
    expect(lines[0]).toContain('connect ::1 (ECONNREFUSED)')
  })

  it('passes the results of a watched exporter', () => {
    const { reports } = setUp()
    const results: number[] = []
    const exporter = reports.watch('metrics', {
      export: (batch: string, done: (result: { code: number }) => void) => done({ code: batch.length }),
    })
    exporter.export('abc', ({ code }) => results.push(code))
    expect(results).toEqual([3])
    expect(reports.failing).toBe(true)
  })
})
