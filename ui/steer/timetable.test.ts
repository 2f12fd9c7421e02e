import { describe, expect, it } from 'vitest'
import { parseIncidentFile } from '../../src/config/incident-file.ts'
import { describeRule, outage, parseTime, placePhases, presets, snakeKeys } from './timetable.ts'

describe('presets', () => {
  it.each([
    ...presets.map(({ title, timetable }) => [title, timetable] as const),
    ['outage', outage(60, 'chat')] as const,
  ])('%s is a timetable that the simulator accepts, with the same times', (_, timetable) => {
    const { timetable: parsed, problems } = parseIncidentFile(
      JSON.stringify(timetable),
      'body',
      new Set(['chat']),
    )
    expect(problems).toEqual([])
    expect(placePhases(timetable).map(({ name, startMs, endMs }) => ({ name, startMs, endMs }))).toEqual(
      parsed?.phases.map(({ name, startMs, endMs }) => ({ name, startMs, endMs })),
    )
    expect(snakeKeys(parsed?.source)).toEqual(timetable)
  })
})

describe('phases of a timetable', () => {
  it('have times and effects in words', () => {
    const timetable = {
      phases: [
        { name: 'a', minutes: 1 },
        {
          name: 'b',
          at: '2m30s',
          deployment: 'chat',
          latency: { first_token_factor: 3, per_token_factor: 1 },
          limits: { factor: 0.5 },
          faults: [{ probability: 0.125, fault: { kind: 'error', error: 'capacity429' }, deployment: 'x' }],
        },
      ],
    }
    expect(placePhases(timetable)).toEqual([
      { name: 'a', startMs: 0, endMs: 60_000, effects: [], deployment: undefined },
      {
        name: 'b',
        startMs: 150_000,
        endMs: Infinity,
        effects: ['first token × 3', 'limits × 0.5', '12.5 % capacity429 in x'],
        deployment: 'chat',
      },
    ])
  })

  it('can be incomplete while a person edits them', () => {
    expect(placePhases({ phases: [{ duration: 'soon', faults: [{}], latency: 5 }, 'x'] })).toEqual([
      { name: '', startMs: 0, endMs: Infinity, effects: ['fault'], deployment: undefined },
    ])
    expect(placePhases(undefined)).toEqual([])
    expect(describeRule({ probability: 1, fault: { kind: 'cut' } })).toBe('100 % cut')
  })

  it.each([
    ['90s', 90_000],
    ['8m30s', 510_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    [0, 0],
    ['90', undefined],
    [5, undefined],
  ])('have the time %j', (text, ms) => {
    expect(parseTime(text)).toBe(ms)
  })
})
