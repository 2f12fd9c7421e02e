import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionReports } from './connection-reports.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function collect(): { readonly reports: ConnectionReports; readonly logged: object[] } {
  const logged: object[] = []
  const warn = (fields: object): void => void logged.push(fields)
  const logger = { debug: warn, info: warn, warn, error: warn }
  return { reports: new ConnectionReports(logger, 5), logged }
}

describe('ConnectionReports', () => {
  it('logs the first one immediately, and counts of the others once a minute', () => {
    const { reports, logged } = collect()
    for (let count = 0; count < 1_000; count++) reports.count('turnedAway')
    reports.count('late')
    expect(logged).toEqual([{ turnedAway: 1, maxConnections: 5 }])
    vi.advanceTimersByTime(60_000)
    expect(logged.slice(1)).toEqual([{ turnedAway: 999, late: 1, maxConnections: 5 }])
    vi.advanceTimersByTime(600_000)
    expect(logged).toHaveLength(2)
    reports.count('malformed')
    expect(logged[2]).toEqual({ malformed: 1 })
  })

  it('logs remaining counts when it is closed', () => {
    const { reports, logged } = collect()
    reports.count('late')
    reports.count('late')
    reports.close()
    expect(logged).toEqual([{ late: 1 }, { late: 1 }])
    expect(vi.getTimerCount()).toBe(0)
  })
})
