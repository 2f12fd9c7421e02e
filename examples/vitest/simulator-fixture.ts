import {
  createSimulator,
  type SimulatorHandle,
  type SimulatorOptions,
  type VirtualClock,
} from 'aoai-simulated-api'
import { AzureOpenAI } from 'openai'
import { test } from 'vitest'

/** Creates a `test` with a separate simulator on a virtual clock, and a client for it, for each test. */
export function simulatorTest(options: SimulatorOptions = {}) {
  return test.extend<{ sim: SimulatorHandle<VirtualClock>; client: AzureOpenAI }>({
    sim: async ({ task }, use) => {
      await using sim = await createSimulator({
        seed: task.name,
        journal: true,
        ...options,
        clock: 'virtual',
      })
      await use(sim)
    },
    client: async ({ sim: { url: endpoint, apiKey, fetch } }, use) => {
      await use(new AzureOpenAI({ endpoint, apiKey, fetch, apiVersion: '2024-10-21', maxRetries: 0 }))
    },
  })
}
