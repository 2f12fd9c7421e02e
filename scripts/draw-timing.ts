// Draws the charts of docs/timing.md and writes its table of profiles, with the code of the simulator. --check only
// fails if one of them is stale.
import { readFile, writeFile } from 'node:fs/promises'
import { format } from 'oxfmt'
import type { Concurrency } from '../src/config/deployment-latency.ts'
import { type Distribution, drawMs, typicalMs } from '../src/config/distribution.ts'
import { type LatencyProfile, latencyProfiles } from '../src/config/latency-profiles.ts'
import { slowdownBy } from '../src/latency/add-latency.ts'
import { DeploymentSlots } from '../src/latency/deployment-slots.ts'
import { planTokens, type Work, type TokenTiming } from '../src/latency/timing.ts'
import { Exchange } from '../src/pipeline/exchange.ts'
import { createRandom } from '../src/lib/random.ts'
import { createVirtualClock } from '../src/lib/virtual-clock.ts'
import { testConfig } from '../tests/support/test-config.ts'
import { drawChart, type Line, type Panel } from './svg-chart.ts'

const documentPath = 'docs/timing.md'

function density(name: string, from: Distribution, to: number): Line {
  const random = createRandom(name)
  const draws = 400_000
  const bins = 60
  const counts = Array.from({ length: bins }, () => 0)
  for (let i = 0; i < draws; i++) {
    const bin = Math.floor((drawMs(from, random) / to) * bins)
    if (bin < bins) counts[bin] = (counts[bin] ?? 0) + 1
  }
  const percentPerBin = counts.map((count) => (100 * count) / draws)
  return { name, points: percentPerBin.map((share, bin) => [((bin + 0.5) / bins) * to, share] as const) }
}

function distributions(): string {
  const lognormal = (medianMs: number, sigma: number): Distribution => ({
    distribution: 'lognormal',
    medianMs,
    sigma,
  })
  const gamma = (shape: number): Distribution => ({ distribution: 'gamma', shape, scaleMs: 500 / shape })
  const axes = { xLabel: 'milliseconds', yLabel: '% of requests per 25 ms' }
  const quantiles = {
    distribution: 'quantiles',
    // oxfmt-ignore
    quantiles: [[0, 150], [0.5, 400], [0.9, 800], [1, 1_400]],
  } as const
  return drawChart([
    {
      ...axes,
      title: 'lognormal: median 500 ms; a larger sigma gives a longer tail',
      xTo: 1_500,
      yTo: 12,
      lines: [0.2, 0.4, 0.7].map((sigma) => density(`sigma ${sigma}`, lognormal(500, sigma), 1_500)),
    },
    {
      ...axes,
      title: 'gamma: mean 500 ms; a larger shape gives less spread',
      xTo: 1_500,
      yTo: 12,
      lines: [1, 4, 16].map((shape) => density(`shape ${shape}`, gamma(shape), 1_500)),
    },
    {
      ...axes,
      title: 'normal (negative values become 0), and quantiles',
      xTo: 1_500,
      yTo: 14,
      lines: [
        density('mean 500, std. dev. 100', { distribution: 'normal', meanMs: 500, stdDevMs: 100 }, 1_500),
        density('mean 200, std. dev. 150', { distribution: 'normal', meanMs: 200, stdDevMs: 150 }, 1_500),
        density('quantiles (example)', quantiles, 1_500),
      ],
    },
  ])
}

/** Draws the tokens of one answer as dots at their due times. Each row changes one setting. */
function timeline(): string {
  const plain: TokenTiming = {
    kind: 'tokens',
    firstToken: { distribution: 'lognormal', medianMs: 500, sigma: 0.3 },
    delaysFirstToken: false,
    perToken: { distribution: 'lognormal', medianMs: 25, sigma: 0.3 },
    promptMsPerToken: 0.1,
    reasoningMsPerToken: 10,
    burst: undefined,
  }
  const work: Work = { beginMs: 0, promptTokens: 0, factor: 1 }
  const visible = 40
  const load = { slowdown: 1, exponent: 2, requests: 16 }
  const rows: readonly [name: string, timing: Partial<TokenTiming>, work: Partial<Work>, hidden?: number][] =
    [
      ['as configured', {}, {}],
      ['prompt of 5,000 tokens', {}, { promptTokens: 5_000 }],
      ['64 reasoning tokens', {}, {}, 64],
      ['burst of 3 to 10 tokens', { burst: { tokens: [3, 10] } }, {}],
      ['burst every 500 ms', { burst: { interval: { distribution: 'constant', ms: 500 } } }, {}],
      ['load: 16 other requests', {}, { factor: slowdownBy(load, 16) }],
      ['400 ms in the queue', {}, { beginMs: 400 }],
      ['LATENCY_TIME_SCALE 0.5', {}, { factor: 0.5 }],
    ]
  const lines = rows.map(([name, timing, changed, hidden = 0], index): Line => {
    const { stepsMs } = planTokens(
      { hidden, visible },
      { ...plain, ...timing },
      { ...work, ...changed },
      createRandom('one answer'),
    )
    const y = rows.length - index - 0.5
    return { name, dots: 4, points: [...stepsMs].map((dueMs) => [dueMs, y] as const) }
  })
  const panel: Panel = {
    title: 'Due times of the 40 tokens of one answer',
    xLabel: 'milliseconds after the request arrived',
    yLabel: '',
    xTo: 3_000,
    yTo: rows.length,
    rows: rows.map(([name]) => name),
    lines,
    height: 330,
  }
  return drawChart([panel])
}

