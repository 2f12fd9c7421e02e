import { redactQuery } from '../lib/credential-texts.ts'
import type { EntryGroup, EntryList } from './recording-entry.ts'
import { apiVersionOf } from './match-key.ts'

/** What a query says, in one form whatever the order of its parameters. */
export interface QueryVariant {
  /** The parameters in alphabetical order, `api-version` excepted. */
  readonly query: string
  readonly apiVersion: string
}

/** Brings a query into one form. */
export function queryVariant(query: string): QueryVariant {
  const apiVersion = apiVersionOf(query)
  if (query === '' || query === `api-version=${apiVersion}`) return { query: '', apiVersion }
  const parameters = query.split('&').filter((part) => part !== '' && !part.startsWith('api-version='))
  // A recording has no credential, and a request may have another one than that.
  return { query: redactQuery(parameters.sort().join('&')), apiVersion }
}

/** The list of a group that fits a query best: all of it, or all but `api-version`, or that alone, or else the first. */
export function bestList({ lists }: EntryGroup, variant: QueryVariant): EntryList | undefined {
  let best: EntryList | undefined
  let bestScore = -1
  for (const list of lists) {
    if (list.entries.length === 0) continue
    const score = (list.query === variant.query ? 2 : 0) + (list.apiVersion === variant.apiVersion ? 1 : 0)
    if (score > bestScore) {
      best = list
      bestScore = score
    }
  }
  return best
}

/** The list of exactly this query, made where there is none. */
export function listOf({ lists }: EntryGroup, { query, apiVersion }: QueryVariant): EntryList {
  let list = lists.find((other) => other.query === query && other.apiVersion === apiVersion)
  if (!list) lists.push((list = { entries: [], query, apiVersion }))
  return list
}
