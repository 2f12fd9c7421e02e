import * as z from 'zod'
import { redacted } from '../lib/credential-texts.ts'
import { shortText } from '../lib/error-text.ts'
import { kindOf, variableOf, wordOf } from './file-settings.ts'
import { type GivenValue, givenValue, type Setting } from './settings-table.ts'
import { showValue } from './zod-problems.ts'

/** What values in a file can refer to. */
export interface ReadGivenContext {
  /** Environment for `{ env: NAME }`; absent: such references are refused, because the value comes from the network. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/**
 * Reads the value of a setting in a mapping, or that of the variable that it names. Returns an empty list after a problem.
 *
 * @param source path of the value, with which problems begin
 */
export function readGiven(
  setting: Setting,
  value: unknown,
  source: string,
  { env }: ReadGivenContext,
  problems: string[],
): readonly GivenValue[] {
  if (value === undefined) return []
  const variable = variableOf(value)
  if (variable !== undefined) {
    const text = env && variableText(variable, env, source, problems)
    if (!env)
      problems.push(
        `${source} cannot name a variable here (got ${showValue(variable)}). Send the value itself.`,
      )
    return text === undefined ? [] : [{ ...givenValue(setting, text, source), variable }]
  }
  const isUnquoted = typeof value === 'number' || typeof value === 'boolean'
  if (!isUnquoted || !(kindOf(setting) instanceof z.ZodString))
    return [givenValue(setting, wordOf(setting, value), source)]
  const got = setting.isQuoted ? String(value) : redacted
  problems.push(`${source} must be text (got ${got}). Put the value in quotes.`)
  return []
}

/** Returns the text of a variable that a file names. Reports one that is not set. */
export function variableText(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  source: string,
  problems: string[],
): string | undefined {
  const text = env[name]
  if (text) return text
  problems.push(`${source} names the variable ${shortText(name)}, which is not set. Set it.`)
  return undefined
}
