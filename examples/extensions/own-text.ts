// Sets the text of chat completions, legacy completions and responses, streamed or not.
// EXTENSION_PATH=examples/extensions/own-text.ts aoai-sim
import { defineExtension, type Hook, promptText } from 'aoai-simulated-api/extension'

const MAX_PROMPT_CHARACTERS = 2_000

const setText: Hook = (exchange, next) => {
  const asked = promptText(exchange) ?? 'nothing'
  exchange.forced = { text: `You asked: ${asked.slice(0, MAX_PROMPT_CHARACTERS)}` }
  return next()
}

export default defineExtension({ name: 'own-text', hooks: [setText] })
