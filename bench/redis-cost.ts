/**
 * Measures the cost of Redis: rate limit decisions in process and through Redis, entries of a shared journal, and
 * requests to a simulator with and without Redis. Run `npx tsx bench/redis-cost.ts` after `make build`. Requires
 * redis-server or valkey-server and takes a minute.
 */
import { median } from './statistics.ts'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LimiterTable } from '../src/limits/limiter-table.ts'
import { createSystemClock } from '../src/lib/system-clock.ts'
import type { RateLimiter } from '../src/limits/rate-limiter.ts'
import { programKey, type RunningProgram, startProgram } from '../tests/support/built-program.ts'
import { RawConnection, type RawRequest } from '../tests/support/raw-http.ts'
import { type RedisReplica, startReplica } from '../tests/support/redis-replica.ts'
import { startRedisServer } from '../tests/support/redis-server.ts'

const deployments = {
  chat: { model: 'gpt-4o', tokensPerMinute: 1_000_000_000, requestsPerMinute: 60_000_000 },
}
const roundMs = 1_500
const rounds = 4
const concurrencies = [1, 32, 256]

const request: RawRequest = {
  path: '/openai/deployments/chat/chat/completions?api-version=2024-10-21',
  headers: { 'api-key': programKey, 'Content-Type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 50 }),
}

interface Round {
  readonly perSecond: number
  readonly medianMs: number
}

/** Runs all tasks concurrently in a loop for one round. */
async function drive(tasks: readonly (() => Promise<unknown>)[]): Promise<Round> {
  const times: number[] = []
  const startMs = performance.now()
  const loop = async (task: () => Promise<unknown>): Promise<void> => {
    while (performance.now() - startMs < roundMs) {
      const since = performance.now()
      await task()
      times.push(performance.now() - since)
    }
  }
  await Promise.all(tasks.map(loop))
  return { perSecond: times.length / ((performance.now() - startMs) / 1_000), medianMs: median(times) }
}

async function redisCpuMs({ connection }: RedisReplica): Promise<number> {
  const text = String(await connection.send(['INFO', 'cpu']))
  const read = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1])
  return 1_000 * (read('used_cpu_sys') + read('used_cpu_user'))
}

async function decisions(replica: RedisReplica): Promise<void> {
  console.log(
    '| concurrent decisions | decisions per second | CPU of the simulator | CPU of Redis | median time |',
  )
  console.log('| --- | --- | --- | --- | --- |')
  const local = new LimiterTable(createSystemClock())
  const question = replica.question('chat', 100)
  for (const [name, limits, count] of [
    ['in process', local, 1],
    ...concurrencies.map((at): [string, RateLimiter, number] => [String(at), replica.limits, at]),
  ] as [string, RateLimiter, number][]) {
    const decide = async (): Promise<unknown> => limits.decide(question)
    const [cpu, redisCpu] = [process.cpuUsage(), await redisCpuMs(replica)]
    const { perSecond, medianMs } = await drive(Array.from({ length: count }, () => decide))
    const { user, system } = process.cpuUsage(cpu)
    const all = perSecond * (roundMs / 1_000)
    const redisEach = (1_000 * ((await redisCpuMs(replica)) - redisCpu)) / all
    console.log(
      `| ${name} | ${Math.round(perSecond)} | ${((user + system) / all).toFixed(1)} µs | ${redisEach.toFixed(1)} µs | ${medianMs.toFixed(3)} ms |`,
    )
  }
}

/**
 * Journal entries, as many per event-loop iteration as in a busy simulator: the cost of sending them, and the cost
 * for each simulator that reads them.
 */
