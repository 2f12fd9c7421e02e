import type { z } from 'zod'
import { describeFirst, shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { showValue } from './show-value.ts'
import { followPath } from './mapping-schema.ts'

/** What helps with a wrong value, by the key that it stands under. */
export type Advice = Readonly<Record<string, { readonly hint: string; readonly names?: readonly string[] }>>

/**
 * Words what a schema of this folder found, a sentence or two for each problem, with the place in the file:
 * `phases[1].minutes must be a number from 0.001 to 525,600 (got -1). Set it to 2, for example.`
 *
 * @param value what was checked
 * @param place where it stands; empty for a file as a whole
 */
export function describeProblems(error: z.ZodError, value: unknown, place: string, advice: Advice): string[] {
  return describeFirst(error.issues, (issue) => describe(issue, value, place, advice))
}

function describe(issue: z.core.$ZodIssue, value: unknown, place: string, advice: Advice): string[] {
  const { path, got } = followPath(value, issue.path)
  const at = path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : joined(text, shortText(String(key)))),
    place,
  )
  if (issue.code === 'unrecognized_keys') {
    return describeFirst(issue.keys, (key) => `${joined(at, shortText(key))} ${issue.message}.`)
  }
  const key = path.findLast((part) => typeof part === 'string') ?? ''
  const { hint = 'docs/faults.md says more.', names = [] } = advice[key] ?? {}
  const [nearest] = typeof got === 'string' ? nearestNames(got, names, 1) : []
  const help = nearest === undefined || nearest === got ? hint : `Did you mean ${nearest}?`
  return [
    `${at} ${issue.message} (${got === undefined ? 'got nothing' : `got ${showValue(got, at)}`}). ${help}`,
  ]
}

function joined(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}
