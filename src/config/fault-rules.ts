import * as z from 'zod'
import { isModelOperation, type ModelOperation, type Operation, operations } from '../wire/route.ts'
import { type Advice, describeProblems, showValue, unknownDeployment } from './zod-problems.ts'
import { isRecord } from '../lib/record.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import {
  fileForms,
  type Given,
  type Input,
  integerFrom,
  mapping,
  numberFrom,
  plainName,
  problemAt,
  withoutUndefined,
} from './mapping-file.ts'
import { namedErrorNames, type NamedError } from '../wire/named-errors.ts'
import { distributionSchema, milliseconds } from './distribution.ts'
import { requestedTiers } from '../wire/service-tier.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'

/** A day. The service never sends a longer retry-after. */
const MAX_RETRY_SECONDS = 86_400

/** Above any answer: no model returns a million tokens. */
const MAX_EVENTS = 1_000_000

const shareRule = 'must be a number between 0 and 1'
const share = z.number(shareRule).gt(0, shareRule).lt(1, shareRule)
const phrase = z.string('must be a text').min(1, 'must not be empty').max(10_000, 'must be shorter')
const harms = ['hate', 'self_harm', 'sexual', 'violence'] as const
const everyHarm = [...harms, 'jailbreak'] as const

const foreverRule = 'must be a number of milliseconds up to 3,600,000, or forever'
const pause = z
  .preprocess((value: number | 'forever') => (value === 'forever' ? Infinity : value), z.unknown())
  .refine((value) => value === Infinity || milliseconds.safeParse(value).success, foreverRule)
  .transform(Number)
  .register(fileForms, {
    form: { anyOf: [{ type: 'number', minimum: 0, maximum: 3_600_000 }, { const: 'forever' }] },
  })

/** Position of a fault in an answer: at most one of the two keys. */
const position = {
  /** Number of events before the fault, at least 1. Such a fault applies to streams only. */
  afterEvents: integerFrom(1, MAX_EVENTS).optional(),
  /** Fraction of the events of a stream, or of the bytes of a complete body, before the fault; between 0 and 1. */
  afterShare: share.optional(),
}

const namedError = z.enum(namedErrorNames, `must be one of ${namedErrorNames.join(', ')}`)

/** The fields of an error that a stream reports. */
const reported = {
  type: phrase.optional(),
  code: z
    .preprocess((value) => (typeof value === 'number' ? String(value) : value), phrase)
    .register(fileForms, { also: { type: 'number' } })
    .optional(),
  message: phrase.optional(),
}

const forms = [
  /** Returns an error of the service instead of an answer. */
  mapping({
    kind: z.literal('error'),
    error: namedError,
    retryAfterSeconds: integerFrom(0, MAX_RETRY_SECONDS).optional(),
  }),
  /** Delays the answer. */
  mapping({ kind: z.literal('delay'), ms: distributionSchema }),
  /** Pauses for `ms`, or forever (Infinity): before the first byte, or at a position. */
  mapping({ kind: z.literal('stall'), ms: pause.default(Infinity), ...position }),
  /** Resets the connection before anything is sent. */
  mapping({ kind: z.literal('cutBeforeHeaders') }),
  /** Resets the connection during the answer. */
  mapping({ kind: z.literal('cut'), ...position }),
  /** Ends a body early without a connection error. A stream has no end event. */
  mapping({ kind: z.literal('truncate'), ...position }),
  /** Answers a streamed response with status 200 and events that report an error, as the service does for exceeded limits. */
  mapping({
    kind: z.literal('streamFailure'),
    error: namedError.default('tokenRateLimit'),
    ...reported,
    retryAfterSeconds: integerFrom(0, MAX_RETRY_SECONDS).optional(),
    order: z
      .enum(['error-first', 'failed-first'], 'must be error-first or failed-first')
      .default('error-first'),
  }),
  /** Sends an error event in an open stream and ends it. */
  mapping({ kind: z.literal('errorEvent'), ...reported, ...position }),
  /** Sends only the first half of the JSON of one event. */
  mapping({ kind: z.literal('malformedEvent'), ...position }),
  /** Sends one event in `parts` pieces, `gapMs` apart. */
  mapping({
    kind: z.literal('splitEvent'),
    parts: integerFrom(2, 100).default(2),
    gapMs: integerFrom(5, 60_000).default(20),
    ...position,
  }),
  /** The model refuses with this text. */
  mapping({ kind: z.literal('refusal'), text: phrase.default("I'm sorry, but I can't assist with that.") }),
  /** The standard tier processes a request for the priority tier. */
  mapping({ kind: z.literal('tierDowngrade') }),
  /** The content filter finds something, or fails and finds nothing. */
  mapping({
    kind: z.literal('contentFilter'),
    finds: z
      .enum(['prompt', 'completion', 'late', 'nothing'], 'must be prompt, completion, late or nothing')
      .default('completion'),
    /** Default: violence. */
    category: z.enum(everyHarm, `must be one of ${everyHarm.join(', ')}`).optional(),
  }),
] as const

