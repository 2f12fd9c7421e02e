// Compares the latency that a client sees with the configured distributions, and measures how many paced streams a
// core can handle.
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Distribution, drawMs } from '../src/config/distribution.ts'
import { createRandom } from '../src/lib/random.ts'
import { chatPath } from './cases.ts'
import { cpuSeconds } from './process-facts.ts'
import { findCores } from './processes.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator, key, startSimulator, type Server } from './servers.ts'
import { quantile } from './statistics.ts'
import { openStream, type ReceivedStream } from './stream-client.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const shares = [0.1, 0.5, 0.9, 0.95, 0.99] as const
/** Events before the first token: prompt filter results and role. */
const eventsBeforeTokens = 2
const limitMs = 120_000

const { values: flags } = parseArgs({
  options: {
    // For example 500,1000,1500. Measures these numbers of streams instead, some ten seconds each.
    streams: { type: 'string', default: '' },
    'per-second': { type: 'string', default: '50' },
    simulator: { type: 'string', default: builtSimulator },
  },
})

/** Short times, so that a thousand streams per case take seconds. Only the shape of the distribution matters. */
const cases: Readonly<Record<string, { firstToken: Distribution; perToken: Distribution }>> = {
  constant: {
    firstToken: { distribution: 'constant', ms: 200 },
    perToken: { distribution: 'constant', ms: 20 },
  },
  normal: {
    firstToken: { distribution: 'normal', meanMs: 300, stdDevMs: 50 },
    perToken: { distribution: 'normal', meanMs: 30, stdDevMs: 6 },
  },
  lognormal: {
    firstToken: { distribution: 'lognormal', medianMs: 250, sigma: 0.6 },
    perToken: { distribution: 'lognormal', medianMs: 20, sigma: 0.4 },
  },
  gamma: {
    firstToken: { distribution: 'gamma', shape: 4, scaleMs: 75 },
    perToken: { distribution: 'gamma', shape: 3, scaleMs: 10 },
  },
  quantiles: {
    // oxfmt-ignore
    firstToken: { distribution: 'quantiles', quantiles: [[0, 100], [0.5, 300], [0.95, 900], [1, 1_500]] },
    perToken: { distribution: 'quantiles', quantiles: [[0, 10], [0.5, 20], [1, 60]] }, // oxfmt-ignore
  },
}
const perSecond = Number(flags['per-second'])
const steady = { firstToken: 1_000, perToken: 1_000 / perSecond }

const cores = findCores()
// This process is the client. It must not use the core of the server.
if (cores) spawnSync('taskset', ['-a', '-p', '-c', cores.load, String(process.pid)], { stdio: 'ignore' })

const folder = createTemporaryFolder('bench-timing')

const ask = (port: number, deployment: string, tokens: number): Promise<ReceivedStream> =>
  openStream({
    port,
    key,
    path: chatPath(deployment),
    body: { messages: [{ role: 'user', content: 'Hello' }], max_tokens: tokens, stream: true },
  })

/** Opens streams evenly over a period and returns them after they have ended. */
async function openAll(
  count: number,
  overMs: number,
  open: () => Promise<ReceivedStream>,
): Promise<ReceivedStream[]> {
  const startMs = performance.now()
  const opened: Promise<ReceivedStream>[] = []
  for (let i = 0; i < count; i++) {
    const waitMs = startMs + (i * overMs) / count - performance.now()
    if (waitMs > 1) await sleep(waitMs)
    opened.push(open())
  }
  const streams = await Promise.all(opened)
  if (streams.some(({ status }) => status !== 200))
    throw new Error('Could not measure: a stream was rejected.')
  return streams
}

/** Returns the arrival time of each token. The finish event arrives with the last token and is not included. */
const tokensOf = ({ eventsMs }: ReceivedStream, tokens: number): readonly number[] =>
  eventsMs.slice(eventsBeforeTokens, eventsBeforeTokens + tokens)

async function compareQuantiles(port: number): Promise<void> {
  const tokens = 11
  const streams = 1_000
  console.log(
    `${streams} streams of ${tokens} tokens each; milliseconds, configured / as received by the client\n`,
  )
  console.log(`${''.padEnd(24)}${shares.map((share) => `p${share * 100}`.padStart(16)).join('')}`)
  for (const [name, { firstToken, perToken }] of Object.entries(cases)) {
    const seen = await openAll(streams, 3_000, () => ask(port, name, tokens))
    const times = seen.map((stream) => tokensOf(stream, tokens))
    const gaps = times.flatMap((list) => list.slice(1).map((atMs, index) => atMs - (list[index] ?? NaN)))
    printRow(
      `${name}, first token`,
      firstToken,
      times.map(([firstMs = NaN]) => firstMs),
    )
    printRow(`${name}, next token`, perToken, gaps)
  }
}

function printRow(name: string, configured: Distribution, seen: readonly number[]): void {
  const random = createRandom('configured')
  const drawn = Array.from({ length: 200_000 }, () => drawMs(configured, random))
  const cells = shares.map(
    (share) => `${quantile(drawn, share).toFixed(1)} / ${quantile(seen, share).toFixed(1)}`,
  )
  console.log(`${name.padEnd(24)}${cells.map((cell) => cell.padStart(16)).join('')}`)
}

/**
 * Opens many streams with tokens at known times, and measures lateness and CPU use while all of them are open.
 * Opening a stream costs far more than a token.
 */
async function measureStreams(count: number, { port, pid }: Server): Promise<void> {
  const openMs = 4_000
  const settleMs = 1_000
  const watchedMs = 5_000
  const tokens = Math.ceil(((openMs + settleMs + watchedMs) * perSecond) / 1_000)
  const fromMs = performance.now() + openMs + steady.firstToken + settleMs
  const toMs = fromMs + watchedMs
  const opened = openAll(count, openMs, () => ask(port, 'steady', tokens))
  await sleep(fromMs - performance.now())
  const before = cpuSeconds(pid)
  await sleep(watchedMs)
  const cpu = cpuSeconds(pid) - before
  const lateMs = (await opened).flatMap((stream) =>
    tokensOf(stream, tokens).flatMap((atMs, index) => {
      const dueMs = steady.firstToken + index * steady.perToken
      const dueAtMs = stream.sentMs + dueMs
      return dueAtMs >= fromMs && dueAtMs < toMs ? [atMs - dueMs] : []
    }),
  )
  console.log(
    `${String(count).padStart(6)} streams of ${perSecond} tokens per second: late p50 ${quantile(lateMs, 0.5).toFixed(1)}, ` +
      `p99 ${quantile(lateMs, 0.99).toFixed(1)}, p99.9 ${quantile(lateMs, 0.999).toFixed(1)} ms; ` +
      `CPU ${((1e6 * cpu) / lateMs.length).toFixed(1)} us per token, ${((1e5 * cpu) / watchedMs).toFixed(0)} % of a core`,
  )
}

await runToEnd(limitMs, async () => {
  const timings = { ...cases, steady }
  const simulator = await startSimulator({
    program: flags.simulator,
    folder,
    deployments: Object.fromEntries(
      Object.entries(timings).map(([name, latency]) => [name, { model: 'gpt-4o', latency }]),
    ),
    core: cores?.servers,
    env: { LATENCY_TIME_SCALE: '1', LOG_LEVEL: 'warn', SIMULATOR_SEED: 'timing' },
  })
  if (flags.streams === '') await compareQuantiles(simulator.port)
  for (const count of flags.streams.split(',').map(Number).filter(Boolean)) {
    await measureStreams(count, simulator)
  }
})
