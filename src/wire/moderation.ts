import type { HarmCategory } from './content-filters.ts'

/** The categories of the moderation models, in the order of OpenAI's reference (2026). */
const categories = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
]

const categoryOf: Readonly<Record<HarmCategory, string>> = {
  hate: 'hate',
  self_harm: 'self-harm',
  sexual: 'sexual',
  violence: 'violence',
}

const SAFE_SCORE = 0.00001
const HARMFUL_SCORE = 0.98

/**
 * Returns the result of a moderation model for a text. No answer of the service with results is captured: the members are those of
 * OpenAI's reference.
 *
 * @param found harm that the content filter of the simulator found in the text
 */
export function moderationResult(model: string, found: HarmCategory | undefined): object {
  const flagged = found && categoryOf[found]
  const byCategory = <T>(valueOf: (category: string) => T): Record<string, T> =>
    Object.fromEntries(categories.map((category) => [category, valueOf(category)]))
  return {
    categories: byCategory((category) => category === flagged),
    category_applied_input_types: byCategory(() => ['text']),
    category_scores: byCategory((category) => (category === flagged ? HARMFUL_SCORE : SAFE_SCORE)),
    flagged: flagged !== undefined,
    model,
    type: 'moderation_result',
  }
}

/** Returns `moderation` of a chat answer as JSON. The prompt is safe, since the content filter refuses others. */
export function chatModerationJson(model: string, found: HarmCategory | undefined): string {
  const results = (category: HarmCategory | undefined) => ({
    model,
    results: [moderationResult(model, category)],
    type: 'moderation_results',
  })
  return JSON.stringify({ input: results(undefined), output: results(found) })
}