function load(): string {
  const lines = [1, 2, 4].map((exponent): Line => {
    const points = Array.from({ length: 33 }, (_, others) => {
      return [others, slowdownBy({ slowdown: 1, exponent, requests: 16 }, others)] as const
    })
    return { name: `exponent ${exponent}`, points }
  })
  return drawChart([
    {
      title: 'load: {slowdown: 1, requests: 16}, three exponents',
      xLabel: 'other requests in progress',
      yLabel: 'latency factor',
      xTo: 32,
      yTo: 5,
      lines,
    },
  ])
}

const concurrency: Concurrency = { slots: 16, queueLength: 100, queueTimeoutMs: 10_000 }

interface Offered {
  readonly rate: number
  /** Seconds to the first token. */
  readonly p50: number
  readonly p95: number
  /** Per second. */
  readonly done: number
  readonly refused: number
}

const config = testConfig()

/** Simulates a minute of random arrivals on a deployment with slots, on a virtual clock. */
async function offer(perSecond: number): Promise<Offered> {
  const clock = createVirtualClock()
  const slots = new DeploymentSlots()
  const random = createRandom(`knee ${perSecond}`)
  const firstToken: Distribution = { distribution: 'lognormal', medianMs: 500, sigma: 0.5 }
  const restMs = 1_500
  const firstMs: number[] = []
  let refused = 0
  let done = 0
  const seconds = 60

  const arrive = async (): Promise<void> => {
    const startedMs = clock.nowMs()
    const exchange = new Exchange(
      { method: 'POST', path: '/', query: '', headers: {}, body: Buffer.alloc(0) },
      { config, clock, random, startedMs },
    )
    if ((await slots.take(exchange, concurrency, 1)) !== 'granted') {
      refused++
      return
    }
    const workMs = drawMs(firstToken, random)
    firstMs.push(clock.nowMs() - startedMs + workMs)
    clock.at(clock.nowMs() + workMs + restMs, () => {
      exchange.end({ aborted: false, firstByteMs: 0, endMs: 0 })
      if (clock.nowMs() <= seconds * 1_000) done++
    })
  }
  for (let atMs = 0; atMs < seconds * 1_000;) {
    atMs += (-Math.log(1 - random.unit()) * 1_000) / perSecond
    clock.at(atMs, () => void arrive())
  }
  await clock.advance(seconds * 2_000)
  const sorted = firstMs.toSorted((a, b) => a - b)
  const at = (share: number): number => (sorted[Math.floor(share * sorted.length)] ?? 0) / 1_000
  return { rate: perSecond, p50: at(0.5), p95: at(0.95), done: done / seconds, refused: refused / seconds }
}

async function knee(): Promise<string> {
  const rates = Array.from({ length: 20 }, (_, index) => 0.75 * (index + 1))
  const results = await Promise.all(rates.map(async (rate) => offer(rate)))
  const lineOf = (name: string, key: 'p50' | 'p95' | 'done' | 'refused'): Line => ({
    name,
    points: results.map((result) => [result.rate, result[key]] as const),
  })
  const axes = { xLabel: 'incoming requests per second', xTo: 15 }
  return drawChart([
    {
      ...axes,
      title: 'Time to first token: 16 slots, answers of about 2 seconds',
      yLabel: 'seconds',
      yTo: 12,
      lines: [lineOf('median', 'p50'), lineOf('95th percentile', 'p95')],
    },
    {
      ...axes,
      title: 'Answered and rejected requests',
      yLabel: 'requests per second',
      yTo: 10,
      lines: [lineOf('answered', 'done'), lineOf('rejected or timed out', 'refused')],
    },
  ])
}

function describeBurst(burst: LatencyProfile['burst']): string {
  if (burst === undefined || burst === 'off') return ''
  return burst.interval ? `every ${typicalMs(burst.interval)} ms` : (burst.tokens ?? []).join(' to ')
}

async function withProfileTable(document: string): Promise<string> {
  const describe = (from: Distribution | undefined): string => {
    if (!from) return ''
    return from.distribution === 'lognormal' ? `${from.medianMs} ms, ${from.sigma}` : JSON.stringify(from)
  }
  const rows = Object.entries(latencyProfiles).map(([name, profile]: [string, LatencyProfile]) => [
    `\`${name}\``,
    describe(profile.firstToken),
    describe(profile.perToken),
    describe(profile.perRequest),
    String(profile.promptMsPerToken ?? ''),
    String(profile.reasoningMsPerToken ?? ''),
    describeBurst(profile.burst),
  ])
  const head = [
    'Profile',
    'First token',
    'Per token',
    'Per request',
    'Prompt, ms/token',
    'Reasoning, ms/token',
    'Burst',
  ]
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const mark = /(<!-- profiles: made by scripts\/draw-timing.ts -->\n)[^]*?(\n<!-- end of profiles -->)/
  if (!mark.test(document))
    throw new Error(`Could not find the profile markers in ${documentPath}. Restore them.`)
  const written = document.replace(mark, (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  return (await format(documentPath, written, { printWidth: 110 })).code
}

const read = (path: string): Promise<string> =>
  readFile(new URL(`../${path}`, import.meta.url), 'utf8').catch(() => '')

const made: Readonly<Record<string, string>> = {
  'docs/images/timing-distributions.svg': distributions(),
  'docs/images/timing-answer.svg': timeline(),
  'docs/images/timing-load.svg': load(),
  'docs/images/timing-knee.svg': await knee(),
  [documentPath]: await withProfileTable(await read(documentPath)),
}
for (const [path, content] of Object.entries(made)) {
  if ((await read(path)) === content) continue
  if (process.argv.includes('--check')) {
    console.error(`${path} is stale. Run: npx tsx scripts/draw-timing.ts`)
    process.exitCode = 1
  } else {
    await writeFile(new URL(`../${path}`, import.meta.url), content)
    console.log(`Wrote ${path}`)
  }
}
