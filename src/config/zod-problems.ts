import type * as z from 'zod'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { followPath } from './mapping-file.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { redacted, redactHeaderValue } from '../lib/credential-texts.ts'
import { redactBody } from '../lib/redact-credentials.ts'

/** Hints for invalid values, by key. `names` are searched for a similar value. */
export type Advice = Readonly<
  Record<string, string | { readonly hint: string; readonly names: readonly string[] }>
>

/** Texts that differ between files. */
export interface ProblemWords {
  readonly advice?: Advice
  /** The hint for keys without advice. */
  readonly otherwise?: string
  /** Replaces the message of an issue, such as zod's own for a union. */
  readonly message?: (issue: z.core.$ZodIssue, key: string) => string
  /** Describes an unknown key. The text follows its name. Default: the message of the schema. */
  readonly unknownKey?: (key: string) => string
}

/**
 * Describes the issues of a schema in this folder, one or two sentences each, with the path in the file:
 * `phases[1].minutes must be a number from 0.001 to 525,600 (got -1). Set it to 2, for example.`
 *
 * @param value the checked value
 * @param location its path in the file; empty for the whole file
 */
export function describeProblems(
  error: z.ZodError,
  value: unknown,
  location: string,
  words: ProblemWords,
): string[] {
  return describeFirst(error.issues, (issue) => describeIssue(issue, value, location, words))
}

function describeIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  location: string,
  words: ProblemWords,
): string[] {
  const { path, got } = followPath(value, issue.path)
  const at = path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : joined(text, shortText(String(key)))),
    location,
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

function joined(location: string, key: string): string {
  return location === '' ? key : `${location}.${key}`
}

const MAX_LENGTH = 60

/**
 * Returns an invalid value as JSON for a message: shortened, without credentials.
 *
 * @param location its path: `"chat".api_key`
 */
export function showValue(value: unknown, location = ''): string {
  const name = /[^."\s]+(?="?$)/.exec(location)?.[0] ?? ''
  if (typeof value === 'string' && isCredentialName(name, 'member')) return redacted
  const shown =
    typeof value === 'string'
      ? JSON.stringify(redactHeaderValue(value))
      : redactBody(JSON.stringify(value) ?? typeof value)
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH)}...` : shown
}

/** Returns an invalid value that can be a credential in the wrong place, for a message: without its texts. */
export function showWithoutText(value: unknown): string {
  if (typeof value === 'string') return redacted
  if (typeof value !== 'object' || value === null) return showValue(value)
  return Array.isArray(value) ? 'a list' : 'a mapping'
}

const MAX_LISTED_NAMES = 20

/** Returns a problem if the name is not that of a known deployment. */
export function unknownDeployment(
  name: string | undefined,
  location: string,
  known: ReadonlySet<string> | undefined,
): string[] {
  if (name === undefined || !known || known.has(name)) return []
  const names = [...known].slice(0, MAX_LISTED_NAMES).join(', ')
  const hint =
    known.size === 0
      ? 'There are no deployments.'
      : `Known names are ${names}${known.size > MAX_LISTED_NAMES ? ', ...' : ''}.`
  return [`${location} must be the name of a deployment (got ${showValue(name)}). ${hint}`]
}
