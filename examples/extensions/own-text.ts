// Answers chat completions, legacy completions and responses with a text of yours, whole and streamed.
// EXTENSION_PATH=examples/extensions/own-text.ts aoai-sim
import { defineExtension, type Hook, promptText } from 'aoai-simulated-api/extension'

/** Of a long prompt only the beginning is repeated. */
const mostCharacters = 2_000

const answerInOwnWords: Hook = (exchange, next) => {
  const asked = promptText(exchange) ?? 'nothing'
  exchange.forced = { text: `You asked: ${asked.slice(0, mostCharacters)}` }
  return next()
}

export default defineExtension({ name: 'own-text', hooks: [answerInOwnWords] })
