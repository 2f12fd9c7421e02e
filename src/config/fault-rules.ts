import { z } from 'zod'
import { isModelOperation, type ModelOperation, type Operation, operations } from '../wire/route.ts'
import { type Advice, describeProblems, showValue } from './zod-problems.ts'
import { isRecord } from '../lib/record.ts'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { type Given, type Input, mapping, numberFrom, integerFrom, withoutUndefined } from './mapping-file.ts'
import { namedErrorNames, type NamedError } from '../wire/named-errors.ts'
import { distributionSchema, milliseconds } from './distribution.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'

/** A day; the service itself never names a longer wait. */
const MAX_RETRY_SECONDS = 86_400

/** Beyond any answer: no model writes a million tokens. */
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

/** Where in an answer a fault strikes: at most one of the two. */
const placed = {
  /** After so many events of a stream, at least 1. A fault with it strikes streams only. */
  afterEvents: integerFrom(1, MAX_EVENTS).optional(),
  /** After this share of a stream's events, or of a whole body's bytes; between 0 and 1. */
  afterShare: share.optional(),
}

const forms = [
  /** An error of the service in the place of an answer. */
  mapping({
    kind: z.literal('error'),
    error: z.enum(namedErrorNames, `must be one of ${namedErrorNames.join(', ')}`),
    retryAfterSeconds: integerFrom(0, MAX_RETRY_SECONDS).optional(),
  }),
  /** The whole answer comes later. */
  mapping({ kind: z.literal('delay'), ms: distributionSchema }),
  /** Nothing more comes for a while, Infinity for ever: before the first byte, or at a place. */
  mapping({ kind: z.literal('stall'), ms: pause.default(Infinity), ...placed }),
  /** The connection is reset before anything is sent. */
  mapping({ kind: z.literal('cutBeforeHeaders') }),
  /** The connection is reset in the midst of the answer. */
  mapping({ kind: z.literal('cut'), ...placed }),
  /** A body ends in order before it is complete; a stream lacks its end. */
  mapping({ kind: z.literal('truncate'), ...placed }),
  /** An open stream reports an error and ends. */
  mapping({ kind: z.literal('errorEvent'), message: phrase.optional(), ...placed }),
  /** The JSON of one event is cut in half. */
  mapping({ kind: z.literal('malformedEvent'), ...placed }),
  /** One event comes in `parts` pieces, `gapMs` apart. */
  mapping({
    kind: z.literal('splitEvent'),
    parts: integerFrom(2, 100).default(2),
    gapMs: integerFrom(5, 60_000).default(20),
    ...placed,
  }),
  /** The model refuses, in these words. */
  mapping({ kind: z.literal('refusal'), text: phrase.default("I'm sorry, but I can't assist with that.") }),
  /** The content filter finds something. */
  mapping({
    kind: z.literal('contentFilter'),
    finds: z
      .enum(['prompt', 'completion', 'late'], 'must be prompt, completion or late')
      .default('completion'),
    category: z.enum(everyHarm, `must be one of ${everyHarm.join(', ')}`).default('violence'),
  }),
] as const

type Form = (typeof forms)[number]

/** What the filter finds: the schema takes every category, and a check after it leaves `jailbreak` to prompts. */
type FoundHarm = { readonly kind: 'contentFilter' } & (
  | { readonly finds: 'prompt'; readonly category: PromptCategory }
  | { readonly finds: 'completion' | 'late'; readonly category: HarmCategory }
)

/** What goes wrong. Times in milliseconds, as they are: the time scale does not change them. */
export type Fault = Given<Exclude<z.output<Form>, { kind: 'contentFilter' }>> | FoundHarm

/** The name of a kind of fault. */
export type FaultKind = Fault['kind']

/** Where in an answer a fault strikes; at most one of the two is given. */
export interface FaultPosition extends Given<z.output<z.ZodObject<typeof placed>>> {}

/** What goes wrong: the name of an error, a kind, or a kind with its parameters (docs/faults.md). Times in milliseconds. */
export type FaultOptions = NamedError | Exclude<FaultKind, 'error' | 'delay'> | Input<Form>

/** The kinds of faults, in the order of documents. */
export const faultKinds = forms.map((form) => form.shape.kind.value)

/** Every word that stands for a fault by itself: the kinds that need no parameters, and the errors. */
const faultWords: readonly string[] = [
  ...faultKinds.filter((kind) => kind !== 'error' && kind !== 'delay'),
  ...namedErrorNames,
]

const ONE_POSITION_RULE = 'must have only one of afterEvents and afterShare'
const jailbreakRule = 'must not be jailbreak in an answer: only prompts have that'
const wordRule = `must be one of ${faultKinds.join(', ')}, or the name of an error (${namedErrorNames.join(', ')})`

