import { z } from 'zod'
import type { ValueKind } from './value-kind.ts'

/** Something that no recording may hold. */
export type RedactRule =
  /** Headers are left out, and the values of query parameters and JSON fields are replaced. In lower case. */
  | { readonly kind: 'name'; readonly name: string }
  /** What a regular expression finds in a body is replaced. Its source; the flags are `g` and `u`. */
  | { readonly kind: 'pattern'; readonly source: string }

const range = 'names, "texts" and /patterns/ separated by commas, patterns without nested repetition'

/** A list of names, quoted texts and regular expressions between slashes, separated by commas or white space. */
export function redactRules(): ValueKind<readonly RedactRule[]> {
  const schema = z.string().transform((list, context): readonly RedactRule[] => {
    const rules = parseRedactRules(list)
    if (rules && rules.length > 0) return rules
    context.addIssue({ code: 'custom', message: range })
    return z.NEVER
  })
  return { schema, range }
}

const entry = /\s*(?:"((?:[^"\\]|\\.)+)"|\/((?:[^/\\]|\\.)+)\/|([^\s,"/]+))\s*(?:,|(?=\s)|$)/y

/** Reads the list; undefined when an entry cannot be read or would not be safe to run. */
export function parseRedactRules(list: string): readonly RedactRule[] | undefined {
  const rules: RedactRule[] = []
  const rest = list.trim()
  entry.lastIndex = 0
  while (entry.lastIndex < rest.length) {
    const found = entry.exec(rest)
    if (!found) return undefined
    const [, quoted, pattern, name] = found
    if (name !== undefined) rules.push({ kind: 'name', name: name.toLowerCase() })
    else {
      const source = pattern ?? escapeText((quoted ?? '').replace(/\\(["\\])/g, '$1'))
      if (!isSafePattern(source)) return undefined
      rules.push({ kind: 'pattern', source })
    }
  }
  return rules
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/**
 * Whether a regular expression is valid and free of what takes exponential time: a repeated group that holds a repetition
 * or a choice, look-around, and references back.
 */
function isSafePattern(source: string): boolean {
  try {
    if (new RegExp(source, 'gu').test('')) return false
  } catch {
    return false
  }
  // What stands in a class, or is escaped, repeats nothing; an escape may refer back.
  if (/\\(?:[1-9]|k<)|\(\?[=!<]/.test(source)) return false
  const bare = source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x')
  return !hasNestedRepetition(bare)
}

const repeats = /^(?:[*+]|\{\d+(?:,\d*)?\})/

function hasNestedRepetition(bare: string): boolean {
  const groups: boolean[] = []
  let variable = false
  for (let at = 0; at < bare.length; at++) {
    const character = bare[at]
    if (character === '(') {
      groups.push(variable)
      variable = false
    } else if (character === ')') {
      if (variable && repeats.test(bare.slice(at + 1))) return true
      variable = (groups.pop() ?? false) || variable
    } else if (character === '|' || character === '?' || repeats.test(bare.slice(at))) {
      // The question mark of `(?:` makes nothing variable.
      if (!(character === '?' && bare[at - 1] === '(')) variable = true
    }
  }
  return false
}
