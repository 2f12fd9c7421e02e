import { z } from 'zod'

/** What a setting may hold: the check, and the same rule in words. */
export interface ValueKind<T> {
  readonly schema: z.ZodType<T>
  /** Completes the sentence "<name> must be ..." */
  readonly range: string
}

/** Whole numbers; from text or from a number. */
export function integer(min: number, max: number): ValueKind<number> {
  return {
    schema: z.preprocess(toNumber, z.int().min(min).max(max)),
    range: `an integer from ${min} to ${max}`,
  }
}

/** Whole numbers, from text or from a number, or one word, whatever its case. */
export function integerOr<const T extends string>(word: T, min: number, max: number): ValueKind<number | T> {
  const read = (value: unknown): unknown =>
    typeof value === 'string' && value.trim().toLowerCase() === word ? word : toNumber(value)
  return {
    schema: z.preprocess(read, z.union([z.int().min(min).max(max), z.literal(word)])),
    range: `an integer from ${min} to ${max}, or ${word}`,
  }
}

/** Finite numbers that are not negative; from text or from a number. */
export function nonNegativeNumber(): ValueKind<number> {
  return { schema: z.preprocess(toNumber, z.number().min(0)), range: 'a number of at least 0' }
}

/** Numbers within bounds that count as inside; from text or from a number. */
export function numberBetween(min: number, max: number): ValueKind<number> {
  return {
    schema: z.preprocess(toNumber, z.number().min(min).max(max)),
    range: `a number from ${min} to ${max}`,
  }
}

/**
 * One of a few words, whatever their case. `synonyms` are further words that are accepted without being
 * advertised.
 */
export function oneOf<const T extends string>(
  words: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): ValueKind<T> {
  const readWord = (value: unknown): unknown => {
    if (typeof value !== 'string') return value
    const word = value.trim().toLowerCase()
    return Object.hasOwn(synonyms, word) ? synonyms[word] : word
  }
  const range = `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
  return { schema: z.preprocess(readWord, z.enum(words)), range }
}

/** Yes or no, in the words that Python programs and shells use; `range` names the pair to advertise. */
export function yesOrNo(range: string): ValueKind<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    1: true,
    yes: true,
    on: true,
    false: false,
    0: false,
    no: false,
    off: false,
  }
  const readWord = (value: unknown): unknown => {
    if (typeof value !== 'string') return value
    const word = value.trim().toLowerCase()
    return Object.hasOwn(words, word) ? words[word] : value
  }
  return { schema: z.preprocess(readWord, z.boolean()), range }
}

/** Text that matches a pattern. */
export function text(pattern: RegExp, range: string): ValueKind<string> {
  return { schema: z.string().regex(pattern), range }
}

/** Names separated by commas or white space, each of which matches `pattern`. */
export function nameList(
  pattern: RegExp,
  what: string,
  { lowerCase = false }: { readonly lowerCase?: boolean } = {},
): ValueKind<readonly string[]> {
  const schema = z
    .string()
    .transform((list) => list.split(/[\s,]+/).filter((name) => name !== ''))
    .refine((names) => names.length > 0 && names.every((name) => pattern.test(name)))
    .transform((names): readonly string[] => (lowerCase ? names.map((name) => name.toLowerCase()) : names))
  return { schema, range: `${what}, separated by commas` }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** `Number` alone would take an empty text for 0 and `0x10` for 16. */
function toNumber(value: unknown): unknown {
  return typeof value === 'string' && decimal.test(value.trim()) ? Number(value) : value
}