/** A fault as a file or a header gives it: a mapping with a kind, or a word for one with its usual parameters. */
const faultSchema: z.ZodType<Fault, FaultOptions> = z
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
  // A copy, for an object that lost keys is slow to read.
  .transform((fault) => ({ ...withoutUndefined(fault) }) as Fault)

/** Whether a word is the name of an error of the service. */
export function isNamedError(word: string): word is NamedError {
  return (namedErrorNames as readonly string[]).includes(word)
}

/** The kinds that only streams have. */
const streamKinds: ReadonlySet<FaultKind> = new Set(['errorEvent', 'malformedEvent', 'splitEvent'])

/** Whether a fault strikes streams only. */
export function needsStream(fault: Fault): boolean {
  return streamKinds.has(fault.kind) || ('afterEvents' in fault && fault.afterEvents !== undefined)
}

const refusing: readonly ModelOperation[] = ['chatCompletions', 'responses']
const filtered: readonly ModelOperation[] = ['chatCompletions', 'completions', 'responses']

/** The operations whose answers a fault can strike; undefined for all. */
export function operationsOf({ kind }: Fault): readonly ModelOperation[] | undefined {
  if (kind === 'refusal') return refusing
  return kind === 'contentFilter' ? filtered : undefined
}

const operationNames = (Object.keys(operations) as Operation[]).filter(isModelOperation)

const nameRule = 'must be 1 to 64 letters, digits, dots, dashes or underscores'

/** A name that fits into a label of the metrics and into a header. */
export const plainName = z.string(nameRule).regex(/^[\w.-]{1,64}$/, nameRule)

const shape = {
  /** What metrics and `x-sim-fault` call it; default: its error or kind. */
  name: plainName
    .refine((name) => !isTaken(name), 'must not be the name of a kind of fault or of an error')
    .optional(),
  /** Share of the matching requests that it strikes, from 0 to 1. */
  probability: numberFrom(0, 1),
  /** Absent: every operation. */
  operation: z.enum(operationNames, `must be one of ${operationNames.join(', ')}`).optional(),
  /** True strikes streams only, false whole answers only; absent: both. */
  stream: z.boolean('must be true or false').optional(),
  fault: faultSchema,
}

const ownRule = mapping(shape)
const anyRule = mapping({
  ...shape,
  /** Absent: every deployment. */
  deployment: z.string('must be the name of a deployment').optional(),
})

/** A fault of a deployment, with the requests that it may strike. */
export interface OwnFaultRuleOptions extends Input<typeof ownRule> {}

/** A fault with the requests that it may strike, as the file of faults lists it. */
export interface FaultRuleOptions extends OwnFaultRuleOptions, Pick<Input<typeof anyRule>, 'deployment'> {}

type Owner = Given<Pick<z.output<typeof anyRule>, 'deployment'>>

/** A checked fault with the requests that it may strike. Those of a deployment name it. */
export interface FaultRule extends Given<Omit<z.output<typeof ownRule>, 'name'>>, Owner {
  /** What it is called in metrics and in `x-sim-fault`: its own name, or else that of its error or kind. */
  readonly label: string
}

const otherwise = 'See docs/faults.md.'
const advice: Advice = {
  name: 'Call it flaky-network, for example.',
  probability: 'Set it to 0.05, for example: one request in twenty.',
  deployment: 'Leave it out for all deployments.',
  operation: { hint: 'Leave it out for all operations.', names: operationNames },
  stream: 'Leave it out for streams and whole answers.',
  fault: { hint: 'Set it to serverError, for example.', names: faultWords },
  // A fault that stands alone has no key.
  '': { hint: 'Set it to serverError, for example.', names: faultWords },
  kind: { hint: 'Set it to cut, for example.', names: faultKinds },
  error: { hint: 'Set it to serverError, for example.', names: faultWords },
  ms: 'Set it to 5000, for example.',
  afterEvents: 'Set it to 10, for example.',
  afterShare: 'Set it to 0.5, for example.',
  retryAfterSeconds: 'Set it to 10, for example.',
}

/** With so many problems the rules are not used, and most likely all of them are the same mistake. */
const MAX_PROBLEMS = 50

/** Rules, and what is wrong with them. */
export interface FaultRules {
  readonly rules: readonly FaultRule[]
  /** A sentence or two each, with the place. */
  readonly problems: readonly string[]
}

/** Where rules stand, and what they may name. */
export interface RulesContext {
  /** As problems begin: `"chat".faults`. */
  readonly place: string
  /** The deployment that all of them are for; they may then name none themselves. */
  readonly deployment?: string
  /** The names of all deployments; absent where they are not known for certain. */
  readonly known?: ReadonlySet<string>
}

