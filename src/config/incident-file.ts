import * as z from 'zod'
import { listProblems, shortText } from '../lib/error-text.ts'
import { type Advice, describeProblems, unknownDeployment } from './zod-problems.ts'
import { type FaultRuleOptions, resolveFaults, type FaultRule } from './fault-rules.ts'
import { spellingProblems } from './file-settings.ts'
import {
  camelKeys,
  fileForms,
  parseMappingFile,
  problemAt,
  type Input,
  integerFrom,
  mapping,
  numberFrom,
  plainName,
} from './mapping-file.ts'

/** A timetable, or all problems. */
export interface IncidentFile {
  /** Absent if there is a problem. */
  readonly timetable?: IncidentTimetable
  /** One or two sentences each, with the path in the file. */
  readonly problems: readonly string[]
}

const millisecondsOf = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** A year, in milliseconds. */
const MAX_MS = 31_536_000_000

const timeRule = 'must be a time such as 90s, 2m, 8m30s or 1h, up to a year'
const timeForm = {
  form: {
    anyOf: [{ type: 'string', pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h))+$' }, { const: 0 }],
    examples: ['90s', '8m30s'],
  },
}
const time = z
  .preprocess(
    // A number has no unit, so only 0 is clear.
    (value: string) => (typeof value === 'number' && value !== 0 ? String(value) : timeOf(value)),
    z.number(timeRule).min(0, timeRule).max(MAX_MS, timeRule),
  )
  .register(fileForms, timeForm)

const MAX_PHASES = 1_000
const latencyFactor = numberFrom(0, 1_000).default(1)

const phaseSchema = mapping({
  name: plainName,
  /** Start time, such as `90s` or `8m30s`; default: the end of the previous phase. */
  at: time.optional(),
  /** At most one of duration, minutes and seconds. Without any, the phase does not end. */
  duration: time
    .refine((ms) => ms > 0, 'must be longer than 0')
    .register(fileForms, timeForm)
    .optional(),
  minutes: numberFrom(0.001, 525_600).optional(),
  seconds: numberFrom(0.001, 31_536_000).optional(),
  /** Absent: every deployment. */
  deployment: z.string('must be the name of a deployment').optional(),
  // Validated separately, as those of deployments.
  faults: z.custom<readonly FaultRuleOptions[]>().optional(),
  /** Factors for latency. */
  latency: mapping({ firstTokenFactor: latencyFactor, perTokenFactor: latencyFactor }).optional(),
  /** Factor for limits. */
  limits: mapping({ factor: numberFrom(0.01, 1_000) }).optional(),
}).refine(
  ({ duration, minutes, seconds }) =>
    [duration, minutes, seconds].filter((part) => part !== undefined).length <= 1,
  'must have only one of duration, minutes and seconds',
)

/** Schema of a timetable. `faults` of a phase are validated separately. */
export const incidentSchema = mapping({
  phases: z
    .array(phaseSchema, 'must be a list of phases')
    .min(1, 'must have at least one phase')
    .max(MAX_PHASES, `must have at most ${MAX_PHASES} phases`),
  /** True repeats without end. A number is the number of rounds. */
  repeat: z
    .union(
      [z.boolean(), integerFrom(1, 1_000_000)],
      'must be true or the number of rounds, an integer of at least 1',
    )
    .default(false),
  /** Wait before the first round. */
  startAfter: time.default(0),
})

type Phase = z.output<typeof phaseSchema>

/** A phase of a timetable. A time is text such as `90s` or `8m30s`. */
export interface IncidentPhaseOptions extends Input<typeof phaseSchema> {}

/** An incident timetable, in the form of its file (docs/incidents.md). */
export interface IncidentOptions extends Input<typeof incidentSchema> {}

const otherwise = 'See docs/faults.md.'
const advice: Advice = {
  phases: 'docs/incidents.md has examples.',
  name: 'Set it to slow, for example.',
  duration: 'Set it to 2m, for example.',
  at: 'Leave it out for the end of the previous phase.',
  minutes: 'Set it to 2, for example.',
  seconds: 'Set it to 30, for example.',
  firstTokenFactor: 'Set it to 3, for example, for three times the latency.',
  perTokenFactor: 'Set it to 2, for example, for twice the latency.',
  factor: 'Set it to 0.5, for example, for half of the limits.',
  repeat: 'Set it to true, for example.',
  startAfter: 'Set it to 30s, for example.',
}

/**
 * Parses an incident timetable in YAML or JSON.
 *
 * @param path path of the file, with which problems begin
 * @param known names of all deployments; absent if they are not known for certain
 */
