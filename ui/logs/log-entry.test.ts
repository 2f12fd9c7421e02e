import { describe, expect, it } from 'vitest'
import { addPage, filterOf, type LogEntry, type LogList, noEntries, queryOf } from './log-entry.ts'

const entry = (id: number): LogEntry => ({
  id,
  time: '2026-01-01T00:00:00.000Z',
  level: 'info',
  event: 'log',
  message: `message ${id}`,
  request: null,
  resource: null,
  deployment: null,
  upstream: null,
  status: null,
  code: null,
  ms: null,
  fields: {},
})
const idsOf = ({ entries }: LogList): number[] => entries.map(({ id }) => id)

describe('the filter of log entries', () => {
  it('survives the way into the address and back', () => {
    const filter = {
      levels: ['warn', 'error'] as const,
      event: 'request',
      resource: 'a&b',
      deployment: '<b>',
      request: '',
      text: 'über %',
    }
    expect(filterOf(new URLSearchParams(queryOf(filter)))).toEqual(filter)
  })

  it('ignores unknown levels', () => {
    expect(filterOf(new URLSearchParams('level=fatal,error')).levels).toEqual(['error'])
    expect(filterOf(new URLSearchParams()).levels).toEqual([])
  })
})

describe('the list of log entries', () => {
  it('gets new entries at the front, each once', () => {
    const first = addPage(noEntries, { logs: [entry(3), entry(2)], total: 2, last_id: 3 })
    const second = addPage(first, { logs: [entry(4), entry(3)], total: 2, last_id: 5 })
    expect(idsOf(second)).toEqual([4, 3, 2])
    expect(second).toMatchObject({ lastId: 5, missed: 0 })
    expect(addPage(second, { logs: [], total: 0, last_id: 5 }).entries).toBe(second.entries)
  })

  it('counts entries that an answer left out, but not those before the view was opened', () => {
    const first = addPage(noEntries, { logs: [entry(9)], total: 900, last_id: 9 })
    expect(first.missed).toBe(0)
    const second = addPage(first, { logs: [entry(20)], total: 11, last_id: 20 })
    expect(second.missed).toBe(10)
    expect(addPage(second, { logs: [entry(21)], total: 3, last_id: 21 }).missed).toBe(12)
  })

  it('is read from the start after a restart of the simulator', () => {
    const before = addPage(noEntries, { logs: [entry(100)], total: 1, last_id: 100 })
    expect(addPage(before, { logs: [], total: 0, last_id: 2 })).toEqual(noEntries)
  })

  it('keeps the newest 500 entries', () => {
    const ids = Array.from({ length: 400 }, (_, index) => 400 - index)
    const first = addPage(noEntries, { logs: ids.map(entry), total: 400, last_id: 400 })
    const next = ids.map((id) => entry(id + 400))
    expect(idsOf(addPage(first, { logs: next, total: 400, last_id: 800 }))).toEqual(
      Array.from({ length: 500 }, (_, index) => 800 - index),
    )
  })
})
