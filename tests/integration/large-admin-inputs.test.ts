import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../support/admin-api.ts'
import { leastMs, leastMsAndResult } from '../support/machine-speed.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const longName = 'a'.repeat(900_000)
const many = (count: number, entry: (index: number) => [string, unknown]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)))

/** Each of these used to take seconds or minutes and blocked all other requests. */
const changes: Readonly<Record<string, [method: string, path: string, body: unknown]>> = {
  'a model with a long name': ['PUT', '/++/deployments/q', { model: longName }],
  'a profile with a long name': [
    'PUT',
    '/++/deployments/q',
    { model: 'gpt-4o', latency: { profile: longName } },
  ],
  'unknown keys of a deployment': ['PUT', '/++/deployments/q', many(40_000, (at) => [`key${at}`, 1])],
  'a setting with a long name': ['PATCH', '/++/config', { [longName]: 1 }],
  'a setting of underscores': ['PATCH', '/++/config', { ['_'.repeat(900_000)]: 1 }],
  'many unknown settings': ['PATCH', '/++/config', many(50_000, (at) => [`latenzy${at}`, 1])],
  'many wrong models': [
    'PATCH',
    '/++/config',
    { openai_deployments: many(25_000, (at) => [`d${at}`, { model: 'gpt-4p' }]) },
  ],
  'many wrong faults': ['PATCH', '/++/config', { faults: Array.from({ length: 200_000 }, () => ({})) }],
  'a fault with a long name': ['PATCH', '/++/config', { faults: [{ probability: 1, fault: longName }] }],
  'many wrong points of a distribution': [
    'PUT',
    '/++/deployments/q',
    {
      model: 'gpt-4o',
      latency: {
        firstToken: {
          distribution: 'quantiles',
          quantiles: Array.from({ length: 50_000 }, () => ['a', 'b']),
        },
      },
    },
  ],
  'a timetable of quotes': ['POST', '/++/incidents/start', '"'.repeat(1_000_000)],
  'a timetable of brackets': ['POST', '/++/incidents/start', '[}'.repeat(40_000)],
  'a timetable of 60 KB of brackets': ['POST', '/++/incidents/start', '[}'.repeat(30_000)],
  'a timetable of many wrong phases': [
    'POST',
    '/++/incidents/start',
    { phases: Array.from({ length: 20_000 }, () => ({})) },
  ],
  'a timetable with nested aliases': [
    'POST',
    '/++/incidents/start',
    `a0: &a0 x\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}]\n`).join('')}phases: *a30\n`,
  ],
}

describe('the admin API', () => {
  it.each(Object.entries(changes))(
    'refuses %s quickly, in a short answer',
    async (_, [method, path, body]) => {
      const { app } = createTestSimulator({
        deployments: { chat: { model: 'gpt-4o' } },
        env: { MODELS_STRICT: 'true' },
      })
      const { ask } = createAdminApi(app)
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const { ms, result: answer } = await leastMsAndResult(1_000, () => ask(method, path, text))
      expect(answer.status).toBe(400)
      expect(answer.text.length).toBeLessThan(40_000)
      expect(answer.body.error.problems.length).toBeLessThanOrEqual(60)
      expect(ms).toBeLessThan(1_000)
    },
  )
})

describe('unknown models', () => {
  it('are treated as known ones for many deployments, with a bounded number of warnings', async () => {
    const { app, log } = createTestSimulator()
    const { ask } = createAdminApi(app)
    const models = many(10_000, (at) => [`d${at}`, { model: `gpt-4p-${at}` }])
    const text = JSON.stringify({ openai_deployments: models })
    expect((await ask('PATCH', '/++/config', text)).status).toBe(200)
    const warnings = log.filter(({ message }) => message.includes('.model is unknown'))
    expect(warnings.length).toBeGreaterThan(0)
    expect(warnings.length).toBeLessThanOrEqual(20)
    expect(log.length - warnings.length).toBe(1)
    const again = (): Promise<unknown> => ask('PATCH', '/++/config', text.replaceAll('4p', '4q'))
    expect(await leastMs(1_000, again)).toBeLessThan(1_000)
  })
})

describe('long x-sim- headers', () => {
  const long = 'y'.repeat(30_000)
  it.each([
    [`x-sim-${long}`, '1'],
    ['x-sim-fault', long],
    ['x-sim-fault', `cut;${Array.from({ length: 7_000 }, (_, at) => `k${at}`).join('=1;')}`],
    ['x-sim-delay-ms', long],
    ['x-sim-finish-reason', long],
  ])('are refused quickly, and the answer quotes only a part of them', async (name, value) => {
    const { post } = createTestSimulator({ deployments: { chat: { model: 'gpt-4o' } } })
    const send = () => post(deploymentPath('chat', 'chat/completions'), { messages: [] }, { [name]: value })
    const answer = await send()
    expect(answer.status).toBe(400)
    expect((await answer.text()).length).toBeLessThan(8_000)
    expect(await leastMs(100, send)).toBeLessThan(100)
  })
})
