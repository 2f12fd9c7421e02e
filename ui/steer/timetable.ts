import { isTree, textOf, type Tree } from './json-tree.ts'

/** A phase with its times in a round, in milliseconds. */
export interface PlacedPhase {
  readonly name: string
  readonly startMs: number
  /** Infinity without an end. */
  readonly endMs: number
  /** What it does, in words. */
  readonly effects: readonly string[]
  readonly deployment: string | undefined
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Returns the milliseconds of a time such as `90s` or `8m30s`; undefined if it is not one. */
export function parseTime(text: unknown): number | undefined {
  if (text === 0) return 0
  if (typeof text !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return undefined
  return [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (unitsMs[unit ?? ''] ?? 0),
    0,
  )
}

/** Returns the time of a phase in a timetable; undefined without an end. */
function lengthOf({ duration, minutes, seconds }: Tree): number | undefined {
  if (duration !== undefined) return parseTime(duration)
  if (typeof minutes === 'number') return minutes * 60_000
  return typeof seconds === 'number' ? seconds * 1_000 : undefined
}

/** Returns the phases of a timetable with their times. Keys are in snake_case. */
export function placePhases(timetable: unknown): readonly PlacedPhase[] {
  let endMs = 0
  return phasesOf(timetable).map((phase) => {
    const startMs = parseTime(phase['at']) ?? endMs
    endMs = startMs + (lengthOf(phase) ?? Infinity)
    const { name, deployment } = phase
    return {
      name: typeof name === 'string' ? name : '',
      startMs,
      endMs,
      effects: effectsOf(phase),
      deployment: typeof deployment === 'string' ? deployment : undefined,
    }
  })
}

function phasesOf(timetable: unknown): readonly Tree[] {
  const phases = isTree(timetable) ? timetable['phases'] : undefined
  return Array.isArray(phases) ? phases.filter(isTree) : []
}

/** Returns what a phase does, in words. */
export function effectsOf({ latency, limits, faults }: Tree): readonly string[] {
  const effects: string[] = []
  if (isTree(latency)) {
    const { first_token_factor: first = 1, per_token_factor: each = 1 } = latency
    if (first !== 1) effects.push(`first token × ${textOf(first)}`)
    if (each !== 1) effects.push(`each token × ${textOf(each)}`)
  }
  if (isTree(limits) && limits['factor'] !== undefined) effects.push(`limits × ${textOf(limits['factor'])}`)
  for (const rule of Array.isArray(faults) ? faults.filter(isTree) : []) effects.push(describeRule(rule))
  return effects
}

/** Returns a fault rule in words: `30 % tokenRateLimit`. */
export function describeRule({ probability, fault, deployment }: Tree): string {
  const share = typeof probability === 'number' ? `${Number((probability * 100).toPrecision(4))} % ` : ''
  const details = isTree(fault) ? fault : undefined
  const kind = details ? (details['error'] ?? details['kind']) : fault
  const where = typeof deployment === 'string' ? ` in ${deployment}` : ''
  return `${share}${textOf(kind ?? 'fault')}${where}`
}

/** A timetable to start from. */
export interface Preset {
  readonly title: string
  readonly help: string
  readonly timetable: Tree
}

export const presets: readonly Preset[] = [
  {
    title: '429 storm',
    help: 'Most requests are refused for three minutes, then limits recover slowly.',
    timetable: {
      phases: [
        {
          name: 'storm',
          minutes: 3,
          limits: { factor: 0.1 },
          faults: [{ probability: 0.7, fault: 'tokenRateLimit' }],
        },
        { name: 'recovery', minutes: 2, limits: { factor: 0.5 } },
      ],
    },
  },
  {
    title: 'Slow tokens',
    help: 'Answers become slower in three steps, and fast again.',
    timetable: {
      phases: [
        { name: 'slower', minutes: 2, latency: { first_token_factor: 2, per_token_factor: 2 } },
        { name: 'slowest', minutes: 2, latency: { first_token_factor: 4, per_token_factor: 5 } },
        { name: 'easing', minutes: 2, latency: { first_token_factor: 1.5, per_token_factor: 2 } },
      ],
    },
  },
  {
    title: 'Region outage',
    help: 'Errors rise, all requests fail for two minutes, then the region recovers with reduced limits.',
    timetable: {
      phases: [
        { name: 'errors', seconds: 30, faults: [{ probability: 0.3, fault: 'gatewayTimeout' }] },
        { name: 'outage', minutes: 2, faults: [{ probability: 1, fault: 'overloaded503' }] },
        {
          name: 'recovery',
          minutes: 2,
          latency: { first_token_factor: 3 },
          limits: { factor: 0.5 },
          faults: [{ probability: 0.1, fault: 'serverError' }],
        },
      ],
    },
  },
  {
    title: 'Broken streams',
    help: 'A share of the streams stalls or breaks off.',
    timetable: {
      phases: [
        {
          name: 'broken-streams',
          minutes: 5,
          faults: [
            { probability: 0.1, fault: { kind: 'cut', after_share: 0.5 }, stream: true },
            { probability: 0.05, fault: { kind: 'stall', ms: 20_000, after_events: 5 }, stream: true },
          ],
        },
      ],
    },
  },
  {
    title: 'Waves',
    help: 'Limits fall and rise every two minutes, without an end.',
    timetable: {
      repeat: true,
      phases: [
        { name: 'normal', minutes: 1 },
        { name: 'scarce', minutes: 1, limits: { factor: 0.3 } },
      ],
    },
  },
]

/** Returns a timetable with an outage of a deployment, or of all. */
export function outage(seconds: number, deployment: string | undefined): Tree {
  return {
    phases: [
      {
        name: 'outage',
        seconds,
        ...(deployment !== undefined && { deployment }),
        faults: [{ probability: 1, fault: 'overloaded503' }],
      },
    ],
  }
}

/** Returns a copy of a document with keys in snake_case: a timetable of its file is in camelCase. */
export function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys)
  if (!isTree(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeKeys(member),
    ]),
  )
}
