// Returns fixed responses for prompts that match a pattern. All other prompts get generated text.
// EXTENSION_PATH=examples/extensions/canned-answers.ts aoai-sim
import { defineExtension, type Hook, promptText } from 'aoai-simulated-api/extension'

/** The first pattern that matches the last user message applies. */
const answers: readonly (readonly [pattern: RegExp, answer: string])[] = [
  [/^(hello|hi)\b/i, 'Hello! How can I help you today?'],
  [/capital of france/i, 'The capital of France is Paris.'],
  [/\bas json\b/i, '{"city":"Paris","country":"France"}'],
]

const answerByPattern: Hook = (exchange, next) => {
  const prompt = promptText(exchange)
  const found = prompt === undefined ? undefined : answers.find(([pattern]) => pattern.test(prompt))
  if (found) exchange.forced = { text: found[1] }
  return next()
}

export default defineExtension({ name: 'canned-answers', hooks: [answerByPattern] })
