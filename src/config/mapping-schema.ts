import { formatNumber } from '../lib/number-format.ts'
import { z } from 'zod'

/** A tree that nobody changes through this type. */
export type ReadonlyTree<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyTree<T[Key]> } : T

/** A tree of which every part is there: what may be left out of a setting has a value here. */
export type FilledTree<T> = T extends object
  ? { readonly [Key in keyof T]-?: FilledTree<Exclude<T[Key], undefined>> }
  : T

/** What a schema gives, where a part that is absent is never undefined. */
export type Given<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> }

/** Removes the keys that a schema made of nothing. It changes what it is given, since entries come in thousands. */
export function withoutUndefined<T extends object>(values: T): Given<T> {
  for (const key in values) if (values[key] === undefined) delete values[key]
  return values as Given<T>
}

/** What a schema takes, before defaults and short forms are filled in. */
export type Input<Schema extends z.ZodType> = ReadonlyTree<z.input<Schema>>

/** A number within a range, for a file: text is not taken for a number there. */
export function numberFrom(min: number, max: number): z.ZodNumber {
  const rule = `must be a number from ${min} to ${formatNumber(max)}`
  return z.number(rule).min(min, rule).max(max, rule)
}

/** An integer within a range. */
export function integerFrom(min: number, max: number): z.ZodInt {
  const rule = `must be an integer from ${min} to ${formatNumber(max)}`
  return z.int(rule).min(min, rule).max(max, rule)
}

/** A mapping of a file, with no keys but these. Its messages complete the sentence "<place> ..." */
export function mapping<const Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not known here. Known keys are ${keys}`
        : `must be a mapping with the keys ${keys}`,
  })
}

/** The part of what was typed that an issue is about: a schema may look deeper, into what a short form stands for. */
export function followPath(
  value: unknown,
  path: readonly PropertyKey[],
): { path: PropertyKey[]; got: unknown } {
  const walked: PropertyKey[] = []
  let got = value
  for (const key of path) {
    if (typeof got !== 'object' || got === null) break
    got = (got as Record<PropertyKey, unknown>)[key]
    walked.push(key)
  }
  return { path: walked, got }
}
