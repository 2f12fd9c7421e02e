import { z } from 'zod'
import { listProblems, shortText } from '../lib/error-text.ts'
import { type Advice, describeProblems } from './zod-problems.ts'
import {
  type FaultRuleOptions,
  plainName,
  resolveFaults,
  unknownDeployment,
  type FaultRule,
} from './fault-rules.ts'
import { parseMappingFile, type Input, integerFrom, mapping, numberFrom } from './mapping-file.ts'

/** A timetable, and all that is wrong with it. */
export interface IncidentFile {
  /** Absent where there is a problem. */
  readonly timetable?: IncidentTimetable
  /** A sentence or two each, with the place in the file. */
  readonly problems: readonly string[]
}

const millisecondsOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** A year, in milliseconds. */
const MAX_MS = 31_536_000_000

const timeRule = 'must be a time such as 90s, 2m, 8m30s or 1h, up to a year'
const time = z.preprocess(
  (value: string) => (typeof value === 'string' ? parseTime(value) : value),
  z.number(timeRule).min(0, timeRule).max(MAX_MS, timeRule),
)

const MAX_PHASES = 1_000
const latencyFactor = numberFrom(0, 1_000).default(1)

const phaseSchema = mapping({
  name: plainName,
  /** When it begins, such as `90s` or `8m30s`; default: at the end of the phase before it. */
  at: time.optional(),
  /** At most one of duration, minutes and seconds; none lasts for good. */
  duration: time.refine((ms) => ms > 0, 'must be longer than 0').optional(),
  minutes: numberFrom(0.001, 525_600).optional(),
  seconds: numberFrom(0.001, 31_536_000).optional(),
  /** Absent: every deployment. */
  deployment: z.string('must be the name of a deployment').optional(),
  // Checked by themselves, as those of deployments.
  faults: z.custom<readonly FaultRuleOptions[]>().optional(),
  /** What times are multiplied by. */
  latency: mapping({ firstTokenFactor: latencyFactor, perTokenFactor: latencyFactor }).optional(),
  /** What limits are multiplied by. */
  limits: mapping({ factor: numberFrom(0.01, 1_000) }).optional(),
}).refine(
  ({ duration, minutes, seconds }) =>
    [duration, minutes, seconds].filter((part) => part !== undefined).length <= 1,
  'must have only one of duration, minutes and seconds',
)

const fileSchema = mapping({
  phases: z
    .array(phaseSchema, 'must be a list of phases')
    .min(1, 'must have a phase at least')
    .max(MAX_PHASES, `must have ${MAX_PHASES} phases at most`),
  /** True, or how often. */
  repeat: z
    .union([z.boolean(), integerFrom(1, 1_000_000)], 'must be true, or how often: an integer of at least 1')
    .default(false),
  /** Wait before the first round. */
  startAfter: time.default(0),
})

type Phase = z.output<typeof phaseSchema>

/** A phase of a timetable. A time is text such as `90s` or `8m30s`. */
export interface IncidentPhaseOptions extends Input<typeof phaseSchema> {}

/** A timetable of incidents, as its file has it (docs/incidents.md). */
export interface IncidentOptions extends Input<typeof fileSchema> {}

const otherwise = 'See docs/faults.md.'
const advice: Advice = {
  phases: 'docs/incidents.md has examples.',
  name: 'Call it slow, for example.',
  duration: 'Set it to 2m, for example.',
  at: 'Leave it out for the end of the phase before.',
  minutes: 'Set it to 2, for example.',
  seconds: 'Set it to 30, for example.',
  firstTokenFactor: 'Set it to 3, for example: three times the time.',
  perTokenFactor: 'Set it to 2, for example: twice the time.',
  factor: 'Set it to 0.5, for example: half of the limits.',
  repeat: 'Set it to true, for example.',
  startAfter: 'Set it to 30s, for example.',
}

/**
 * Reads a timetable of incidents, YAML or JSON.
 *
 * @param path begins the problems
 * @param known the names of all deployments; absent where they are not known for certain
 */
export function parseIncidentFile(source: string, path: string, known?: ReadonlySet<string>): IncidentFile {
  const { entries, problems } = parseMappingFile(source, path, 'must have phases')
  return !entries || problems.length > 0 ? { problems } : checkIncidents(entries, path, known)
}

