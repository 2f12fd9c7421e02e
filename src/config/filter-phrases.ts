import { z } from 'zod'
import type { PromptCategory } from '../wire/content-filters.ts'
import type { FilterPhrase } from './config.ts'
import type { ValueKind } from './value-kind.ts'

/** The category of a phrase that names none. */
const defaultCategory = 'violence'

/**
 * Phrases of the content filter in one text: separated by `;`, each with a category and a colon in front or without.
 * White space around a phrase does not count. Where a phrase holds a colon itself, a category has to be named.
 */
export function filterPhrases<const C extends PromptCategory>(
  categories: readonly C[],
): ValueKind<readonly FilterPhrase<C>[]> {
  const schema = z.string().transform((text, context) => {
    const phrases = parsePhrases(text, categories)
    if (phrases !== undefined) return phrases
    context.addIssue({ code: 'custom', message: 'not a list of phrases' })
    return z.NEVER
  })
  const names = `${categories.slice(0, -1).join(', ')} or ${categories.at(-1) ?? ''}`
  const range = `phrases separated by ";", each with its category (${names}) and a colon in front; without one it is ${defaultCategory}`
  return { schema, range }
}

function parsePhrases<C extends PromptCategory>(
  text: string,
  categories: readonly C[],
): FilterPhrase<C>[] | undefined {
  const phrases: FilterPhrase<C>[] = []
  for (const entry of text.split(';')) {
    if (entry.trim() === '') continue
    const colon = entry.indexOf(':')
    const word = colon === -1 ? defaultCategory : entry.slice(0, colon).trim().toLowerCase().replace('-', '_')
    const category = categories.find((known) => known === word)
    const phrase = entry.slice(colon + 1).trim()
    if (category === undefined || phrase === '') return undefined
    phrases.push({ category, phrase: phrase.toLowerCase() })
  }
  return phrases.length === 0 ? undefined : phrases
}
