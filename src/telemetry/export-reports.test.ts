import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { ExportReports } from './open-exports.ts'

const setUp = () => {
  const lines: string[] = []
  const clock = createVirtualClock()
  const note = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${message}`)
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  return { reports: new ExportReports(clock, logger), clock, lines }
}
const refused = { code: 1, error: Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' }) }

describe('ExportReports', () => {
  it('says once a minute at most that the collector is away, for all signals together', async () => {
    const { reports, clock, lines } = setUp()
    for (let second = 0; second < 90; second++) {
      reports.report('metrics', refused)
      reports.report('traces', refused)
      await clock.advance(1_000)
    }
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('connect refused (ECONNREFUSED)')
  })

  it('says when the collector takes telemetry again, and nothing while it always does', async () => {
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

  it('names the reason where an address stands for several', () => {
    const { reports, lines } = setUp()
    const error = Object.assign(new AggregateError([new Error('connect ::1')]), { code: 'ECONNREFUSED' })
    reports.report('traces', { code: 1, error })
    expect(lines[0]).toContain('connect ::1 (ECONNREFUSED)')
  })

  it('hands on what it watches', () => {
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
