import { describe, expect, it } from 'vitest'
import type { Live } from '../../src/server/admin/live-stats.ts'
import { idleLive } from '../../tests/support/idle-live.ts'
import { History, liveOf } from './history.ts'
import type { WholeStats } from './live-state.ts'

const idle = idleLive
const busy = (active: number): Live => ({ ...idleLive, active })

function stats(atSeconds: number, deployments: Readonly<Record<string, Live>>, totals = busy(1)): WholeStats {
  return {
    at_ms: atSeconds * 1_000,
    window_ms: 1_000,
    totals,
    resources: { default: { totals, deployments } },
  } as unknown as WholeStats
}

describe('the history of figures', () => {
  it('has the totals, the resources and busy deployments, oldest first', () => {
    const history = new History()
    history.add(stats(1, { a: busy(5) }, busy(5)))
    history.add(stats(2, { a: busy(6) }, busy(6)))
    for (const subject of [{}, { resource: 'default' }, { resource: 'default', deployment: 'a' }]) {
      expect(history.samples(subject, ['active'])).toEqual([
        { atMs: 1_000, windowMs: 1_000, values: [5] },
        { atMs: 2_000, windowMs: 1_000, values: [6] },
      ])
    }
  })

  it('has no value for the time in which a deployment was not kept or did not exist', () => {
    const history = new History()
    const subject = { resource: 'default', deployment: 'quiet' }
    const values = () => history.samples(subject, ['active']).map((sample) => sample.values[0])
    history.add(stats(1, { quiet: idle }))
    expect(values()).toEqual([null])
    history.add(stats(2, { quiet: idle }))
    expect(values()).toEqual([null, 0])
    history.add(stats(3, {}))
    expect(values()).toEqual([null, 0, null])
  })

  it('forgets what is older than 15 minutes, and what was asked to be left out', () => {
    const history = new History()
    for (let second = 1; second <= 1_000; second++) history.add(stats(second, {}, busy(second)))
    const samples = history.samples({}, ['active'])
    expect(samples).toHaveLength(900)
    expect(samples[0]?.values).toEqual([101])
    expect(history.samples({}, ['active'], 60_000)).toHaveLength(60)
  })

  it('keeps the series that are used, when there are more deployments than series', () => {
    const history = new History()
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`d${index}`, busy(1)]))
    const opened = { resource: 'default', deployment: 'opened' }
    for (let second = 1; second <= 5; second++) {
      history.samples(opened, ['active'])
      history.add(stats(second, { ...many, opened: busy(second) }))
      expect(history.samples(opened, ['active']).at(-1)?.values).toEqual([second])
    }
    expect(history.samples({}, ['active']).map(({ values }) => values[0])).toEqual([1, 1, 1, 1, 1])
    expect(history.samples(opened, ['active']).map(({ values }) => values[0])).toEqual([1, 2, 3, 4, 5])
  })

  it('is empty after a restart of the simulator', () => {
    const history = new History()
    history.add(stats(1, { a: busy(1) }))
    history.clear()
    expect(history.samples({}, ['active'])).toEqual([])
  })
})

describe('the figures of a subject', () => {
  it('are those of the whole simulator, a resource or a deployment', () => {
    const all = stats(1, { a: busy(7) })
    expect(liveOf(all, {})).toBe(all.totals)
    expect(liveOf(all, { resource: 'default' })).toBe(all.resources['default']?.totals)
    expect(liveOf(all, { resource: 'default', deployment: 'a' })?.active).toBe(7)
    expect(liveOf(all, { resource: 'constructor', deployment: 'a' })).toBeUndefined()
    expect(liveOf(undefined, {})).toBeUndefined()
  })
})
