import { z } from 'zod'
import { namedErrorNames, type NamedError } from '../wire/named-errors.ts'
import { distributionSchema, milliseconds } from './distribution.ts'
import { type Given, type Input, integerFrom, mapping, withoutUndefined } from './mapping-schema.ts'
import type { HarmCategory, PromptCategory } from '../wire/content-filters.ts'
import type { ModelOperation } from '../wire/route.ts'

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
export const faultWords: readonly string[] = [
  ...faultKinds.filter((kind) => kind !== 'error' && kind !== 'delay'),
  ...namedErrorNames,
]

const ONE_POSITION_RULE = 'must have only one of afterEvents and afterShare'
const jailbreakRule = 'must not be jailbreak in an answer: only prompts have that'
const wordRule = `must be one of ${faultKinds.join(', ')}, or the name of an error (${namedErrorNames.join(', ')})`

/** A fault as a file or a header gives it: a mapping with a kind, or a word for one with its usual parameters. */
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
