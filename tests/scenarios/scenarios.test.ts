import { STATUS_CODES } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createTestSimulator, type TestSimulator } from '../support/test-simulator.ts'
import { judgeAnswer, type Answer } from './judge.ts'
import { loadScenarios, type Scenario, type ScenarioRequest } from './scenario.ts'

/** Web headers have neither case nor order, and a Web stream has no transfer coding of its own. */
function withWebHeaders({ expect: expected, ...scenario }: Scenario): Scenario {
  const headers = expected.headers
    .map(([name, pattern]) => [name.toLowerCase(), pattern] as const)
    .filter(([name]) => name !== 'transfer-encoding')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { ...scenario, expect: { ...expected, headers } }
}

async function send({ app }: TestSimulator, request: ScenarioRequest): Promise<Answer> {
  const { method, path, headers, body } = request
  const response = await app.request(path, { method, headers, ...(method !== 'GET' && { body }) })
  return {
    status: response.status,
    // A Web Response without a phrase leaves it to the server.
    reason: response.statusText || (STATUS_CODES[response.status] ?? ''),
    headers: [...response.headers],
    body: await response.text(),
  }
}

describe('in process, the service', () => {
  it.each(loadScenarios())('$name: $title', async (scenario) => {
    const simulator = createTestSimulator(scenario.config)
    for (const request of scenario.earlier) await send(simulator, request)
    const answer = await send(simulator, scenario.request)
    expect(judgeAnswer(withWebHeaders(scenario), answer)).toEqual([])
  })
})
