import { expect, it } from 'vitest'
import type { LiveIncidents } from '../../src/server/admin/live-stats.ts'
import { describeIncidents, phaseBands, timelineOf } from './incident-timeline.ts'

const startMs = Date.parse('2026-01-01T00:00:00.000Z')
const at = (seconds: number): number => startMs + seconds * 1_000

const incidents: LiveIncidents = {
  running: true,
  phase: 'slow',
  round: 1,
  rounds: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  round_started_at: '2026-01-01T00:00:00.000Z',
  ends_at: '2026-01-01T00:01:40.000Z',
  phases: [
    { name: 'slow', deployment: null, starts_at_seconds: 0, ends_at_seconds: 40 },
    { name: 'throttled', deployment: 'chat', starts_at_seconds: 50, ends_at_seconds: 100 },
  ],
}

it('a time line has past, current and coming phases', () => {
  const states = (seconds: number) => timelineOf(incidents, at(seconds)).segments.map(({ state }) => state)
  expect(states(10)).toEqual(['current', 'coming'])
  expect(states(45)).toEqual(['past', 'coming'])
  expect(states(50)).toEqual(['past', 'current'])
  expect(states(100)).toEqual(['past', 'past'])
})

it('a time line marks the present and the next change', () => {
  const { now, segments, secondsToChange, current, next } = timelineOf(incidents, at(10))
  expect(now).toBe(0.1)
  expect(segments.map(({ from, to }) => [from, to])).toEqual([
    [0, 0.4],
    [0.5, 1],
  ])
  expect([current?.name, next?.name, secondsToChange]).toEqual(['slow', 'throttled', 30])
  expect(timelineOf(incidents, at(45))).toMatchObject({ current: undefined, secondsToChange: 5 })
})

it('an endless phase has no end, and the present stays inside of it', () => {
  const endless = {
    ...incidents,
    phases: [{ name: 'down', deployment: null, starts_at_seconds: 0, ends_at_seconds: null }],
  }
  const { now, secondsToChange, segments } = timelineOf(endless, at(600))
  expect(now).toBeCloseTo(2 / 3)
  expect(segments[0]).toMatchObject({ to: 1, endsAtSeconds: undefined, state: 'current' })
  expect(secondsToChange).toBeUndefined()
})

it('a time line starts at the present while the first round has not begun', () => {
  const waiting = { ...incidents, round: 0, round_started_at: '2026-01-01T00:00:25.000Z' }
  const { now, segments, secondsToChange } = timelineOf(waiting, startMs)
  expect(now).toBe(0)
  expect(segments.map(({ from, to }) => [from, to])).toEqual([
    [0.2, 0.52],
    [0.6, 1],
  ])
  expect(secondsToChange).toBe(25)
})

it('a stopped timetable has no present', () => {
  const stopped = { ...incidents, running: false, phase: null, started_at: null, round_started_at: null }
  expect(timelineOf(stopped, startMs)).toMatchObject({ now: undefined, current: undefined, next: undefined })
  expect(describeIncidents(stopped, timelineOf(stopped, startMs))).toBe('No incident is running.')
})

it('a description names phase, deployment and round', () => {
  expect(describeIncidents(incidents, timelineOf(incidents, at(10)))).toBe('Phase slow. Next: throttled.')
  const repeated = { ...incidents, rounds: null, round: 3 }
  expect(describeIncidents(repeated, timelineOf(repeated, at(60)))).toBe('Phase throttled for chat. Round 3.')
})

it('charts show the phases that have begun', () => {
  const now = { clockMs: at(60), atMs: at(60) }
  expect(phaseBands(incidents, now)).toEqual([
    { label: 'slow', from: at(0) / 1_000, to: at(40) / 1_000 },
    { label: 'throttled', from: at(50) / 1_000, to: at(60) / 1_000 },
  ])
  expect(phaseBands(incidents, now, 'other').map(({ label }) => label)).toEqual(['slow'])
  expect(phaseBands({ ...incidents, running: false }, now)).toEqual([])
  expect(phaseBands(undefined, now)).toEqual([])
})
