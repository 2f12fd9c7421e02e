import type * as z from 'zod'
import { redacted } from '../lib/credential-texts.ts'
import { listProblems } from '../lib/error-text.ts'
import { countOf } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { type Settings, settingsSchema } from './settings-schema.ts'
import { type GivenValue, setAt, settingsTable } from './settings-table.ts'
import { showValue } from './zod-problems.ts'

/**
 * Creates the error that lists all problems.
 *
 * @param what completes "Could not ...": `start`
 */
export function configError(what: string, problems: readonly string[]): OperatorError {
  const count = countOf(problems.length, 'problem')
  const lines = listProblems(problems)
    .map((problem) => `\n  ${problem}`)
    .join('')
  return new OperatorError('CONFIG_INVALID', `Could not ${what}: ${count} in the configuration${lines}`)
}

/**
 * Validates settings without the files that they name, for commands that do not need the whole configuration. Settings that are
 * not in `given` have their default.
 *
 * @throws {OperatorError} CONFIG_INVALID
 */
export function resolveSettings(given: readonly GivenValue[], unread: readonly string[]): Settings {
  const parsed = settingsSchema.safeParse(nestValues(given))
  const problems = [...unread, ...describeWrongValues(given, parsed.error)]
  if (!parsed.success || problems.length > 0) throw configError('read the settings', problems)
  return parsed.data
}

/** Returns a tree with all settings, including unset ones: the schema fills in defaults of settings, not of groups. */
export function nestValues(given: readonly GivenValue[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path } of settingsTable()) setAt(root, path, undefined)
  for (const { setting, value } of given) setAt(root, setting.path, value)
  return root
}

/** Describes the invalid values, in the order of `given`. */
export function describeWrongValues(given: readonly GivenValue[], error: z.ZodError | undefined): string[] {
  if (!error) return []
  return given.flatMap((one) => {
    const { path } = one.setting
    const issues = error.issues.filter((issue) => path.every((key, index) => issue.path[index] === key))
    const inItems = issues.filter((issue) => issue.path.length > path.length)
    if (issues.length === 0) return []
    // A text is reported as a whole. Of an array, each invalid item is reported.
    return Array.isArray(one.typed) && inItems.length > 0
      ? listProblems(inItems.map((issue) => describeWrongItem(one, issue)))
      : describeWrongValue(one)
  })
}

function describeWrongItem(
  { setting, typed, source }: GivenValue,
  { path, message }: z.core.$ZodIssue,
): string {
  const index = Number(path[setting.path.length])
  const item: unknown = (typed as readonly unknown[])[index]
  return `${source}[${index}] must be ${message} (got ${item instanceof RegExp ? String(item) : showValue(item)}).`
}

/** Describes an invalid value of a setting, one or two sentences each. */
export function describeWrongValue({ setting, typed, source, variable }: GivenValue): readonly string[] {
  const explained = variable === undefined && setting.isQuoted ? (setting.explain?.(typed) ?? []) : []
  if (explained.length > 0) return explained.map((problem) => `${source}${problem}`)
  const shown = setting.isQuoted ? showValue(typed) : redacted
  const got = variable === undefined ? shown : `the value of ${variable}`
  const advice =
    setting.default === undefined
      ? `Correct it, or leave it unset (${setting.unsetMeaning ?? 'none'}).`
      : `Set it to ${setting.default} (the default) or to another valid value.`
  return [`${source} must be ${setting.range} (got ${got}). ${advice}`]
}
