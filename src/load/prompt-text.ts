import type { Random } from '../lib/random.ts'

/** Common words, each of which is one token behind a space in cl100k_base and o200k_base. */
const words =
  'time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name president team minute idea body information back parent face others level office door health person art war history party result change morning reason research girl guy moment air teacher force education'.split(
    ' ',
  )

/**
 * A text of a number of tokens, 1 or more. It begins at a random word and with another number each time, so that no two prompts are
 * the same from the beginning: a service would serve their prefixes from its cache otherwise.
 */
export function makePrompt(tokens: number, random: Random): string {
  const start = random.below(words.length)
  const text = Array.from({ length: tokens - 1 }, (_, index) => words[(start + index * 7) % words.length])
  // Up to three digits are one token in both encodings.
  return [String(random.below(1_000)), ...text].join(' ')
}
