import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, type RunningProgram, startProgram } from '../support/built-program.ts'
import { dashboardQueries, filledIn, readDashboard } from '../support/dashboard.ts'
import { chatCompletion, type FakeUpstream, json, startFakeUpstream } from '../support/fake-upstream.ts'
import { prometheusNeed, type PrometheusServer, startPrometheus } from '../support/prometheus-server.ts'

const { isMissing, note } = prometheusNeed

/** Turns of requests, a tenth of a second apart: Prometheus has to see the counters move. */
const turns = 10

/** Requests of each turn. */
const asked = 10

const acmeKey = 'acme-0123456789abcdef'

/** Queries that have an answer only where something is wrong, or where there is a Redis. */
const mayBeEmpty = new Set(['Bottleneck', 'Redis'])

/** An alert about the machine of the tests, which others may keep busy. */
const machineAlert = 'SimulatorIsTheBottleneck'

describe.skipIf(isMissing)(`a Prometheus that scrapes the program${note}`, () => {
  let program: RunningProgram
  let prometheus: PrometheusServer
  let upstream: FakeUpstream
  beforeAll(async () => {
    // Each request is answered after a retry.
    upstream = await startFakeUpstream((request, response) => {
      const isRetry = upstream.received.length % 2 === 0
      const answer = isRetry ? json(chatCompletion('Hi')) : json({}, 503, { 'retry-after-ms': '1' })
      return answer(request, response)
    })
    program = await startProgram({
      env: {
        LATENCY_TIME_SCALE: '1',
        INCIDENTS_PATH: 'incidents.json',
        AZURE_OPENAI_ENDPOINT: upstream.url,
        AZURE_OPENAI_KEY: 'upstream-key-0123456789',
        UPSTREAM_RETRIES: '1',
      },
      files: { 'incidents.json': JSON.stringify({ phases: [{ name: 'normal', minutes: 60 }] }) },
      deployments: {
        chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000, latency: { firstToken: 5, perToken: 1 } },
        forwarded: { model: 'gpt-4o', source: 'forward' },
        small: { model: 'gpt-4o', tokensPerMinute: 100 },
        slots: { model: 'gpt-4o', latency: { firstToken: 20, perToken: 1, concurrency: { slots: 1 } } },
        provisioned: { model: 'gpt-4o', provisionedThroughputUnits: 50, latency: { firstToken: 5 } },
      },
    })
    await fetch(`${program.url}/++/resources/acme`, {
      method: 'PUT',
      headers: { 'api-key': program.key },
      body: JSON.stringify({
        region: 'Sweden Central',
        keys: [{ key: acmeKey }],
        deployments: { chat: { model: 'gpt-4o', tokens_per_minute: 100_000 } },
      }),
    })
    prometheus = await startPrometheus(`127.0.0.1:${program.port}`)
    for (let turn = 0; turn < turns; turn++) {
      await Promise.all([
        ask('chat'),
        ask('chat', { stream: true }),
        ask('small', { max_tokens: 200 }),
        ask('slots'),
        ask('slots'),
        ask('provisioned'),
        ask('forwarded'),
        ask('chat', {}, { 'x-sim-fault': 'serverError' }),
        leave(),
        askAcme(),
      ])
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await program?.stop()
    await upstream?.close()
  })
  const request = (body: object, headers = {}, signal?: AbortSignal): RequestInit => ({
    method: 'POST',
    headers: { 'api-key': program.key, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 40, ...body }),
    ...(signal && { signal }),
  })
  const urlOf = (deployment: string): string =>
    `${program.url}/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`
  const ask = async (deployment: string, body = {}, headers = {}): Promise<void> => {
    await (await fetch(urlOf(deployment), request(body, headers))).text()
  }
  const askAcme = async (): Promise<void> => {
    const url = urlOf('chat').replace('/openai/', '/acme/openai/')
    await (await fetch(url, request({}, { 'api-key': acmeKey }))).text()
  }
  /** Begins to read a stream of seconds and goes away. */
  const leave = async (): Promise<void> => {
    const control = new AbortController()
    await fetch(urlOf('chat'), request({ stream: true, max_tokens: 10_000 }, {}, control.signal))
    control.abort()
  }
  /** Asks until there are numbers: a scrape that a busy machine makes late leaves nothing until the next one. */
  const numbersOf = (expr: string): Promise<number[]> =>
    eventually(
      async () => (await prometheus.query(expr)).map(({ value }) => Number(value[1])).filter(Number.isFinite),
      ({ length }) => length > 0,
    )
  const valueOf = async (expr: string): Promise<number> => (await numbersOf(expr))[0] ?? NaN

  it('shows the simulator as up, and its requests, tokens, rejections and disconnects', async () => {
    const settled = await eventually(
      () => valueOf('sum(aoai_requests_total)'),
      (value) => value === asked * turns,
    )
    expect(settled).toBe(asked * turns)
    expect(await valueOf('up{job="aoai-simulator"}')).toBe(1)
    expect(await valueOf('sum(aoai_requests_total{deployment="slots",status="200"})')).toBe(2 * turns)
    expect(await valueOf('sum(aoai_requests_total{deployment="chat",status="500"})')).toBe(turns)
    expect(await valueOf('sum(aoai_rate_limited_requests_total{deployment="small"})')).toBe(turns)
    expect(await valueOf('sum(aoai_client_disconnects_total)')).toBe(turns)
    const tokens = 'sum(aoai_tokens_total{deployment="slots",type="completion"})'
    expect(await valueOf(tokens)).toBe(40 * 2 * turns)
  })

  it('returns numbers for every query of the dashboard that has data', async () => {
    const queries = dashboardQueries(readDashboard())
    const empty: string[] = []
    for (const { title, expr } of queries.filter(({ title }) => !mayBeEmpty.has(title))) {
      if ((await numbersOf(filledIn(expr))).length === 0) empty.push(`${title}: ${expr}`)
    }
    expect(empty).toEqual([])
  })

  it('offers each resource as a value that selects its series only', async () => {
    const variable = readDashboard().templating.list.find(({ name }) => name === 'resource')
    const query = /^query_result\((.*)\)$/.exec(variable?.definition ?? '')?.[1] ?? ''
    const series = await prometheus.query(filledIn(query))
    const pattern = new RegExp(variable?.regex?.slice(1, -1) ?? '')
    const options = series
      .map(({ metric }) => Object.entries(metric).map(([label, value]) => `${label}="${value}"`))
      .map((labels) => pattern.exec(`{${labels.join(',')}}`)?.groups)
    expect(options.map((option) => option?.['text'])).toEqual(expect.arrayContaining(['default', 'acme']))
    const select = async (text: string): Promise<(string | undefined)[]> => {
      const value = options.find((option) => option?.['text'] === text)?.['value']
      const found = await prometheus.query(`group by (resource) (aoai_requests_total{resource=~"${value}"})`)
      return found.map(({ metric }) => metric['resource'])
    }
    expect(await select('acme')).toEqual(['acme'])
    expect(await select('default')).toEqual([undefined])
  })

  it('joins the region of the resource to its requests', async () => {
    const joined =
      'sum by (instance, resource) (aoai_requests_total) * on (instance, resource) group_left (region) aoai_resource_info'
    const regions = (await prometheus.query(joined)).map(({ metric }) => [
      metric['resource'],
      metric['region'],
    ])
    expect(regions).toEqual(
      expect.arrayContaining([
        [undefined, 'East US 2'],
        ['acme', 'Sweden Central'],
      ]),
    )
  })

  it('shows the use of a limit as the limiter counts it', async () => {
    const of = (name: string): Promise<number> =>
      valueOf(`aoai_deployment_${name}_per_minute{resource="acme",type="requests"}`)
    expect(await of('used')).toBe(turns)
    expect((await of('used')) + (await of('remaining'))).toBe(await of('limit'))
  })

  it('accepts the queries without data', async () => {
    const others = dashboardQueries(readDashboard()).filter(({ title }) => mayBeEmpty.has(title))
    const answers = await Promise.all(others.map(({ expr }) => prometheus.query(filledIn(expr))))
    expect(answers.length).toBeGreaterThan(0)
  })

  it('loads and evaluates the alerts, and none fires for a healthy simulator', async () => {
    const rules = await prometheus.rules()
    expect(rules.length).toBeGreaterThan(10)
    expect(rules.filter(({ lastError }) => lastError)).toEqual([])
    const firing = await prometheus.query(`ALERTS{alertstate="firing",alertname!="${machineAlert}"}`)
    expect(firing).toEqual([])
  })
})
