import { z } from 'zod'
import type { ValueKind } from './value-kind.ts'

/**
 * Paths in one text, separated by commas: the same on every system, unlike the separator of PATH, which is a colon on one
 * and stands in every absolute path on another. White space around a path does not count; a path cannot hold a comma.
 *
 * @param what names the paths, such as "files or folders"
 */
export function pathList(what: string): ValueKind<readonly string[]> {
  const schema = z
    .string()
    .transform((list): readonly string[] =>
      list
        .split(',')
        .map((path) => path.trim())
        .filter((path) => path !== ''),
    )
    .refine((paths) => paths.length > 0)
  return { schema, range: `${what}, separated by commas` }
}
