import { z } from 'zod'

/** A tree that nobody changes through this type. */
export type ReadonlyTree<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyTree<T[Key]> } : T

/** What a schema takes, before defaults and short forms are filled in. */
export type Input<Schema extends z.ZodType> = ReadonlyTree<z.input<Schema>>

/** A number within a range, for a file: text is not taken for a number there. */
export function numberFrom(min: number, max: number): z.ZodNumber {
  const rule = `must be a number from ${min} to ${max.toLocaleString('en-US')}`
  return z.number(rule).min(min, rule).max(max, rule)
}

/** An integer within a range. */
export function integerFrom(min: number, max: number): z.ZodInt {
  const rule = `must be an integer from ${min} to ${max.toLocaleString('en-US')}`
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
