import { describe, expect, it } from 'vitest'
import { parseIncidentFile } from '../config/incident-file.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { IncidentTimetables, IncidentRunner } from './incidents.ts'

const timetableOf = (file: object) => {
  const { timetable, problems } = parseIncidentFile(JSON.stringify(file), 'test')
  if (!timetable) throw new Error(problems.join('\n'))
  return timetable
}

const run = (file: object) => {
  const clock = createVirtualClock()
  const changes: string[] = []
  const incidents = new IncidentRunner(clock, (phase, round) => {
    changes.push(`${clock.nowMs() / 1_000}s ${phase?.name ?? 'over'} ${round}`)
  })
  incidents.start(timetableOf(file))
  return { clock, changes, incidents }
}

const two = [
  { name: 'a', seconds: 10 },
  { name: 'b', seconds: 5.5 },
]

describe('IncidentRunner', () => {
  it('runs the phases of a timetable and ends', async () => {
    const { clock, changes, incidents } = run({ phases: two })
    expect(incidents.phase?.name).toBe('a')
    await clock.advance(9_999)
    expect(incidents.phase?.name).toBe('a')
    await clock.advance(1)
    expect(incidents.phase?.name).toBe('b')
    await clock.advance(60_000)
    expect(incidents.phase).toBeUndefined()
    expect(incidents.state).toBeUndefined()
    expect(changes).toEqual(['0s a 1', '10s b 1', '15.5s over 1'])
  })

  it('waits before the first phase and between phases', async () => {
    const phases = [
      { name: 'a', seconds: 1 },
      { name: 'b', at: '3s' },
    ]
    const { clock, changes, incidents } = run({ phases, startAfter: '2s' })
    expect(incidents.phase).toBeUndefined()
    expect(incidents.state?.position).toMatchObject({ round: 0, nextChangeMs: 2_000 })
    await clock.advance(3_500)
    expect(incidents.phase).toBeUndefined()
    expect(incidents.state?.position.next?.name).toBe('b')
    await clock.advance(100_000)
    expect(incidents.phase?.name).toBe('b')
    expect(changes).toEqual(['2s a 1', '5s b 1'])
  })

  it('repeats a timetable a number of times, or indefinitely', async () => {
    const twice = run({ phases: two, repeat: 2 })
    await twice.clock.advance(100_000)
    expect(twice.changes).toEqual(['0s a 1', '10s b 1', '15.5s a 2', '25.5s b 2', '31s over 2'])
    const always = run({ phases: two, repeat: true })
    await always.clock.advance(15_500 * 1_000 + 1)
    expect(always.incidents.phase?.name).toBe('a')
    expect(always.incidents.state?.position.round).toBe(1_001)
  })

  it('stops and starts again', async () => {
    const { clock, changes, incidents } = run({ phases: two })
    await clock.advance(4_000)
    incidents.stop()
    expect(incidents.phase).toBeUndefined()
    await clock.advance(60_000)
    expect(changes).toEqual(['0s a 1'])
    incidents.start(timetableOf({ phases: [{ name: 'c' }] }))
    expect(incidents.phase?.name).toBe('c')
    await clock.advance(1_000_000)
    expect(incidents.phase?.name).toBe('c')
  })

  it('does not delay later phases when a timer is late', async () => {
    const clock = createVirtualClock()
    const late = { ...clock, at: (dueMs: number, task: () => void) => clock.at(dueMs + 3_000, task) }
    const incidents = new IncidentRunner(late)
    incidents.start(timetableOf({ phases: [...two, { name: 'c' }] }))
    await clock.advance(13_000)
    expect(incidents.phase?.name).toBe('b')
    await clock.advance(6_000)
    expect(incidents.phase?.name).toBe('c')
  })
})

describe('IncidentTimetables', () => {
  const timetable = timetableOf({ phases: two })
  const setUp = () => {
    const clock = createVirtualClock()
    const changes: string[] = []
    const book = new IncidentTimetables(clock, (resource, phase) => {
      changes.push(`${clock.nowMs() / 1_000}s ${resource} ${phase?.name ?? 'over'}`)
    })
    return { clock, changes, book }
  }

  it('run concurrently, each for its resource', async () => {
    const { clock, changes, book } = setUp()
    book.start('east', timetable)
    await clock.advance(10_000)
    book.start('west', timetable)
    expect([book.phaseOf('east')?.name, book.phaseOf('west')?.name]).toEqual(['b', 'a'])
    expect(changes).toEqual(['0s east a', '10s east b', '10s west a'])
    book.stop('east')
    expect([book.phaseOf('east'), book.phaseOf('west')?.name]).toEqual([undefined, 'a'])
  })

  it('continue at the position of another process', async () => {
    const { clock, book } = setUp()
    await clock.advance(20_000)
    book.start('west', timetable)
    book.take([{ resource: 'east', timetable, startedMs: 8_000 }])
    expect([book.phaseOf('east')?.name, book.phaseOf('west')]).toEqual(['b', undefined])
    await clock.advance(3_500)
    expect(book.phaseOf('east')).toBeUndefined()
  })

  it('start for new resources, continue for existing ones, and end for removed ones', async () => {
    const { clock, book } = setUp()
    book.begin([
      ['east', timetable],
      ['west', timetable],
      ['north', undefined],
    ])
    await clock.advance(10_000)
    book.follow(
      ['west', 'north'],
      [
        ['south', timetable],
        ['center', undefined],
      ],
    )
    expect(['east', 'west', 'south', 'north'].map((name) => book.phaseOf(name)?.name)).toEqual([
      'b',
      undefined,
      'a',
      undefined,
    ])
    expect([...book].map(([resource]) => resource)).toEqual(['east', 'south'])
  })

  it('start again for a resource that was created again, and end if it has none', async () => {
    const { clock, book } = setUp()
    book.begin([
      ['east', timetable],
      ['west', timetable],
    ])
    await clock.advance(10_000)
    book.follow(
      ['east', 'west'],
      [
        ['east', timetable],
        ['west', undefined],
      ],
    )
    expect([book.phaseOf('east')?.name, book.phaseOf('west')?.name]).toEqual(['a', undefined])
  })

  it('report requested starts and stops, but not phases', async () => {
    const { clock, book } = setUp()
    let changes = 0
    book.onChange(() => changes++)
    book.start('east', timetable)
    await clock.advance(12_000)
    book.stop('east')
    book.begin([['west', timetable]])
    expect(changes).toBe(3)
  })
})
