import { describe, expect, it } from 'vitest'
import { parseIncidentFile } from './incident-file.ts'

const known = new Set(['chat'])
const parse = (file: object) => parseIncidentFile(JSON.stringify(file), 'incidents.yaml', known)
const problemsOf = (...phases: object[]) => parse({ phases }).problems.join('\n')

describe('incident timetable', () => {
  it('has consecutive phases in any unit of time', () => {
    const { timetable, problems } = parseIncidentFile(
      `
startAfter: 10s
repeat: 3
phases:
  - { name: normal, minutes: 2 }
  - name: slow
    seconds: 30
    latency: { firstTokenFactor: 3 }
  - { name: later, at: 2m60s, duration: 1500ms, deployment: chat, limits: { factor: 0.5 }, faults: [{ probability: 0.3, fault: tokenRateLimit }] }
`,
      'incidents.yaml',
      known,
    )
    expect(problems).toEqual([])
    const usual = { faults: [], firstTokenFactor: 1, perTokenFactor: 1, limitFactor: 1 }
    expect(timetable).toEqual({
      source: {
        startAfter: '10s',
        repeat: 3,
        phases: [
          { name: 'normal', minutes: 2 },
          { name: 'slow', seconds: 30, latency: { firstTokenFactor: 3 } },
          {
            name: 'later',
            at: '2m60s',
            duration: '1500ms',
            deployment: 'chat',
            limits: { factor: 0.5 },
            faults: [{ probability: 0.3, fault: 'tokenRateLimit' }],
          },
        ],
      },
      startAfterMs: 10_000,
      rounds: 3,
      phases: [
        { ...usual, name: 'normal', startMs: 0, endMs: 120_000 },
        { ...usual, name: 'slow', startMs: 120_000, endMs: 150_000, firstTokenFactor: 3 },
        {
          ...usual,
          name: 'later',
          startMs: 180_000,
          endMs: 181_500,
          deployment: 'chat',
          limitFactor: 0.5,
          faults: [
            {
              label: 'tokenRateLimit',
              probability: 0.3,
              deployment: 'chat',
              fault: { kind: 'error', error: 'tokenRateLimit' },
            },
          ],
        },
      ],
    })
  })

  it('can have keys in snake_case, but each key only once', () => {
    const phase = { name: 'slow', seconds: 1, latency: { first_token_factor: 3 } }
    expect(parse({ start_after: '1s', phases: [phase] }).timetable).toMatchObject({
      startAfterMs: 1_000,
      phases: [{ firstTokenFactor: 3 }],
    })
    expect(parse({ start_after: '1s', startAfter: '2s', phases: [phase] }).problems).toEqual([
      'incidents.yaml: startAfter is the same key as start_after. Remove one of them.',
    ])
  })

  it('can have a last phase without an end, unless it repeats', () => {
    const phases = [{ name: 'a', seconds: 1 }, { name: 'b' }]
    expect(parse({ phases }).timetable?.phases[1]?.endMs).toBe(Infinity)
    expect(parse({ phases, repeat: true }).problems).toEqual([
      'incidents.yaml: phases[1] must have an end because the phases repeat. Set minutes, seconds or duration.',
    ])
  })

  it.each([
    [[{ name: 'a' }, { name: 'b' }], 'phases[0] must have an end because another phase follows.'],
    [
      [
        { name: 'a', seconds: 9 },
        { name: 'b', at: '5s' },
      ],
      'phases[1].at must not be before the end of the previous phase, 9s (got 5s).',
    ],
    [
      [{ name: 'a', seconds: 1 }, { name: 'a' }],
      'phases[1].name must differ from the name of phases[0] (got "a").',
    ],
    [[{ name: 'a', minutes: -1 }], 'phases[0].minutes must be a number from 0.001 to 525,600 (got -1).'],
    [
      [{ name: 'a', duration: '-2m' }],
      'phases[0].duration must be a time such as 90s, 2m, 8m30s or 1h, up to a year (got "-2m").',
    ],
    [[{ name: 'a', duration: '0s' }], 'phases[0].duration must be longer than 0 (got "0s").'],
    [
      [{ name: 'a', minutes: 1, seconds: 1 }],
      'phases[0] must have only one of duration, minutes and seconds',
    ],
    [
      [{ minutes: 1 }],
      'phases[0].name must be 1 to 64 letters, digits, dots, dashes or underscores (got nothing).',
    ],
    [
      [{ name: 'a', deployment: 'chta' }],
      'phases[0].deployment must be the name of a deployment (got "chta").',
    ],
    [
      [{ name: 'a', latency: { firstTokenFactor: -3 } }],
      'phases[0].latency.firstTokenFactor must be a number from 0 to 1,000 (got -3).',
    ],
    [
      [{ name: 'a', limits: { factor: 0 } }],
      'phases[0].limits.factor must be a number from 0.01 to 1,000 (got 0).',
    ],
    [[{ name: 'a', lattency: {} }], 'phases[0].lattency is not a known key. Known keys are name, at'],
    [
      [{ name: 'a', faults: [{ probability: 7, fault: 'cut' }] }],
      'phases[0].faults[0].probability must be a number from 0 to 1 (got 7).',
    ],
    [[{ name: 'a', faults: [{ probability: 1, fault: 'ct' }] }], 'phases[0].faults[0].fault must be one of'],
    [
      [{ name: 'a', faults: [{ probability: 1, fault: 'cut', deployment: 'x' }] }],
      'phases[0].faults[0].deployment must be the name of a deployment (got "x").',
    ],
    [[], 'phases must have at least one phase'],
  ])('is rejected for %j with the path', (phases, message) => {
    expect(problemsOf(...phases)).toContain(`incidents.yaml: ${message}`)
  })

  it('is rejected for an invalid repetition, and if it is not a timetable', () => {
    const phases = [{ name: 'a', seconds: 1 }]
    expect(parse({ phases, repeat: 0 }).problems[0]).toContain('repeat must be an integer from 1 to')
    expect(parse({ phases, repeat: 'x' }).problems[0]).toContain(
      'repeat must be true or the number of rounds',
    )
    expect(parse({ phases, startAfter: 'soon' }).problems[0]).toContain('startAfter must be a time such as')
    for (const startAfter of [10, 1.5, -1, '10', true, null])
      expect(parse({ phases, startAfter }).problems[0]).toContain('startAfter must be a time such as 90s')
    expect(parse({ phases, startAfter: 0 }).problems).toEqual([])
    expect(parse({ phases: [{ name: 'a', duration: 90 }] }).problems[0]).toContain(
      'phases[0].duration must be a time such as 90s, 2m, 8m30s or 1h, up to a year (got 90)',
    )
    expect(parse({}).problems[0]).toContain('phases must be a list of phases (got nothing)')
    expect(parseIncidentFile('- a', 'i.yaml').problems).toEqual(['i.yaml must have phases.'])
  })
})
