import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionReports } from './connection-reports.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function collect(): { readonly reports: ConnectionReports; readonly told: object[] } {
  const told: object[] = []
  const warn = (fields: object): void => void told.push(fields)
  const logger = { debug: warn, info: warn, warn, error: warn }
  return { reports: new ConnectionReports(logger, 5), told }
}

describe('ConnectionReports', () => {
  it('tells of the first at once, and of all others once a minute, by their numbers', () => {
    const { reports, told } = collect()
    for (let count = 0; count < 1_000; count++) reports.count('turnedAway')
    reports.count('late')
    expect(told).toEqual([{ turnedAway: 1, maxConnections: 5 }])
    vi.advanceTimersByTime(60_000)
    expect(told.slice(1)).toEqual([{ turnedAway: 999, late: 1, maxConnections: 5 }])
    vi.advanceTimersByTime(600_000)
    expect(told).toHaveLength(2)
    reports.count('malformed')
    expect(told[2]).toEqual({ malformed: 1 })
  })

  it('tells at the end what it has not told', () => {
    const { reports, told } = collect()
    reports.count('late')
    reports.count('late')
    reports.close()
    expect(told).toEqual([{ late: 1 }, { late: 1 }])
    expect(vi.getTimerCount()).toBe(0)
  })
})