/** Checks the `faults` of a deployment, of a file of faults, or of a phase. */
export function resolveFaults(value: unknown, where: RulesContext): FaultRules {
  if (value === undefined) return { rules: [], problems: [] }
  const { place } = where
  if (!Array.isArray(value)) {
    return {
      rules: [],
      problems: [`${place} must be a list of faults (got ${showValue(value)}). docs/faults.md has examples.`],
    }
  }
  const rules: FaultRule[] = []
  const problems: string[] = []
  for (const [index, entry] of value.entries()) {
    const resolved = resolveRule(entry, `${place}[${index}]`, where)
    if (resolved.rule) rules.push(resolved.rule)
    problems.push(...resolved.problems)
    if (problems.length >= MAX_PROBLEMS) {
      problems.push(`${place} is not checked any further. Correct these first.`)
      break
    }
  }
  return { rules, problems }
}

/**
 * Checks a fault that stands alone, such as that of a header.
 *
 * @param place begins the problems
 */
export function resolveFault(
  value: unknown,
  place: string,
): { readonly fault: Fault } | { readonly problems: readonly string[] } {
  const parsed = faultSchema.safeParse(value)
  if (parsed.success) return { fault: parsed.data }
  return { problems: describeProblems(parsed.error, value, place, { advice, otherwise }) }
}

/** What a fault without a name of its own is called. */
export function labelOf(fault: Fault): string {
  return fault.kind === 'error' ? fault.error : fault.kind
}

interface Resolved {
  readonly rule?: FaultRule
  readonly problems: readonly string[]
}

function resolveRule(value: unknown, place: string, { deployment: owner, known }: RulesContext): Resolved {
  const schema = owner === undefined ? anyRule : ownRule
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    return { problems: describeProblems(parsed.error, value, place, { advice, otherwise }) }
  const { name, probability, operation, stream, fault, ...own } = parsed.data
  const named = 'deployment' in own ? (own.deployment as string | undefined) : undefined
  const problems = [
    ...unknownDeployment(named, `${place}.deployment`, known),
    ...validateTarget(fault, operation, stream, place),
  ]
  if (problems.length > 0) return { problems }
  const matches = { deployment: owner ?? named, operation, stream: needsStream(fault) ? true : stream }
  const given = Object.fromEntries(Object.entries(matches).filter(([, part]) => part !== undefined))
  return { rule: { label: name ?? labelOf(fault), probability, fault, ...given }, problems }
}

const MAX_LISTED_NAMES = 20

/** Says that a name is none of a deployment, where all of them are known. */
export function unknownDeployment(
  name: string | undefined,
  place: string,
  known: ReadonlySet<string> | undefined,
): string[] {
  if (name === undefined || !known || known.has(name)) return []
  const names = [...known].slice(0, MAX_LISTED_NAMES).join(', ')
  return [
    `${place} must be the name of a deployment (got ${showValue(name)}). Known are ${names}${known.size > MAX_LISTED_NAMES ? ', ...' : ''}.`,
  ]
}

function validateTarget(
  fault: Fault,
  operation: ModelOperation | undefined,
  stream: boolean | undefined,
  place: string,
): string[] {
  const fitting = operationsOf(fault)
  const problems: string[] = []
  if (operation && fitting && !fitting.includes(operation)) {
    problems.push(
      `${place}.operation must be one of ${fitting.join(', ')} for ${labelOf(fault)} (got "${operation}"). Or leave it out.`,
    )
  }
  if (stream === false && needsStream(fault)) {
    problems.push(`${place}.stream must be true for this fault, which only streams have. Or leave it out.`)
  }
  return problems
}

function isTaken(name: string): boolean {
  return faultWords.includes(name) || (faultKinds as readonly string[]).includes(name)
}

/**
 * Checks what a file of faults says, once it has been read.
 *
 * @param path begins the problems
 * @param known the names of all deployments; absent where they are not known for certain
 */
export function checkFaultFile(entries: unknown, path: string, known?: ReadonlySet<string>): FaultRules {
  if (!isRecord(entries)) {
    return { rules: [], problems: [`${path} must have a list of faults (got ${showValue(entries)}).`] }
  }
  const unknown = describeFirst(
    Object.keys(entries).filter((key) => key !== 'faults'),
    (key) => `${shortText(key)} is not known here. The only key is faults.`,
  )
  const missing = 'faults' in entries ? [] : ['faults must be a list of faults (got nothing).']
  const { rules, problems } = resolveFaults(entries['faults'], { place: 'faults', ...(known && { known }) })
  return { rules, problems: [...unknown, ...missing, ...problems].map((problem) => `${path}: ${problem}`) }
}
