import { z } from 'zod'

/** The chapters of the configuration, in the order in which documents show them. */
export const settingGroups = [
  'Simulation',
  'Access',
  'Server',
  'Deployments',
  'Recordings',
  'Content filter',
  'Latency',
  'Faults',
  'Journal',
  'Many machines',
  'Telemetry',
] as const

/** One of `settingGroups`. */
export type SettingGroup = (typeof settingGroups)[number]

/** What a leaf of the schema tells of itself beside its check. */
export interface SettingDetails {
  readonly env: string
  readonly group: SettingGroup
  readonly description: string
  /** Absent for what is not measured. */
  readonly unit?: string
  /** As an operator would write it; absent where leaving it unset means something else. */
  readonly default?: string | number | boolean
  /** What leaving it unset means, for a setting without a default. */
  readonly unsetMeaning?: string
  /** Where PATCH /++/config has it, dotted: `latency.time_scale`; absent for what only a new start changes. */
  readonly patch?: string
  /** True when the value must never be printed. */
  readonly secret?: boolean
  /** True when a refused value may hold a secret, such as a password in an address: no message quotes it. */
  readonly mayHoldSecret?: boolean
}

/** Details of every leaf, with its range in words, and how text becomes its value and a value text. */
export const settingRegistry = z.registry<
  SettingDetails & {
    readonly range: string
    readonly read: (text: string) => unknown
    readonly write: ((value: never) => string) | undefined
  }
>()

type Required<T, Given> = z.ZodPrefault<z.ZodType<T, Given>>
type Optional<T, Given> = z.ZodOptional<z.ZodType<T, Given>>

/** Makes a leaf of the schema. The default goes through the same check as any other value. */
export function setting<T, Given>(
  kind: ValueKind<T, Given>,
  details: SettingDetails & { readonly default: string | number | boolean },
): Required<T, Given>
export function setting<T, Given>(kind: ValueKind<T, Given>, details: SettingDetails): Optional<T, Given>
export function setting<T, Given>(
  { schema: checked, read, write, range }: ValueKind<T, Given>,
  details: SettingDetails,
): Required<T, Given> | Optional<T, Given> {
  const schema =
    details.default === undefined
      ? checked.optional()
      : checked.prefault(() => read(String(details.default)) as never)
  settingRegistry.add(schema, { ...details, range, read, write })
  return schema
}

/** What a setting may hold: the check of a value, how text is read as one, and the rule in words. */
export interface ValueKind<T, Given = T> {
  readonly schema: z.ZodType<T, Given>
  /** Makes of the text of a variable, a flag or a patch the value that is checked; text that it cannot read stays what it is. */
  readonly read: (text: string) => unknown
  /** Writes a value in such text; absent where a value is no list, or cannot be given at run time. */
  readonly write?: (given: Given) => string
  /** Completes the sentence "<name> must be ..." */
  readonly range: string
}

/** Whole numbers. */
export function integer(min: number, max: number): ValueKind<number> {
  return {
    schema: z.int().min(min).max(max),
    read: readNumber,
    range: `an integer from ${min} to ${max}`,
  }
}

/** Whole numbers, or one word, which is read whatever its case. */
export function integerOr<const T extends string>(word: T, min: number, max: number): ValueKind<number | T> {
  return {
    schema: z.union([z.int().min(min).max(max), z.literal(word)]),
    read: (text) => (text.trim().toLowerCase() === word ? word : readNumber(text)),
    range: `an integer from ${min} to ${max}, or ${word}`,
  }
}

/** Finite numbers that are not negative. */
export function nonNegativeNumber(): ValueKind<number> {
  return { schema: z.number().min(0), read: readNumber, range: 'a number of at least 0' }
}

/** Numbers within bounds that count as inside. */
export function numberBetween(min: number, max: number): ValueKind<number> {
  return { schema: z.number().min(min).max(max), read: readNumber, range: `a number from ${min} to ${max}` }
}

/**
 * One of a few words, which are read whatever their case. `synonyms` are further words that are read without being
 * advertised.
 */
export function oneOf<const T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): ValueKind<T> {
  const range = `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
  return { schema: z.enum(words), read: (text) => readWord(text, synonyms), range }
}

const yesAndNo: Readonly<Record<string, boolean>> = {
  true: true,
  1: true,
  yes: true,
  on: true,
  false: false,
  0: false,
  no: false,
  off: false,
}

/** Yes or no, read in the words that Python programs and shells use; `range` names the pair to advertise. */
export function yesOrNo(range: string): ValueKind<boolean> {
  return { schema: z.boolean(), read: (text) => readWord(text, yesAndNo), range }
}

/** Text that matches a pattern. */
export function text(pattern: RegExp, range: string): ValueKind<string> {
  return { schema: z.string().regex(pattern), read: (given) => given, range }
}

/** Text that passes a test. */
export function textThat(isRight: (value: string) => boolean, range: string): ValueKind<string> {
  return { schema: z.string().refine(isRight), read: (given) => given, range }
}

/** Names that match `pattern`, in text separated by commas or white space. */
export function nameList(
  pattern: RegExp,
  what: string,
  { lowerCase = false }: { readonly lowerCase?: boolean } = {},
): ValueKind<readonly string[]> {
  const name = z.string('one name').regex(pattern, 'one name')
  return {
    schema: z
      .array(name)
      .min(1)
      .transform((names): readonly string[] =>
        lowerCase ? names.map((given) => given.toLowerCase()) : names,
      ),
    read: (list) => list.split(/[\s,]+/).filter((given) => given !== ''),
    range: `${what}, separated by commas`,
  }
}

/**
 * Paths, in one text separated by commas: the same on every system, unlike the separator of PATH, which is a colon on one
 * and stands in every absolute path on another. White space around a path does not count; a path cannot hold a comma.
 *
 * @param what names the paths, such as "files or folders"
 */
export function pathList(what: string): ValueKind<readonly string[]> {
  return {
    schema: z.array(z.string('one path').min(1, 'one path')).min(1),
    read: (list) =>
      list
        .split(',')
        .map((path) => path.trim())
        .filter((path) => path !== ''),
    range: `${what}, separated by commas`,
  }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** `Number` alone would take an empty text for 0 and `0x10` for 16. */
function readNumber(text: string): number | string {
  return decimal.test(text.trim()) ? Number(text) : text
}

function readWord<T>(text: string, meanings: Readonly<Record<string, T>>): T | string {
  const word = text.trim().toLowerCase()
  return (Object.hasOwn(meanings, word) ? meanings[word] : undefined) ?? word
}
