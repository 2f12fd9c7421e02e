// Draws the chart of docs/two-regions.md: runs the example for 70 seconds with an outage of a region, and reads the metrics each second.
// Needs a build.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { drawChart, type Line } from './svg-chart.ts'

const seconds = 70
const outage = { from: 30, seconds: 15 }
const key = 'secret'

const children: ChildProcess[] = []
function start(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

/** Starts a program, and returns the address that it prints. */
async function startServer(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = start(args, env)
  let printed = ''
  for await (const chunk of child.stdout ?? []) {
    printed += String(chunk)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0]
    if (url !== undefined) {
      child.stdout?.resume()
      return url
    }
  }
  throw new Error(`No address in the output:\n${printed}`)
}

const simulator = await startServer(['dist/cli/main.js'], {
  SIMULATOR_CONFIG: 'examples/two-regions/two-regions.yaml',
  SIMULATOR_API_KEY: key,
  LOG_LEVEL: 'error',
  PORT: '0',
})
const regions = { EAST_URL: `${simulator}/east`, WEST_URL: `${simulator}/west` }
const gateway = await startServer(['examples/two-regions/gateway.js'], { ...regions, PORT: '0' })
const flags = '--api-key any --deployment chat --rate 10 --max-tokens 50'.split(' ')
const load = start(['dist/cli/main.js', 'load', '--url', gateway, ...flags, '--duration', `${seconds}s`], {})
load.stdout?.resume()

type Sample = Readonly<Record<'east' | 'west' | 'refused' | 'utilization' | 'used' | 'limit', number>>
const samples: Sample[] = []
for (let second = 0; second <= seconds; second++) {
  if (second === outage.from) {
    const phases = [
      { name: 'outage', seconds: outage.seconds, faults: [{ probability: 1, fault: 'overloaded503' }] },
    ]
    await fetch(`${simulator}/++/incidents/start?resource=east`, {
      method: 'POST',
      headers: { 'api-key': key },
      body: JSON.stringify({ phases }),
    })
  }
  const text = await (await fetch(`${simulator}/metrics`)).text()
  const sum = (pattern: RegExp): number =>
    text
      .split('\n')
      .filter((line) => pattern.test(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  samples.push({
    east: sum(/^aoai_requests_total\{resource="east".*status="200"/),
    west: sum(/^aoai_requests_total\{resource="west".*status="200"/),
    refused: sum(/^aoai_requests_total\{resource="east".*status="(?:429|503)"/),
    utilization: 100 * sum(/^aoai_deployment_utilization_ratio\{resource="east"/),
    used: sum(/^aoai_deployment_used_per_minute\{resource="west".*type="tokens"/) / 1_000,
    limit: sum(/^aoai_deployment_limit_per_minute\{resource="west".*type="tokens"/) / 1_000,
  })
  await sleep(1_000)
}
for (const child of children) child.kill()
await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')))

const line = (name: string, field: keyof Sample): Line => ({
  name,
  points: samples.map((sample, second) => [second, sample[field]] as const),
})
/** Requests a second, as a mean over three seconds. */
const rate = (name: string, field: keyof Sample): Line => ({
  name,
  points: samples.slice(3).map((sample, index) => {
    return [index + 3, (sample[field] - (samples[index]?.[field] ?? 0)) / 3] as const
  }),
})
const axes = { xLabel: 'seconds', xTo: seconds, height: 230 }
const chart = drawChart([
  {
    ...axes,
    title: `Requests by resource; outage of east from ${outage.from} to ${outage.from + outage.seconds} s`,
    yLabel: 'requests a second',
    yTo: 14,
    lines: [rate('east: 200', 'east'), rate('west: 200', 'west'), rate('east: 429 or 503', 'refused')],
  },
  {
    ...axes,
    title: 'east: provisioned throughput in use',
    yLabel: '%',
    yTo: 120,
    lines: [line('utilization', 'utilization')],
  },
  {
    ...axes,
    title: 'west: tokens of the last minute against the limit',
    yLabel: 'thousand tokens',
    yTo: 120,
    lines: [line('used', 'used'), line('limit', 'limit')],
  },
])
await writeFile('docs/images/two-regions.svg', chart)
