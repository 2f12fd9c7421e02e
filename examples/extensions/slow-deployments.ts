// Delays the responses of some deployments, including streams, in addition to the configured latency.
// EXTENSION_PATH=examples/extensions/slow-deployments.ts aoai-sim
import { defineExtension, delayReply, type Hook } from 'aoai-simulated-api/extension'

/** Mean delay in milliseconds, by deployment name. */
const delaysMs: ReadonlyMap<string, number> = new Map([
  ['gpt-4o', 800],
  ['embedding', 200],
])

const addDelay: Hook = async (exchange, next) => {
  // A separate random branch, so that the content of responses stays the same as without this extension.
  const share = 0.5 + exchange.random.branch(1).unit()
  const reply = await next()
  // The deployment is known only after next().
  const delayMs = delaysMs.get(exchange.deployment?.name ?? '')
  return delayMs === undefined ? reply : delayReply(exchange, reply, delayMs * share)
}

export default defineExtension({ name: 'slow-deployments', hooks: [addDelay] })
