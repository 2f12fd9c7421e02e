import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { createTestSimulator, deploymentPath, eventsOf, testKey } from '../support/test-simulator.ts'

const path = deploymentPath('chat', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }] }

/** A simulator with one deployment at full time scale, and requests with times measured on the virtual clock. */
const setUp = (latency: object, env: Record<string, string> = {}, model = 'gpt-4o') => {
  const deployments = { chat: { model, latency } }
  const simulator = createTestSimulator({ env: { LATENCY_TIME_SCALE: '1', ...env }, deployments })
  const { post, clock } = simulator
  /** Sends a request. Returns its status, and the times to its first chunk and its end. */
  const ask = async (body: object) => {
    const startMs = clock.nowMs()
    const response = await post(path, { ...hello, ...body })
    const firstMs = clock.nowMs() - startMs
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      firstMs,
      endMs: clock.nowMs() - startMs,
    }
  }
  const metric = async (name: string): Promise<number | undefined> => {
    const text = await simulator.simulator.metrics.render()
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
  return { ...simulator, ask, metric }
}

const settled = async <T>(
  clock: { advance(ms: number): Promise<void> },
  promise: Promise<T>,
  ms = 100_000,
) => {
  const result = promise
  await clock.advance(ms)
  return result
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!

describe('the time of an answer', () => {
  it('is the same for whole and streamed answers', async () => {
    const latency = { profile: 'gpt-4o', burst: { tokens: [3, 10] } }
    const [whole, stream] = await Promise.all(
      [false, true].map(async (stream_) => {
        const { ask, clock } = setUp(latency)
        return settled(clock, ask({ max_tokens: 200, stream: stream_ }))
      }),
    )
    expect(whole!.endMs).toBe(whole!.firstMs)
    expect(stream!.endMs).toBeCloseTo(whole!.endMs, 2)
    expect(stream!.firstMs).toBeLessThan(stream!.endMs / 2)
    expect(eventsOf(stream!.text).at(-1)).toBe('[DONE]')
  })

  /** When the headers and each group of chunks of a stream arrive. A late answer has the phrase of the asynchronous filter. */
  const rhythm = async (maxTokens: number, latency: object = {}, content = 'Hello') => {
    const env = { LATENCY_PROFILE: 'auto', CONTENT_FILTER_LATE: 'harm' }
    const { post, clock } = setUp(latency, env, 'gpt-4.1-mini')
    const startMs = clock.nowMs()
    const read = async () => {
      const messages = [{ role: 'user', content }]
      const response = await post(path, { messages, max_tokens: maxTokens, stream: true })
      const headMs = clock.nowMs() - startMs
      const groups = new Map<number, number>()
      for await (const chunk of response.body!) {
        const atMs = clock.nowMs() - startMs
        groups.set(atMs, (groups.get(atMs) ?? 0) + Buffer.from(chunk).toString().split('\n\n').length - 1)
      }
      const times = [...groups.keys()]
      return {
        headMs,
        times,
        sizes: [...groups.values()],
        gaps: times.slice(1).map((at, i) => at - times[i]!),
      }
    }
    return settled(clock, read())
  }

  // Public capture of September 2026: gpt-4.1-mini in Japan East.
  it('has the bursts of the default content filter with LATENCY_PROFILE=auto', async () => {
    const short = await rhythm(74)
    expect(short.times).toHaveLength(1)
    expect(short.times[0]! - short.headMs).toBeGreaterThan(500)

    const long = await rhythm(600)
    expect(long.times.length).toBeGreaterThan(2)
    expect(long.times[0]! - long.headMs).toBeGreaterThan(1_500)
    expect(Math.max(...long.sizes)).toBeGreaterThan(100)
    expect(long.gaps.slice(0, -1).every((gap) => gap > 1_700 && gap < 2_400)).toBe(true)
  })

  it('has no bursts with the asynchronous content filter, or with burst off', async () => {
    for (const answer of [await rhythm(200, {}, 'harm'), await rhythm(100, { burst: 'off' })]) {
      expect(answer.times).toHaveLength(100)
      expect(answer.headMs).toBe(answer.times[0])
    }
  })

  it('has the configured quantiles for a client', async () => {
    const { ask, clock } = setUp({
      firstToken: { distribution: 'lognormal', medianMs: 500, sigma: 0.7 },
      perToken: { distribution: 'gamma', shape: 4, meanMs: 20 },
    })
    const asked = Array.from({ length: 1_000 }, () => ask({ max_tokens: 2, stream: true }))
    await clock.advance(100_000)
    const answers = await Promise.all(asked)
    const first = answers.map(({ firstMs }) => firstMs)
    expect(quantile(first, 0.5) / 500).toBeCloseTo(1, 1)
    expect(quantile(first, 0.95) / 1_581).toBeCloseTo(1, 1)
    const second = answers.map(({ firstMs, endMs }) => endMs - firstMs)
    // A gamma distribution of shape 4 and mean 20 has the median 18.36 and the 95th percentile 38.77.
    expect(quantile(second, 0.5) / 18.36).toBeCloseTo(1, 1)
    expect(quantile(second, 0.95) / 38.77).toBeCloseTo(1, 1)
  })

  it('grows with the prompt', async () => {
    const { ask, clock } = setUp({ firstToken: 100, perToken: 0, promptMsPerToken: 10 })
    const answer = await settled(clock, ask({ max_tokens: 1 }))
    const { usage } = JSON.parse(answer.text) as { usage: { prompt_tokens: number } }
    expect(answer.endMs).toBeCloseTo(100 + 10 * usage.prompt_tokens, 2)
  })

  it('is set by the profile in LATENCY_PROFILE', async () => {
    const endMs = async (profile: string): Promise<number> => {
      const { ask, clock } = setUp({}, { LATENCY_PROFILE: profile })
      return (await settled(clock, ask({ max_tokens: 100 }))).endMs
    }
    const byName = await endMs('gpt-4o')
    expect(await endMs('auto')).toBe(byName)
    expect(await endMs('off')).not.toBe(byName)
  })
})

describe('a deployment with slots', () => {
  const latency = {
    firstToken: 900,
    perToken: 100,
    concurrency: { slots: 2, queueLength: 2, queueTimeoutMs: 1_500 },
  }
  const two = { max_tokens: 2, stream: true }

  it('queues a request until a slot is free, and includes the wait in the time to the first token', async () => {
    const { ask, clock, metric } = setUp(latency)
    const asked = [ask(two), ask(two), ask(two)]
    await clock.advance(500)
    expect(await metric('aoai_deployment_requests_in_work{deployment="chat"}')).toBe(2)
    expect(await metric('aoai_deployment_requests_waiting{deployment="chat"}')).toBe(1)
    await clock.advance(10_000)
    const answers = await Promise.all(asked)
    expect(answers.map(({ firstMs }) => Math.round(firstMs))).toEqual([900, 900, 1_900])
    expect(answers.map(({ endMs }) => Math.round(endMs))).toEqual([1_000, 1_000, 2_000])
    const labels = '{deployment="chat",operation="chatCompletions",status="200"}'
    expect(await metric(`aoai_queue_wait_seconds_sum${labels}`)).toBeCloseTo(1)
    expect(await metric('aoai_deployment_requests_in_work{deployment="chat"}')).toBe(0)
  })

  it('refuses a request with 429 and retry-after when the queue is full', async () => {
    const { ask, clock, metric } = setUp(latency)
    const asked = Array.from({ length: 5 }, () => ask(two))
    const refused = await asked[4]!
    expect([refused.status, refused.endMs]).toEqual([429, 0])
    expect(refused.headers.get('retry-after')).toBe('20')
    expect(JSON.parse(refused.text)).toMatchObject({ error: { code: 'too_many_requests' } })
    await clock.advance(10_000)
    const reason = '{deployment="chat",operation="chatCompletions",reason="capacity"}'
    expect(await metric(`aoai_rate_limited_requests_total${reason}`)).toBe(1)
  })

  it('refuses a request with 503 after the queue timeout', async () => {
    const { ask, clock } = setUp({ ...latency, firstToken: 2_000 })
    const asked = Array.from({ length: 3 }, () => ask(two))
    const last = await settled(clock, asked[2]!)
    expect([last.status, last.endMs]).toEqual([503, 1_500])
    expect(JSON.parse(last.text)).toMatchObject({ error: { code: 'InternalServerError' } })
  })

  it('releases the slot of a client that leaves', async () => {
    const { app, ask, clock } = setUp({ ...latency, concurrency: { slots: 1 } })
    const leaving = new AbortController()
    const headers = { 'api-key': testKey, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(hello), signal: leaving.signal }
    void app.request(path, init)
    await clock.advance(100)
    const next = ask(two)
    await clock.advance(100)
    leaving.abort()
    expect(Math.round((await settled(clock, next)).firstMs)).toBe(1_000)
  })

  it('uses no slot for a request that is refused before the model', async () => {
    const { post, metric } = setUp(latency)
    await post(path, hello, { 'api-key': 'wrong' })
    expect(await metric('aoai_deployment_requests_in_work{deployment="chat"}')).toBeUndefined()
  })

  it('has a knee: below it requests keep their time, above it they queue', async () => {
    // Ten slots at one second per request handle ten requests a second.
    const p95At = async (perSecond: number): Promise<number> => {
      const { ask, clock } = setUp({
        firstToken: 1_000,
        concurrency: { slots: 10, queueLength: 1_000, queueTimeoutMs: 600_000 },
      })
      const asked: ReturnType<typeof ask>[] = []
      for (let i = 0; i < perSecond * 30; i++) {
        asked.push(ask({ max_tokens: 1, stream: true }))
        await clock.advance(1_000 / perSecond)
      }
      await clock.advance(100_000)
      return quantile(
        (await Promise.all(asked)).map(({ firstMs }) => firstMs),
        0.95,
      )
    }
    expect(await p95At(5)).toBeCloseTo(1_000, -1)
    expect(await p95At(9)).toBeCloseTo(1_000, -1)
    expect(await p95At(15)).toBeGreaterThan(10_000)
  })

  it('has no queue at time scale 0', async () => {
    const { ask, clock } = setUp(latency, { LATENCY_TIME_SCALE: '0' })
    const answers = await settled(clock, Promise.all(Array.from({ length: 20 }, () => ask(two))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })
})

describe('a deployment with load', () => {
  it('is slower the more requests it runs', async () => {
    const { ask, clock } = setUp({
      firstToken: 1_000,
      perToken: 100,
      load: { slowdown: 1, exponent: 2, requests: 2 },
    })
    const asked = Array.from({ length: 3 }, () => ask({ max_tokens: 2, stream: true }))
    const answers = await settled(clock, Promise.all(asked))
    expect(answers.map(({ firstMs }) => Math.round(firstMs))).toEqual([1_000, 1_250, 2_000])
    expect(answers.map(({ endMs }) => Math.round(endMs))).toEqual([1_100, 1_375, 2_200])
  })
})

describe('timing accuracy', () => {
  /** Runs requests on a clock with late timers, as on a busy event loop. */
  const runLate = async (lateMs: number) => {
    const { simulator, log } = setUp({ firstToken: 500, perToken: 20 })
    const clock = createVirtualClock()
    const lateClock: Clock = { ...clock, at: (dueMs, task) => clock.at(dueMs + lateMs, task) }
    const logger = {
      ...noLogger,
      warn: (fields: object, message: string) => void log.push({ level: 'warn', fields, message }),
    }
    const late = assembleSimulator(simulator.live, { clock: lateClock, logger })
    const app = createApp(late)
    const ask = async (stream: boolean): Promise<void> => {
      const response = await app.request(path, {
        method: 'POST',
        headers: { 'api-key': testKey, 'content-type': 'application/json' },
        body: JSON.stringify({ ...hello, max_tokens: 30, stream }),
      })
      await response.text()
    }
    const asked = [ask(true), ask(true), ask(true), ask(false)]
    await clock.advance(10_000)
    await Promise.all(asked)
    return { log, text: await late.metrics.render() }
  }
  const noLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const within = (text: string, part: string, le: string): number =>
    Number(
      text
        .split('\n')
        .find(
          (line) =>
            line.startsWith('aoai_simulator_lateness_seconds_bucket') &&
            line.includes(`le="${le}"`) &&
            line.includes(`part="${part}"`),
        )
        ?.split(' ')
        .at(-1),
    )

  it('is exported as a histogram of the lateness of tokens and answers', async () => {
    const { text, log } = await runLate(0)
    expect([within(text, 'first-token', '0.001'), within(text, 'token', '0.001')]).toEqual([3, 87])
    expect(within(text, 'answer', '0.001')).toBe(1)
    expect(text).toContain('aoai_simulator_bottleneck 0\n')
    expect(log).toEqual([])
  })

  it('counts late ticks in the histogram, sets the bottleneck gauge and logs a warning', async () => {
    const { text, log } = await runLate(40)
    expect([within(text, 'first-token', '0.025'), within(text, 'first-token', '0.05')]).toEqual([0, 3])
    expect(within(text, 'answer', '0.05')).toBe(1)
    expect(text).toContain('aoai_simulator_bottleneck 1\n')
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({ level: 'warn', fields: { worstMs: expect.closeTo(40, 0) as number } })
    expect(log[0]?.message).toContain('The simulator was the bottleneck')
  })
})

it('an invalid latency is refused at the start with its position in the file', () => {
  expect(() => setUp({ firstToken: { distribution: 'lognormal', medianMs: -1, sigma: 0.7 } })).toThrow(
    'deployments.json: "chat".latency.firstToken.medianMs must be a number from 0 to 3,600,000 (got -1).',
  )
})
