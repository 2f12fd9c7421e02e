import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, type RunningProgram, startProgram } from '../support/built-program.ts'
import { dashboardQueries, filledIn, readDashboard } from '../support/dashboard.ts'
import { hasPrometheus, type PrometheusServer, startPrometheus } from '../support/prometheus-server.ts'

const note = hasPrometheus ? '' : ': skipped, since prometheus is not installed'

/** A second for Prometheus to see the counters move. */
const requestTurns = 10

describe.skipIf(!hasPrometheus)(`a Prometheus that scrapes the program${note}`, () => {
  let program: RunningProgram
  let prometheus: PrometheusServer
  beforeAll(async () => {
    program = await startProgram({
      deployments: {
        chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000 },
        small: { model: 'gpt-4o', tokensPerMinute: 100 },
      },
    })
    prometheus = await startPrometheus(`127.0.0.1:${program.port}`)
    for (let turn = 0; turn < requestTurns; turn++) {
      await ask('chat', turn % 2 === 0)
      await ask('small', false)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await program?.stop()
  })
  const ask = async (deployment: string, stream: boolean): Promise<void> => {
    const url = `${program.url}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'api-key': program.key, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 40, stream }),
    })
    await response.text()
  }
  const valueOf = async (expr: string): Promise<number> =>
    Number((await prometheus.query(expr))[0]?.value[1] ?? NaN)

  it('finds it up, and its requests, tokens and refusals', async () => {
    const total = 'sum(aoai_requests_total)'
    const settled = await eventually(
      () => valueOf(total),
      (value) => value === 2 * requestTurns,
    )
    expect(settled).toBe(2 * requestTurns)
    expect(await valueOf('up{job="aoai-simulator"}')).toBe(1)
    expect(await valueOf('sum(aoai_requests_total{deployment="chat",status="200"})')).toBe(requestTurns)
    expect(await valueOf('sum(aoai_rate_limited_requests_total{deployment="small"})')).toBeGreaterThan(0)
    const tokens = 'sum(aoai_tokens_total{deployment="chat",type="completion"})'
    expect(await valueOf(tokens)).toBe(40 * requestTurns)
    expect(await valueOf('aoai_simulator_bottleneck')).toBe(0)
  })

  it('evaluates every query of the dashboard, and finds the load', async () => {
    const queries = dashboardQueries(readDashboard())
    const failures: string[] = []
    const answered = new Set<string>()
    for (const { title: panel, expr } of queries) {
      try {
        if ((await prometheus.query(filledIn(expr))).length > 0) answered.add(panel)
      } catch (error) {
        failures.push(`${panel}: ${String(error)}`)
      }
    }
    expect(failures).toEqual([])
    const loaded = [
      'Requests',
      'In flight',
      'Tokens',
      'Refused',
      'Requests by status',
      '429 by reason',
      'Memory',
    ]
    expect(loaded.filter((panel) => !answered.has(panel))).toEqual([])
  })

  it('takes the alerts, evaluates them, and is quiet about a simulator that is well', async () => {
    const rules = await prometheus.rules()
    expect(rules.length).toBeGreaterThan(10)
    expect(rules.filter(({ lastError }) => lastError)).toEqual([])
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([])
  })
})