export function parseIncidentFile(source: string, path: string, known?: ReadonlySet<string>): IncidentFile {
  const { entries, problems } = parseMappingFile(source, path, 'must have phases')
  return !entries || problems.length > 0 ? { problems } : checkIncidents(entries, path, known)
}

/** Validates the parsed entries of a timetable. Keys can be in camelCase or snake_case. */
export function checkIncidents(given: unknown, path: string, known?: ReadonlySet<string>): IncidentFile {
  const spelling = spellingProblems(given)
  if (spelling.length > 0) return { problems: spelling.map((problem) => problemAt(path, problem)) }
  const entries = camelKeys(given)
  const parsed = incidentSchema.safeParse(entries)
  const inFile = (problem: string): string => problemAt(path, problem)
  if (!parsed.success) {
    return { problems: describeProblems(parsed.error, entries, '', { advice, otherwise }).map(inFile) }
  }
  const { repeat, startAfter } = parsed.data
  const problems: string[] = []
  const phases = resolvePhases(parsed.data.phases, known, problems)
  problems.push(...validateEnds(phases, repeat !== false), ...validateNames(phases))
  if (problems.length > 0) return { problems: listProblems(problems).map(inFile) }
  const rounds = typeof repeat === 'number' ? repeat : repeat ? Infinity : 1
  const source = entries as IncidentOptions
  return { timetable: { phases, startAfterMs: startAfter, rounds, source }, problems }
}

function resolvePhases(
  phases: readonly Phase[],
  known: ReadonlySet<string> | undefined,
  problems: string[],
): IncidentPhase[] {
  let endMs = 0
  return phases.map((phase, index) => {
    const location = `phases[${index}]`
    const { name, deployment, latency, limits } = phase
    const startMs = phase.at ?? endMs
    if (startMs < endMs && endMs < Infinity) {
      problems.push(
        `${location}.at must not be before the end of the previous phase, ${endMs / 1_000}s (got ${startMs / 1_000}s). Increase it, or leave it out.`,
      )
    }
    endMs = startMs + (lengthMs(phase) ?? Infinity)
    problems.push(...unknownDeployment(deployment, `${location}.deployment`, known))
    const owner = deployment === undefined ? {} : { deployment }
    const faults = resolveFaults(phase.faults, {
      location: `${location}.faults`,
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

function validateEnds(phases: readonly IncidentPhase[], repeats: boolean): string[] {
  const fix = 'Set minutes, seconds or duration.'
  return phases.flatMap(({ endMs }, index) => {
    if (endMs < Infinity) return []
    if (index < phases.length - 1) {
      return [`phases[${index}] must have an end because another phase follows. ${fix}`]
    }
    return repeats ? [`phases[${index}] must have an end because the phases repeat. ${fix}`] : []
  })
}

function validateNames(phases: readonly IncidentPhase[]): string[] {
  return phases.flatMap(({ name }, index) => {
    const first = phases.findIndex((phase) => phase.name === name)
    return first === index
      ? []
      : [
          `phases[${index}].name must differ from the name of phases[${first}] (got "${shortText(name)}"). Use another name.`,
        ]
  })
}

/** Returns the milliseconds of a time such as `90s`, `2m` or `8m30s`, or the text if it is not a time. */
function timeOf(value: unknown): unknown {
  return typeof value === 'string' ? parseTime(value) : value
}

function parseTime(text: string): number | string {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return text
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    totalMs += Number(amount) * millisecondsOf[unit as keyof typeof millisecondsOf]
  }
  return totalMs
}

/** A phase of an incident timetable. */
export interface IncidentPhase {
  readonly name: string
  /** Milliseconds from the start of its round. */
  readonly startMs: number
  /** Milliseconds from the start of its round; Infinity for a last phase without an end. */
  readonly endMs: number
  /** Absent: every deployment. */
  readonly deployment?: string
  readonly faults: readonly FaultRule[]
  /** From 0 (latency) or 0.01 (limits) to 1,000; 1 has no effect. */
  readonly firstTokenFactor: number
  readonly perTokenFactor: number
  readonly limitFactor: number
}

/** The phases of a round, in order of time and without overlaps, and the number of rounds. */
export interface IncidentTimetable {
  readonly phases: readonly IncidentPhase[]
  /** Wait before the first round, in milliseconds. */
  readonly startAfterMs: number
  /** Number of rounds; Infinity to repeat without end. */
  readonly rounds: number
  /** The timetable in the form of its file. */
  readonly source: IncidentOptions
}
