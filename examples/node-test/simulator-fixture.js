import { createSimulator } from 'aoai-simulated-api'
import { AzureOpenAI } from 'openai'

/** Starts a simulator with a virtual clock, and a client for it. Closes it at the end of the test. */
export async function simulate(t, options = {}) {
  const sim = await createSimulator({ seed: t.name, journal: true, clock: 'virtual', ...options })
  t.after(() => sim.close())
  const { url: endpoint, apiKey, fetch } = sim
  const client = new AzureOpenAI({ endpoint, apiKey, fetch, apiVersion: '2024-10-21', maxRetries: 0 })
  return { sim, client }
}