type Form = (typeof forms)[number]

/** Categories by `finds`. The schema accepts all categories; a check after it allows `jailbreak` for prompts only. */
type FoundHarm = { readonly kind: 'contentFilter' } & (
  | { readonly finds: 'prompt'; readonly category: PromptCategory }
  | { readonly finds: 'completion' | 'late'; readonly category: HarmCategory }
  | { readonly finds: 'nothing' }
)

/** A fault. Times are in milliseconds; the time scale does not apply to them. */
export type Fault = Given<Exclude<z.output<Form>, { kind: 'contentFilter' }>> | FoundHarm

/** Name of a kind of fault. */
export type FaultKind = Fault['kind']

/** Position of a fault in an answer. At most one of the two keys is set. */
export interface FaultPosition extends Given<z.output<z.ZodObject<typeof position>>> {}

/** A fault: the name of an error, a kind, or a kind with parameters (docs/faults.md). Times are in milliseconds. */
export type FaultOptions = NamedError | Exclude<FaultKind, 'error' | 'delay'> | Input<Form>

/** Kinds of faults, in the order of the documentation. */
export const faultKinds = forms.map((form) => form.shape.kind.value)

/** Words that are valid as a whole fault: the kinds without required parameters, and the errors. */
const faultWords: readonly string[] = [
  ...faultKinds.filter((kind) => kind !== 'error' && kind !== 'delay'),
  ...namedErrorNames,
]

const ONE_POSITION_RULE = 'must have only one of afterEvents and afterShare'
const jailbreakRule = 'must not be jailbreak unless finds is prompt'
const noCategoryRule = 'must be left out if finds is nothing'
const wordRule = `must be one of ${faultKinds.join(', ')}, or the name of an error (${namedErrorNames.join(', ')})`

/** Schema of a fault in a file or a header: a mapping with a kind, or a word for a kind with default parameters. */
export const faultSchema: z.ZodType<Fault, FaultOptions> = z
  .preprocess(
    (value: FaultOptions) => {
      if (typeof value !== 'string') return value
      return isNamedError(value) ? { kind: 'error', error: value } : { kind: value }
    },
    z.discriminatedUnion('kind', forms, {
      error: (issue) => (issue.code === 'invalid_union' ? wordRule : `${wordRule}, or a mapping with a kind`),
    }),
  )
  .refine((fault) => !('afterShare' in fault && fault.afterShare !== undefined && fault.afterEvents), {
    error: ONE_POSITION_RULE,
  })
  .refine(
    (fault) => fault.kind !== 'contentFilter' || fault.finds === 'prompt' || fault.category !== 'jailbreak',
    { error: jailbreakRule, path: ['category'] },
  )
  .refine(
    (fault) => fault.kind !== 'contentFilter' || fault.finds !== 'nothing' || fault.category === undefined,
    { error: noCategoryRule, path: ['category'] },
  )
  .transform((fault) => {
    const category = fault.kind === 'contentFilter' && fault.finds !== 'nothing' && 'violence'
    // A copy, because access to an object with deleted keys is slow.
    return { ...(category && { category }), ...withoutUndefined(fault) } as Fault
  })
  .register(fileForms, { also: { enum: faultWords } })

/** Returns whether a word is the name of an error of the service. */
export function isNamedError(word: string): word is NamedError {
  return (namedErrorNames as readonly string[]).includes(word)
}

/** Returns whether a fault applies to streams only. */
export function needsStream(fault: Fault): boolean {
  const always: readonly FaultKind[] = ['streamFailure', 'errorEvent', 'malformedEvent', 'splitEvent']
  return always.includes(fault.kind) || ('afterEvents' in fault && fault.afterEvents !== undefined)
}

