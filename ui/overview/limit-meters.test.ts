import { expect, it } from 'vitest'
import { mainMeter, meterLevel, metersOf } from './limit-meters.ts'

const window = { remaining: 0, free_in_seconds: 0, empty_in_seconds: 0 }
const payAsYouGo = {
  kind: 'pay-as-you-go',
  tokens: { ...window, limit: 1_000, used: 250, window_seconds: 60 },
  requests: { ...window, limit: 10, used: 9, window_seconds: 10, free_in_seconds: 3.2 },
  requests_in_minute: { ...window, limit: 60, used: 12, window_seconds: 60 },
} as const

it('each meter of a pay-as-you-go deployment names its window', () => {
  const meters = metersOf({ limits: payAsYouGo, slots: null })
  expect(meters.map(({ label, used, limit }) => [label, used, limit])).toEqual([
    ['Tokens a minute', 250, 1_000],
    ['Requests a minute', 12, 60],
    ['Requests in 10 s', 9, 10],
  ])
  expect(mainMeter(meters)?.id).toBe('requests')
})

it('meters leave out what is not limited', () => {
  const limits = { ...payAsYouGo, tokens: null, requests: null, requests_in_minute: null }
  expect(metersOf({ limits, slots: null })).toEqual([])
  expect(metersOf({ limits: null, slots: null })).toEqual([])
  expect(mainMeter([])).toBeUndefined()
})

it('meters show output tokens of a Claude model', () => {
  const limits = { ...payAsYouGo, output_tokens: { ...window, limit: 80, used: 8, window_seconds: 60 } }
  expect(metersOf({ limits, slots: null })[1]).toMatchObject({ label: 'Output tokens a minute', share: 0.1 })
})

it('meters show the utilization of a provisioned deployment above 100 %', () => {
  const limits = { kind: 'provisioned', utilization: 1.04, free_in_seconds: 2, empty_in_seconds: 60 } as const
  const [meter] = metersOf({ limits, slots: null })
  expect(meter).toMatchObject({ unit: 'percent', used: 104, share: 1.04 })
  expect(meterLevel(meter!)).toBe('full')
})

it('the meter of unlimited slots has no share', () => {
  const [meter] = metersOf({ limits: null, slots: { slots: null, working: 7, waiting: 0, free: null } })
  expect(meter).toMatchObject({ used: 7, limit: undefined, share: undefined })
  expect(meterLevel(meter!)).toBe('ok')
})

it('the level of a meter is full while requests are rejected or wait', () => {
  const [tokens, , requests] = metersOf({ limits: payAsYouGo, slots: null })
  expect(meterLevel(tokens!)).toBe('ok')
  expect(meterLevel({ ...tokens!, share: 0.8 })).toBe('high')
  expect(meterLevel(requests!)).toBe('full')
  const [slots] = metersOf({ limits: null, slots: { slots: 4, working: 2, waiting: 1, free: 2 } })
  expect(meterLevel(slots!)).toBe('full')
})
