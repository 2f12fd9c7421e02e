import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/lib/random.ts'
import { createSimulator, type SimulatorHandle } from '../../src/index.ts'
import { mutateJson } from '../support/mutate-json.ts'
import {
  bodyOf,
  messageRequests,
  operationRequests,
  type OperationRequest,
} from '../support/operation-requests.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'

/** Number of mutations for each operation, and their seed: `FUZZ_ROUNDS=5000 FUZZ_SEED=7 npx vitest run ...` tests more. */
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 40)
const seed = process.env['FUZZ_SEED'] ?? 'mutated requests'

/** Long answers take long and find nothing more. */
const lengths = new Set(['n', 'best_of', 'max_tokens', 'max_completion_tokens', 'max_output_tokens'])
const maxLength = 16

function shortened(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]: [string, unknown]) => [
      name,
      lengths.has(name) && typeof value === 'number' ? Math.min(value, maxLength) : value,
    ]),
  )
}

/** `right`, or the problem of an answer. */
function judge(status: number, text: string): string {
  if (status === 200) return 'right'
  if (status !== 400 && status !== 404) return `${status}: ${text}`
  const { error } = JSON.parse(text) as { error?: { message?: unknown } }
  return typeof error?.message === 'string' ? 'right' : `no envelope: ${text}`
}

describe('a mutated request', () => {
  const log: LogLine[] = []
  let sim: SimulatorHandle
  beforeAll(async () => {
    // The default deployments without their limits.
    const models = ['gpt-4o', 'gpt-5-mini', 'text-embedding-3-small']
    const deployments = Object.fromEntries(models.map((model) => [model, { model }]))
    sim = await createSimulator({ apiKey: 'key', seed: 'test', log: collectInto(log), deployments })
    // At start-up, models that are retired today are logged.
    log.length = 0
  })
  afterAll(() => sim.close())

  const send = (request: OperationRequest, body: unknown): Promise<Response> => {
    const sent = bodyOf(request, body)
    const headers = {
      'api-key': 'key',
      ...request.headers,
      ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
    }
    return sim.fetch(request.path, { method: 'POST', headers, body: sent })
  }

  it.each([...operationRequests, ...messageRequests])('of $name never causes a 500', async (request) => {
    const plain = await send(request, request.body)
    expect([plain.status, await plain.text()]).toEqual([200, expect.any(String)])
    const random = createRandom(`${seed} ${request.name}`)
    for (let round = 0; round < rounds; round++) {
      let body: unknown = request.body
      for (let count = random.below(4); count >= 0; count -= 2) body = mutateJson(body, random)
      const response = await send(request, shortened(body))
      const text = await response.text()
      // An unknown deployment name is logged and is not a failure.
      const failures = log.filter(({ message }) => !message.startsWith('Unknown deployment'))
      expect([judge(response.status, text), JSON.stringify(body), failures]).toEqual([
        'right',
        expect.any(String),
        [],
      ])
    }
  })
})
