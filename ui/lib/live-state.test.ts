import { describe, expect, it } from 'vitest'
import type { Live, LiveStats } from '../../src/server/admin/live-stats.ts'
import { idleLive } from '../../tests/support/idle-live.ts'
import { EventReader, mergeIncident, mergeStats, own, upsertNewest } from './live-state.ts'

const event = (part: Partial<LiveStats>): LiveStats =>
  ({ at_ms: 1, window_ms: 1_000, full: false, simulator: {}, resources: {}, ...part }) as LiveStats
const live = (requests: number): Live => ({ ...idleLive, requests })

const full = event({
  full: true,
  totals: live(3),
  incidents: {},
  upstreams: {},
  resources: {
    default: { totals: live(2), deployments: { a: live(1), b: live(1) } },
    acme: { totals: live(1), deployments: { a: live(1) } },
  },
})

describe('merged figures', () => {
  it('have the changes of an event, and keep the rest', () => {
    const before = mergeStats(undefined, full)
    const after = mergeStats(
      before,
      event({
        totals: live(5),
        resources: { default: { totals: live(4), deployments: { a: live(3), b: null } } },
      }),
    )
    expect(after.totals?.requests).toBe(5)
    expect(Object.keys(after.resources['default']?.deployments ?? {})).toEqual(['a'])
    expect(after.resources['default']?.deployments['a']?.requests).toBe(3)
    expect(after.resources['acme']).toBe(before.resources['acme'])
    expect(after.incidents).toBe(before.incidents)
  })

  it('lose a resource that was deleted, and everything old with a complete event', () => {
    const before = mergeStats(undefined, full)
    expect(Object.keys(mergeStats(before, event({ resources: { acme: null } })).resources)).toEqual([
      'default',
    ])
    const again = mergeStats(before, event({ full: true, totals: live(0), resources: {} }))
    expect(again.resources).toEqual({})
  })

  it('take names of the prototype of objects as names', () => {
    const resources = JSON.parse(
      '{"__proto__": {"deployments": {"__proto__": {"requests": 7}}}}',
    ) as LiveStats['resources']
    const merged = mergeStats(mergeStats(undefined, full), event({ resources }))
    const found = own(merged.resources, '__proto__')
    expect(own(found?.deployments, '__proto__')?.requests).toBe(7)
    expect(own(merged.resources, 'constructor')).toBeUndefined()
    expect(Object.getPrototypeOf(merged.resources)).toBe(Object.prototype)
  })

  it('have the new state of an incident', () => {
    const stats = mergeStats(undefined, full)
    const change = { at: 'now', resource: 'acme', running: true, phase: 'slow' } as Parameters<
      typeof mergeIncident
    >[1]
    expect(mergeIncident(stats, change).incidents).toEqual({ acme: { running: true, phase: 'slow' } })
  })
})

describe('the reader of events', () => {
  const text = 'event: hello\ndata: {"a":1}\n\n: comment\n\nevent: log\ndata: 1\ndata: 2\n\ndata:x\n\n'
  const events = [
    { name: 'hello', data: '{"a":1}' },
    { name: 'log', data: '1\n2' },
    { name: 'message', data: 'x' },
  ]

  it.each([1, 2, 3, 7, text.length])('splits pieces of %d characters into events', (size) => {
    const reader = new EventReader()
    const read = []
    for (let at = 0; at < text.length; at += size) read.push(...reader.push(text.slice(at, at + size)))
    expect(read).toEqual(events)
  })
})

describe('the list of the newest', () => {
  it('replaces an item with the same id, and drops the oldest', () => {
    const item = (id: number, open: boolean) => ({ id, open })
    const list = upsertNewest(upsertNewest([], item(1, true), 2), item(2, true), 2)
    expect(upsertNewest(list, item(1, false), 2)).toEqual([item(2, true), item(1, false)])
    expect(upsertNewest(list, item(3, true), 2)).toEqual([item(3, true), item(2, true)])
  })
})
