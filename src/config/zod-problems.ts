import type { z } from 'zod'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { followPath } from './mapping-file.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { redacted, redactHeaderValue } from '../lib/credential-texts.ts'
import { redactBody } from '../lib/redact-credentials.ts'

/** What helps with a wrong value, by the key that it stands under. A string is a hint; `names` are searched for a near one. */
export type Advice = Readonly<
  Record<string, string | { readonly hint: string; readonly names: readonly string[] }>
>

/** The words that differ from file to file. */
export interface ProblemWords {
  readonly advice?: Advice
  /** The hint for keys without advice. */
  readonly otherwise?: string
  /** Replaces the message of an issue, such as zod's own for a union. */
  readonly message?: (issue: z.core.$ZodIssue, key: string) => string
  /** What to say of an unknown key, after its name. Default: the message of the schema. */
  readonly unknownKey?: (key: string) => string
}

/**
 * Describes what a schema of this folder rejected, one or two sentences for each problem, with its path in the file:
 * `phases[1].minutes must be a number from 0.001 to 525,600 (got -1). Set it to 2, for example.`
 *
 * @param value the checked value
 * @param place its path in the file; empty for the whole file
 */
export function describeProblems(
  error: z.ZodError,
  value: unknown,
  place: string,
  words: ProblemWords,
): string[] {
  return describeFirst(error.issues, (issue) => describeIssue(issue, value, place, words))
}

function describeIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  place: string,
  words: ProblemWords,
): string[] {
  const { path, got } = followPath(value, issue.path)
  const at = path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : joined(text, shortText(String(key)))),
    place,
  )
  if (issue.code === 'unrecognized_keys') {
    return describeFirst(issue.keys, (key) => {
      const problem = words.unknownKey?.(key) ?? `${issue.message}.`
      return `${joined(at, shortText(key))} ${problem}`
    })
  }
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const message = words.message?.(issue, key) ?? issue.message
  const shown = got === undefined ? 'nothing' : showValue(got, at)
  return [`${at} ${message} (got ${shown}). ${hintFor(key, got, words)}`.trimEnd()]
}

function hintFor(key: string, got: unknown, { advice = {}, otherwise = '' }: ProblemWords): string {
  const found = advice[key] ?? otherwise
  if (typeof found === 'string') return found
  const [nearest] = typeof got === 'string' ? nearestNames(got, found.names, 1) : []
  return nearest === undefined || nearest === got ? found.hint : `Did you mean ${nearest}?`
}

function joined(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}

const MAX_LENGTH = 60

/**
 * A wrong value as a message quotes it: as JSON, cut when it is long, without credentials.
 *
 * @param place what it stands under: `"chat".api_key`
 */
export function showValue(value: unknown, place = ''): string {
  const name = /[^."\s]+(?="?$)/.exec(place)?.[0] ?? ''
  if (typeof value === 'string' && isCredentialName(name, 'member')) return redacted
  const shown =
    typeof value === 'string'
      ? JSON.stringify(redactHeaderValue(value))
      : redactBody(JSON.stringify(value) ?? typeof value)
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH)}...` : shown
}
