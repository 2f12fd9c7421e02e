import * as z from 'zod'

/** Groups of settings, in the order of the documentation. */
export const settingGroups = [
  'Simulation',
  'Access',
  'Server',
  'Deployments',
  'Recordings',
  'Upstreams',
  'Content filter',
  'Latency',
  'Faults',
  'Journal',
  'Many machines',
  'Telemetry',
] as const

/** One of `settingGroups`. */
export type SettingGroup = (typeof settingGroups)[number]

/** Details of a setting in addition to its validation. */
export interface SettingDetails {
  readonly env: string
  readonly group: SettingGroup
  readonly description: string
  /** Absent for values without a unit. */
  readonly unit?: string
  /** In the form that an operator writes; absent if the setting has no default. */
  readonly default?: string | number | boolean
  /** Meaning of an unset setting without a default. */
  readonly unsetMeaning?: string
  /** Path in PATCH /++/config: `latency.time_scale`; absent for settings that require a restart. */
  readonly patch?: string
  /** Whether the value must never be printed. */
  readonly secret?: boolean
  /** Whether an invalid value can contain a secret, such as a password in an address. Messages do not quote it. */
  readonly mayHoldSecret?: boolean
}

/** Details of each setting, with the description of its range, and its conversion from and to text. */
export const settingRegistry = z.registry<
  SettingDetails & {
    readonly range: string
    readonly read: (text: string) => unknown
    readonly write: ((value: never) => string) | undefined
    readonly explain: ((value: unknown) => readonly string[]) | undefined
  }
>()

type Required<T, Given> = z.ZodPrefault<z.ZodType<T, Given>>
type Optional<T, Given> = z.ZodOptional<z.ZodType<T, Given>>

/** Creates a setting of the schema. The default is validated like any other value. */
export function setting<T, Given>(
  kind: ValueKind<T, Given>,
  details: SettingDetails & { readonly default: string | number | boolean },
): Required<T, Given>
export function setting<T, Given>(kind: ValueKind<T, Given>, details: SettingDetails): Optional<T, Given>
export function setting<T, Given>(
  { schema: checked, read, write, range, explain }: ValueKind<T, Given>,
  details: SettingDetails,
): Required<T, Given> | Optional<T, Given> {
  const schema =
    details.default === undefined
      ? checked.optional()
      : checked.prefault(() => read(String(details.default)) as never)
  settingRegistry.add(schema, { ...details, range, read, write, explain })
  return schema
}

/** Type of values of a setting: validation, conversion from and to text, and description. */
export interface ValueKind<T, Given = T> {
  readonly schema: z.ZodType<T, Given>
  /** Converts the text of a variable, a flag or a patch to the value to validate. Returns invalid text unchanged. */
  readonly read: (text: string) => unknown
  /** Converts a value to such text; absent for values that are not lists or cannot change at run time. */
  readonly write?: (value: Given) => string
  /** Completes the sentence "<name> must be ..." */
  readonly range: string
  /** Describes the invalid parts of a value, each in sentences that follow the name; empty if the value as a whole is invalid. */
  readonly explain?: (value: unknown) => readonly string[]
}

/** Integers from `min` to `max`. */
export function integer(min: number, max: number): ValueKind<number> {
  return {
    schema: z.int().min(min).max(max),
    read: readNumber,
    range: `an integer from ${min} to ${max}`,
  }
}

/** Integers from `min` to `max`, or one word in any case. */
export function integerOr<const T extends string>(word: T, min: number, max: number): ValueKind<number | T> {
  return {
    schema: z.union([z.int().min(min).max(max), z.literal(word)]),
    read: (text) => (text.trim().toLowerCase() === word ? word : readNumber(text)),
    range: `an integer from ${min} to ${max}, or ${word}`,
  }
}

/** Integers from `min` to `max`: one, or a list of equally likely ones, separated by commas; or one word in any case. */
export function integersOr<const T extends string>(
  word: T,
  min: number,
  max: number,
): ValueKind<number | readonly number[] | T> {
  const one = z.int().min(min).max(max)
  return {
    schema: z.union([one, z.array(one).min(1).max(MAX_LIST_LENGTH).readonly(), z.literal(word)]),
    read: (text) => {
      if (text.trim().toLowerCase() === word) return word
      const numbers = text.split(',').map(readNumber)
      return numbers.length === 1 ? numbers[0] : numbers
    },
    write: (value) => String(value),
    range: `an integer from ${min} to ${max}, a list of them separated by commas, or ${word}`,
  }
}

const MAX_LIST_LENGTH = 100

/** Finite numbers that are not negative. */
export function nonNegativeNumber(): ValueKind<number> {
  return { schema: z.number().min(0), read: readNumber, range: 'a number of at least 0' }
}

/** Numbers from `min` to `max`. */
export function numberBetween(min: number, max: number): ValueKind<number> {
  return { schema: z.number().min(min).max(max), read: readNumber, range: `a number from ${min} to ${max}` }
}

/** One of a few words in any case. `synonyms` are accepted as well, but not documented. */
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

/** Boolean in the words that Python programs and shells use. `range` is the documented pair. */
export function yesOrNo(range: string): ValueKind<boolean> {
  return { schema: z.boolean(), read: (text) => readWord(text, yesAndNo), range }
}

/** Text that matches a pattern. */
export function text(pattern: RegExp, range: string): ValueKind<string> {
  return { schema: z.string().regex(pattern), read: (value) => value, range }
}

/** Text for which `isValid` returns true. */
export function textThat(isValid: (value: string) => boolean, range: string): ValueKind<string> {
  return { schema: z.string().refine(isValid), read: (value) => value, range }
}

/** Names that match `pattern`, separated by commas or white space. */
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
      .transform((names): readonly string[] => (lowerCase ? names.map((item) => item.toLowerCase()) : names)),
    read: (list) => list.split(/[\s,]+/).filter((item) => item !== ''),
    range: `${what}, separated by commas`,
  }
}

/** A list of some of a few words in any case, separated by commas or white space. */
export function wordList<const T extends string>(words: readonly T[]): ValueKind<readonly T[]> {
  return {
    schema: z.array(z.enum(words, `one of ${words.join(', ')}`)).min(1),
    read: (list) =>
      list
        .toLowerCase()
        .split(/[\s,]+/)
        .filter((item) => item !== ''),
    range: `a list of ${words.join(', ')}, separated by commas`,
  }
}

/**
 * Paths separated by commas. A comma works on all systems, unlike the separator of PATH: a colon is part of absolute paths on
 * Windows. White space around a path is ignored. A path cannot contain a comma.
 *
 * @param what describes the paths: "files or folders"
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

/** `Number` alone would read empty text as 0 and `0x10` as 16. */
function readNumber(text: string): number | string {
  return decimal.test(text.trim()) ? Number(text) : text
}

function readWord<T>(text: string, meanings: Readonly<Record<string, T>>): T | string {
  const word = text.trim().toLowerCase()
  return (Object.hasOwn(meanings, word) ? meanings[word] : undefined) ?? word
}
