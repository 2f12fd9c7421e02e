import { createSimulator } from 'aoai-simulated-api'
import { AzureOpenAI } from 'openai'

/** Starts a simulator for one test, on a virtual clock, with a client of it; the end of the test closes it. */
export async function simulate(t, options = {}) {
  const sim = await createSimulator({ seed: t.name, journal: true, clock: 'virtual', ...options })
  t.after(() => sim.close())
  const { url: endpoint, apiKey, fetch } = sim
  const client = new AzureOpenAI({ endpoint, apiKey, fetch, apiVersion: '2024-10-21', maxRetries: 0 })
  return { sim, client }
}