async function journalEntries(replica: RedisReplica): Promise<void> {
  console.log(
    '\n| journal entries | CPU of the simulator | CPU of Redis | CPU of a simulator that reads them |',
  )
  console.log('| --- | --- | --- | --- |')
  const perTick = 8
  const ticks = 2_000
  const prompt = 'Tell me more of the weather in the north, and of what to wear there. '.repeat(30)
  const addEntry = (text: string): void => {
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: text }], max_tokens: 50 }))
    const startedMs = performance.now()
    const entry = replica.journal.started(
      {
        startedMs,
        requestId: randomUUID(),
        method: 'POST',
        path: '/openai/deployments/chat/chat/completions',
        query: 'api-version=2024-10-21',
        headers: { ...request.headers, host: 'localhost:8000', 'user-agent': 'AzureOpenAI/JS 6.1.0' },
        body,
        bodyBytes: body.length,
        operation: 'chatCompletions',
        resource: 'default',
        deployment: 'chat',
        spilledOverFrom: undefined,
        client: 'bench',
        caller: undefined,
        status: 200,
        limitedBy: undefined,
        retryAfterMs: undefined,
        streamed: false,
        usage: { promptTokens: 480, cachedTokens: 0, completionTokens: 50, reasoningTokens: 0 },
        attempt: undefined,
      },
      startedMs,
    )
    replica.journal.ended(entry, {
      usage: undefined,
      firstByteMs: 1,
      durationMs: 1,
      answeredAtMs: performance.now(),
      aborted: false,
      failure: undefined,
    })
  }
  for (const [name, textOf] of [
    ['the same prompt of 2 KB', () => prompt],
    ['a new prompt of 2 KB each', (number: number) => `${number} ${prompt}`],
  ] as [string, (number: number) => string][]) {
    const [cpu, redisCpu] = [process.cpuUsage(), await redisCpuMs(replica)]
    for (let tick = 0; tick < ticks; tick++) {
      for (let entry = 0; entry < perTick; entry++) addEntry(textOf(tick * perTick + entry))
      await new Promise(setImmediate)
    }
    await sleep(300)
    const sent = process.cpuUsage(cpu)
    const count = ticks * perTick
    const redisEach = (1_000 * ((await redisCpuMs(replica)) - redisCpu)) / count
    const before = process.cpuUsage()
    await replica.journal.lastId
    const read = process.cpuUsage(before)
    const each = ({ user, system }: NodeJS.CpuUsage): string => `${((user + system) / count).toFixed(1)} µs`
    console.log(`| ${name} | ${each(sent)} | ${redisEach.toFixed(1)} µs | ${each(read)} |`)
  }
}

/** Medians over alternating rounds, because the speed of a shared machine drifts. */
async function requests(programs: readonly RunningProgram[]): Promise<void> {
  console.log(
    '\n| connections | requests per second without Redis | with | ratio | median time without Redis | with |',
  )
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const count of concurrencies) {
    const runs: Round[][] = programs.map(() => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, { port }] of programs.entries()) {
        const open = Array.from({ length: count }, () => RawConnection.open(port))
        const connections = await Promise.all(open)
        const tasks = connections.map((connection) => async (): Promise<void> => {
          const { status, body } = await connection.send(request)
          if (status !== 200) throw new Error(`Could not measure: the simulator answered ${status}: ${body}`)
        })
        runs[index]?.push(await drive(tasks))
        for (const { socket } of connections) socket.destroy()
      }
    }
    const [without, withRedis] = runs.map((some) => ({
      perSecond: Math.round(median(some.map(({ perSecond }) => perSecond))),
      medianMs: median(some.map(({ medianMs }) => medianMs)).toFixed(2),
    }))
    if (!without || !withRedis) return
    const ratio = (withRedis.perSecond / without.perSecond).toFixed(2)
    console.log(
      `| ${count} | ${without.perSecond} | ${withRedis.perSecond} | ${ratio} | ${without.medianMs} ms | ${withRedis.medianMs} ms |`,
    )
  }
}

const server = await startRedisServer()
const replica = await startReplica({ url: server.url, deployments, redis: { timeoutMs: 30_000 } })
await decisions(replica)
for (let round = 0; round < rounds; round++) await journalEntries(replica)
replica.close()
const without = await startProgram({ deployments })
const withRedis = await startProgram({
  deployments,
  env: { REDIS_URL: server.url, REDIS_TIMEOUT_MS: '30000' },
})
await requests([without, withRedis])
await without.stop()
await withRedis.stop()
await server.remove()
