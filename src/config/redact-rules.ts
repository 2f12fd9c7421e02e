import * as z from 'zod'
import type { ValueKind } from './setting.ts'

/** A rule for content to remove from recordings. */
export type RedactRule =
  /** Removes headers, and replaces the values of query parameters and JSON fields, with this name in lower case. */
  | { readonly kind: 'name'; readonly name: string }
  /** Replaces matches of a regular expression in bodies. `source` is its source; the flags are `g` and `u`. */
  | { readonly kind: 'pattern'; readonly source: string }

const range = 'names, "texts" and /patterns/ separated by commas, patterns without nested repetition'
const itemRule = 'a name, a "text" in quotes, or a regular expression'
const flagsRule = 'a regular expression without flags other than g and u'
const safeRule = 'a pattern without nested repetition'

/**
 * Names, quoted texts and regular expressions. In one text they are separated by commas or white space, with regular expressions
 * between slashes. Options of the library can also have RegExp objects.
 */
export function redactRules(): ValueKind<readonly RedactRule[], readonly (string | RegExp)[]> {
  const rule = z
    .union([z.string(), z.instanceof(RegExp)], itemRule)
    .transform((item, context): RedactRule => {
      const found = typeof item === 'string' ? parseRule(item) : ruleOf(item)
      if (typeof found !== 'string') return found
      context.addIssue({ code: 'custom', message: found })
      return z.NEVER
    })
  return {
    schema: z.array(rule).min(1),
    read: (text) => splitRules(text) ?? text,
    range,
  }
}

const entry = /\s*("(?:[^"\\]|\\.)+"|\/(?:[^/\\]|\\.)+\/|[^\s,"/]+)\s*(?:,|(?=\s)|$)/y

/** Splits a text into rules; undefined if the text is invalid. */
function splitRules(text: string): string[] | undefined {
  const rules: string[] = []
  const rest = text.trim()
  entry.lastIndex = 0
  while (entry.lastIndex < rest.length) {
    const [, rule] = entry.exec(rest) ?? []
    if (rule === undefined) return undefined
    rules.push(rule)
  }
  return rules
}

/** Parses a rule. Returns a text that says what it must be if it is invalid. */
function parseRule(text: string): RedactRule | string {
  const [rule, ...others] = splitRules(text) ?? []
  if (rule === undefined || others.length > 0) return itemRule
  const isPattern = rule.startsWith('/')
  if (!isPattern && !rule.startsWith('"')) return { kind: 'name', name: rule.toLowerCase() }
  const inner = rule.slice(1, -1)
  return patternOf(isPattern ? inner : escapeText(inner.replace(/\\(["\\])/g, '$1')))
}

function ruleOf({ source, flags }: RegExp): RedactRule | string {
  return /^[gu]*$/.test(flags) ? patternOf(source) : flagsRule
}

function patternOf(source: string): RedactRule | string {
  return isSafePattern(source) ? { kind: 'pattern', source } : safeRule
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/**
 * Returns whether a regular expression is valid and has nothing that can take exponential time: a repeated group with a repetition
 * or an alternative inside, look-around, and back references.
 */
function isSafePattern(source: string): boolean {
  try {
    if (new RegExp(source, 'gu').test('')) return false
  } catch {
    return false
  }
  // Escaped characters and classes are not repetitions. Check back references before they are removed.
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
      // The question mark of `(?:` is not a repetition.
      if (!(character === '?' && bare[at - 1] === '(')) variable = true
    }
  }
  return false
}