const tiered: readonly ModelOperation[] = ['chatCompletions', 'responses']
const refusing: readonly ModelOperation[] = [...tiered, 'messages']
const filtered: readonly ModelOperation[] = ['chatCompletions', 'completions', 'responses', 'messages']

/** A filter that fails is captured in Chat only, and documented for legacy completions. */
const unjudged: readonly ModelOperation[] = ['chatCompletions', 'completions']

/** Returns the operations that a fault applies to; undefined for all. */
export function operationsOf(fault: Fault): readonly ModelOperation[] | undefined {
  if (fault.kind === 'streamFailure') return ['responses']
  if (fault.kind === 'refusal') return refusing
  if (fault.kind === 'tierDowngrade') return tiered
  if (fault.kind !== 'contentFilter') return undefined
  return fault.finds === 'nothing' ? unjudged : filtered
}

const operationNames = (Object.keys(operations) as Operation[]).filter(isModelOperation)

const shape = {
  /** Name in metrics and in `x-sim-fault`; default: its error or kind. */
  name: plainName
    .refine((name) => !isTaken(name), 'must not be the name of a kind of fault or of an error')
    .optional(),
  /** Fraction of the matching requests with the fault, from 0 to 1. */
  probability: numberFrom(0, 1),
  /** Absent: every operation. */
  operation: z.enum(operationNames, `must be one of ${operationNames.join(', ')}`).optional(),
  /** Tier that the request asks for. Absent: every tier. */
  serviceTier: z.enum(requestedTiers, `must be one of ${requestedTiers.join(', ')}`).optional(),
  /** True: streams only. False: complete answers only. Absent: both. */
  stream: z.boolean('must be true or false').optional(),
  fault: faultSchema,
}

/** Schema of a fault in the deployment file. */
export const ownRule = mapping(shape)
/** Schema of a fault in the fault file. */
export const anyRule = mapping({
  ...shape,
  /** Absent: every deployment. */
  deployment: z.string('must be the name of a deployment').optional(),
})

/** A fault in the deployment file, with conditions for requests. */
export interface OwnFaultRuleOptions extends Input<typeof ownRule> {}

/** A fault in the fault file, with conditions for requests. */
export interface FaultRuleOptions extends OwnFaultRuleOptions, Pick<Input<typeof anyRule>, 'deployment'> {}

type Owner = Given<Pick<z.output<typeof anyRule>, 'deployment'>>

/** A validated fault with conditions for requests. A fault from the deployment file has the name of its deployment. */
export interface FaultRule extends Given<Omit<z.output<typeof ownRule>, 'name'>>, Owner {
  /** Name in metrics and in `x-sim-fault`: its `name`, or that of its error or kind. */
  readonly label: string
}

const otherwise = 'See docs/faults.md.'
const advice: Advice = {
  name: 'Set it to flaky-network, for example.',
  probability: 'Set it to 0.05, for example, for one request in 20.',
  deployment: 'Leave it out for all deployments.',
  operation: { hint: 'Leave it out for all operations.', names: operationNames },
  serviceTier: { hint: 'Leave it out for all tiers.', names: requestedTiers },
  stream: 'Leave it out for streams and whole answers.',
  fault: { hint: 'Set it to serverError, for example.', names: faultWords },
  // The fault of a header has no key.
  '': { hint: 'Set it to serverError, for example.', names: faultWords },
  kind: { hint: 'Set it to cut, for example.', names: faultKinds },
  error: { hint: 'Set it to serverError, for example.', names: faultWords },
  ms: 'Set it to 5000, for example.',
  afterEvents: 'Set it to 10, for example.',
  afterShare: 'Set it to 0.5, for example.',
  retryAfterSeconds: 'Set it to 10, for example.',
}

/** After this many problems, further rules are not validated: most likely all problems have the same cause. */
const MAX_PROBLEMS = 50

/** Validated rules, with all problems. */
export interface FaultRules {
  readonly rules: readonly FaultRule[]
  /** One or two sentences each, with the path in the file. */
  readonly problems: readonly string[]
}

/** Context of a list of rules. */
export interface RulesContext {
  /** Path of the list, with which problems begin: `"chat".faults`. */
  readonly location: string
  /** The deployment of all rules. If it is set, rules must not have one themselves. */
  readonly deployment?: string
  /** Names of all deployments; absent if they are not known for certain. */
  readonly known?: ReadonlySet<string>
}

