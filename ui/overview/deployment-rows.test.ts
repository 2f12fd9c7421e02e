import { describe, expect, it } from 'vitest'
import type { Live } from '../../src/server/admin/live-stats.ts'
import {
  type DeploymentRow,
  isBusy,
  REORDER_INTERVAL_MS,
  rowKey,
  rowsOf,
  SortFigures,
  summariesOf,
  usedShare,
} from './deployment-rows.ts'
import { idleLive } from '../../tests/support/idle-live.ts'

function live(requestsPerSecond: number, more: Partial<Live> = {}): Live {
  return { ...idleLive, ...more, window: { ...idleLive.window, requests_per_second: requestsPerSecond } }
}

function row(name: string, requestsPerSecond = 0, resource = 'default'): DeploymentRow {
  return { key: rowKey(resource, name), resource, name, live: live(requestsPerSecond) }
}

describe('rows of deployments', () => {
  it('leave out removed deployments and other resources', () => {
    const resources = {
      acme: { deployments: { chat: idleLive } },
      default: { totals: idleLive, deployments: { chat: idleLive, removed: null } },
      old: null,
    }
    expect(rowsOf(resources).map(({ key }) => key)).toEqual(['["default","chat"]', '["acme","chat"]'])
    expect(rowsOf(resources, 'acme').map(({ resource }) => resource)).toEqual(['acme'])
  })

  it('are sorted by numbers in names', () => {
    const deployments = { 'd-10': idleLive, 'd-9': idleLive, ['__proto__']: idleLive, '<b>': idleLive }
    expect(rowsOf({ default: { deployments } }).map(({ name }) => name)).toEqual([
      '__proto__',
      '<b>',
      'd-9',
      'd-10',
    ])
  })

  it('have different keys for names with a slash', () => {
    expect(rowKey('a', 'b/c')).not.toBe(rowKey('a/b', 'c'))
  })

  it('are summarised by resource', () => {
    const rows = [row('a', 1), row('', 2), row('c', 4, 'acme')]
    const none = { tokensPerSecond: 0, limitedPerSecond: 0, streams: 0 }
    expect(summariesOf(rows)).toEqual([
      { resource: 'default', deployments: 1, requestsPerSecond: 3, ...none },
      { resource: 'acme', deployments: 1, requestsPerSecond: 4, ...none },
    ])
  })
})

describe('used share', () => {
  const window = { limit: 100, remaining: 0, window_seconds: 60, free_in_seconds: 0, empty_in_seconds: 0 }
  const limits = {
    kind: 'pay-as-you-go' as const,
    tokens: { ...window, used: 20 },
    requests: { ...window, used: 90 },
    requests_in_minute: { ...window, used: 95 },
  }

  it('is that of the limit that is used most', () => {
    expect(usedShare(live(0, { limits }))).toBe(0.9)
    const slots = { slots: 4, working: 4, waiting: 1, free: 0 }
    expect(usedShare(live(0, { limits, slots }))).toBe(1)
    const provisioned = {
      kind: 'provisioned' as const,
      utilization: 1.1,
      free_in_seconds: 1,
      empty_in_seconds: 1,
    }
    expect(usedShare(live(0, { limits: provisioned }))).toBe(1.1)
  })

  it('is undefined without limits', () => {
    expect(usedShare(idleLive)).toBeUndefined()
    expect(
      usedShare({ limits: null, slots: { slots: null, working: 3, waiting: 0, free: null } }),
    ).toBeUndefined()
  })

  it('makes a deployment busy', () => {
    expect(isBusy(idleLive)).toBe(false)
    expect([live(1), live(0, { active: 1 }), live(0, { queue: 1 }), live(0, { limits })].every(isBusy)).toBe(
      true,
    )
  })
})

describe('figures to sort by', () => {
  const rateOf = (figures: SortFigures, of: DeploymentRow) => figures.of(of).window.requests_per_second

  it('stay for some seconds while values change', () => {
    const figures = new SortFigures()
    figures.update([row('a', 1)], { nowMs: 0, hold: false })
    figures.update([row('a', 2)], { nowMs: REORDER_INTERVAL_MS - 1, hold: false })
    expect(rateOf(figures, row('a', 2))).toBe(1)
    figures.update([row('a', 3)], { nowMs: REORDER_INTERVAL_MS, hold: false })
    expect(rateOf(figures, row('a', 3))).toBe(3)
  })

  it('stay while the order is held', () => {
    const figures = new SortFigures()
    figures.update([row('a', 1)], { nowMs: 0, hold: false })
    figures.update([row('a', 2)], { nowMs: 2 * REORDER_INTERVAL_MS, hold: true })
    expect(rateOf(figures, row('a', 2))).toBe(1)
  })

  it('of a new row are the present ones', () => {
    const figures = new SortFigures()
    figures.update([row('a', 1)], { nowMs: 0, hold: false })
    expect(rateOf(figures, row('new', 7))).toBe(7)
  })
})