/** Checks a timetable once it has been read. */
export function checkIncidents(entries: unknown, path: string, known?: ReadonlySet<string>): IncidentFile {
  const parsed = fileSchema.safeParse(entries)
  const inFile = (problem: string): string => `${path}: ${problem}`
  if (!parsed.success) {
    return { problems: describeProblems(parsed.error, entries, '', { advice, otherwise }).map(inFile) }
  }
  const { phases: given, repeat, startAfter } = parsed.data
  const problems: string[] = []
  const phases = placePhases(given, known, problems)
  problems.push(...describeEnds(phases, repeat !== false), ...describeNames(phases))
  if (problems.length > 0) return { problems: listProblems(problems).map(inFile) }
  const rounds = typeof repeat === 'number' ? repeat : repeat ? Infinity : 1
  return { timetable: { phases, startAfterMs: startAfter, rounds }, problems }
}

function placePhases(
  given: readonly Phase[],
  known: ReadonlySet<string> | undefined,
  problems: string[],
): IncidentPhase[] {
  let endMs = 0
  return given.map((phase, index) => {
    const place = `phases[${index}]`
    const { name, deployment, latency, limits } = phase
    const startMs = phase.at ?? endMs
    if (startMs < endMs && endMs < Infinity) {
      problems.push(
        `${place}.at must not be before the end of the phase before it, ${endMs / 1_000}s (got ${startMs / 1_000}s): phases do not overlap. Begin it later, or leave it out.`,
      )
    }
    endMs = startMs + (lengthMs(phase) ?? Infinity)
    problems.push(...unknownDeployment(deployment, `${place}.deployment`, known))
    const owner = deployment === undefined ? {} : { deployment }
    const faults = resolveFaults(phase.faults, {
      place: `${place}.faults`,
      ...owner,
      ...(known && { known }),
    })
    problems.push(...faults.problems)
    return {
      name,
      startMs,
      endMs,
      ...owner,
      faults: faults.rules,
      firstTokenFactor: latency?.firstTokenFactor ?? 1,
      perTokenFactor: latency?.perTokenFactor ?? 1,
      limitFactor: limits?.factor ?? 1,
    }
  })
}

function lengthMs({ duration, minutes, seconds }: Phase): number | undefined {
  if (duration !== undefined) return duration
  if (minutes !== undefined) return minutes * millisecondsOf.m
  return seconds === undefined ? undefined : seconds * millisecondsOf.s
}

function describeEnds(phases: readonly IncidentPhase[], repeats: boolean): string[] {
  const advised = 'Give it minutes, seconds or a duration.'
  return phases.flatMap(({ endMs }, index) => {
    if (endMs < Infinity) return []
    if (index < phases.length - 1) {
      return [`phases[${index}] must have an end, for another phase follows. ${advised}`]
    }
    return repeats ? [`phases[${index}] must have an end where the phases repeat. ${advised}`] : []
  })
}

function describeNames(phases: readonly IncidentPhase[]): string[] {
  return phases.flatMap(({ name }, index) => {
    const first = phases.findIndex((phase) => phase.name === name)
    return first === index
      ? []
      : [
          `phases[${index}].name must not be that of phases[${first}] (got "${shortText(name)}"). Give it another one.`,
        ]
  })
}

/** Milliseconds of a time such as `90s`, `2m` or `8m30s`; the text itself where it is none. */
function parseTime(text: string): number | string {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return text
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    totalMs += Number(amount) * millisecondsOf[unit as keyof typeof millisecondsOf]
  }
  return totalMs
}

/** A stretch of time in which things are different. */
export interface IncidentPhase {
  readonly name: string
  /** When it begins, in milliseconds from the start of its round. */
  readonly startMs: number
  /** When it ends; Infinity for a last phase without an end. */
  readonly endMs: number
  /** Absent: every deployment. */
  readonly deployment?: string
  readonly faults: readonly FaultRule[]
  /** All three from 0.01 (limits) or 0 (latency) to 1,000; 1 changes nothing. */
  readonly firstTokenFactor: number
  readonly perTokenFactor: number
  readonly limitFactor: number
}

/** The phases of a round, in the order of time and without overlaps, and how often it is gone through. */
export interface IncidentTimetable {
  readonly phases: readonly IncidentPhase[]
  /** Wait before the first round, in milliseconds. */
  readonly startAfterMs: number
  /** How many rounds there are; Infinity for rounds without end. */
  readonly rounds: number
}
