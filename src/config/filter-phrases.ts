import { z } from 'zod'
import type { PromptCategory } from '../wire/content-filters.ts'
import type { FilterPhrase } from './config.ts'
import type { ValueKind } from './value-kind.ts'

/** The category of a phrase that names none. */
const defaultCategory = 'violence'

const rule = 'a text without ";", or {category, phrase} with such a phrase'

/**
 * Phrases of the content filter: texts with a category and a colon in front or without, or objects. In one text they are
 * separated by `;`. White space around a phrase does not count. Where a phrase holds a colon itself, a category has to be named.
 */
export function filterPhrases<const C extends PromptCategory>(
  categories: readonly C[],
): ValueKind<readonly FilterPhrase<C>[], readonly (string | FilterPhrase<C>)[]> {
  const given = z.union(
    [z.string(), z.strictObject({ category: z.enum(categories), phrase: z.string() })],
    rule,
  )
  const phrase = given.transform((item, context): FilterPhrase<C> => {
    const found = parsePhrase(phraseText(item), categories)
    if (found) return found
    context.addIssue({ code: 'custom', message: rule })
    return z.NEVER
  })
  const names = `${categories.slice(0, -1).join(', ')} or ${categories.at(-1) ?? ''}`
  return {
    schema: z.array(phrase).min(1),
    read: (text) => text.split(';').filter((entry) => entry.trim() !== ''),
    write: (items) => items.map(phraseText).join(';'),
    range: `phrases separated by ";", each with its category (${names}) and a colon in front; without one it is ${defaultCategory}`,
  }
}

function phraseText(item: string | FilterPhrase): string {
  return typeof item === 'string' ? item : `${item.category}: ${item.phrase}`
}

function parsePhrase<C extends PromptCategory>(
  entry: string,
  categories: readonly C[],
): FilterPhrase<C> | undefined {
  const colon = entry.indexOf(':')
  const word = colon === -1 ? defaultCategory : entry.slice(0, colon).trim().toLowerCase().replace('-', '_')
  const category = categories.find((known) => known === word)
  const phrase = entry.slice(colon + 1).trim()
  if (category === undefined || phrase === '' || phrase.includes(';')) return undefined
  return { category, phrase: phrase.toLowerCase() }
}