/** Validates the `faults` of a deployment, a fault file, or a phase. */
export function resolveFaults(value: unknown, where: RulesContext): FaultRules {
  if (value === undefined) return { rules: [], problems: [] }
  const { location } = where
  if (!Array.isArray(value)) {
    const problem = `${location} must be a list of faults (got ${showValue(value)}). docs/faults.md has examples.`
    return { rules: [], problems: [problem] }
  }
  const rules: FaultRule[] = []
  const problems: string[] = []
  for (const [index, entry] of value.entries()) {
    const resolved = resolveRule(entry, `${location}[${index}]`, where)
    if (resolved.rule) rules.push(resolved.rule)
    problems.push(...resolved.problems)
    if (problems.length >= MAX_PROBLEMS) {
      problems.push(`${location} was not checked further. Fix the problems above first.`)
      break
    }
  }
  return { rules, problems }
}

/**
 * Validates a single fault, such as that of a header.
 *
 * @param location its path or name, with which problems begin
 */
export function resolveFault(
  value: unknown,
  location: string,
): { readonly fault: Fault } | { readonly problems: readonly string[] } {
  const parsed = faultSchema.safeParse(value)
  if (parsed.success) return { fault: parsed.data }
  return { problems: describeProblems(parsed.error, value, location, { advice, otherwise }) }
}

/** Returns the default name of a fault: its error or kind. */
export function labelOf(fault: Fault): string {
  return fault.kind === 'error' ? fault.error : fault.kind
}

interface Resolved {
  readonly rule?: FaultRule
  readonly problems: readonly string[]
}

function resolveRule(value: unknown, location: string, { deployment: owner, known }: RulesContext): Resolved {
  const schema = owner === undefined ? anyRule : ownRule
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    return { problems: describeProblems(parsed.error, value, location, { advice, otherwise }) }
  const { name, probability, operation, serviceTier, stream, fault, ...own } = parsed.data
  const named = 'deployment' in own ? (own.deployment as string | undefined) : undefined
  const problems = [
    ...unknownDeployment(named, `${location}.deployment`, known),
    ...validateTarget(fault, operation, stream, location),
  ]
  if (problems.length > 0) return { problems }
  const matches = {
    deployment: owner ?? named,
    operation,
    serviceTier,
    stream: needsStream(fault) ? true : stream,
  }
  const given = Object.fromEntries(Object.entries(matches).filter(([, part]) => part !== undefined))
  return { rule: { label: name ?? labelOf(fault), probability, fault, ...given }, problems }
}

function validateTarget(
  fault: Fault,
  operation: ModelOperation | undefined,
  stream: boolean | undefined,
  location: string,
): string[] {
  const fitting = operationsOf(fault)
  const problems: string[] = []
  if (operation && fitting && !fitting.includes(operation)) {
    problems.push(
      `${location}.operation must be one of ${fitting.join(', ')} for ${labelOf(fault)} (got "${operation}"). Set it to one of them, or leave it out.`,
    )
  }
  if (stream === false && needsStream(fault)) {
    problems.push(
      `${location}.stream must be true for this fault, which applies to streams only (got false). Set it to true, or leave it out.`,
    )
  }
  return problems
}

function isTaken(name: string): boolean {
  return faultWords.includes(name) || (faultKinds as readonly string[]).includes(name)
}

/**
 * Validates the parsed entries of a fault file.
 *
 * @param path path of the file, with which problems begin
 * @param known names of all deployments; absent if they are not known for certain
 */
export function checkFaultFile(entries: unknown, path: string, known?: ReadonlySet<string>): FaultRules {
  if (!isRecord(entries)) {
    return { rules: [], problems: [`${path} must have a list of faults (got ${showValue(entries)}).`] }
  }
  const unknown = describeFirst(
    Object.keys(entries).filter((key) => key !== 'faults'),
    (key) => `${shortText(key)} is not a known key. The only key is faults.`,
  )
  const missing = 'faults' in entries ? [] : ['faults must be a list of faults (got nothing).']
  const { rules, problems } = resolveFaults(entries['faults'], {
    location: 'faults',
    ...(known && { known }),
  })
  return { rules, problems: [...unknown, ...missing, ...problems].map((problem) => problemAt(path, problem)) }
}
