// Lets the answers of some deployments come later, streams included. Adds to the latency that is configured.
// EXTENSION_PATH=examples/extensions/slow-deployments.ts aoai-sim
import { defineExtension, delayReply, type Hook } from 'aoai-simulated-api/extension'

/** Milliseconds on average, by the name of the deployment. */
const delaysMs: ReadonlyMap<string, number> = new Map([
  ['gpt-4o', 800],
  ['embedding', 200],
])

const addDelay: Hook = async (exchange, next) => {
  // Drawn beside the exchange's own stream of chance, so that its answer stays what it is without this extension.
  const share = 0.5 + exchange.random.branch(1).unit()
  const reply = await next()
  // Known only now: the deployment is looked up on the way.
  const delayMs = delaysMs.get(exchange.deployment?.name ?? '')
  return delayMs === undefined ? reply : delayReply(exchange, reply, delayMs * share)
}

export default defineExtension({ name: 'slow-deployments', hooks: [addDelay] })
