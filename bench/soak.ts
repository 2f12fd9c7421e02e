// Runs a mixed load on the built simulator and looks for leaks and slowdowns. Linux only. See README.md.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { findKnee, type RampStep } from './knee.ts'
import { hasProcessFacts, openDescriptors } from './process-facts.ts'
import { findCores } from './processes.ts'
import { describeMachine, saveResults } from './results.ts'
import { runToEnd } from './run-to-end.ts'
import { collectErrors, descriptorsBackTo, MemoryWatch } from './server-watch.ts'
import { builtSimulator, key, startSimulator, type Server } from './servers.ts'
import { soakDeployments } from './soak-kinds.ts'
import { describeSoak, windowHead, windowRow } from './soak-report.ts'
import { runLoad, type CpuShares } from './soak-run.ts'
import { checkSoak, type SoakRun } from './soak-verdict.ts'
import type { SoakWindow } from './soak-window.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    // Requests per second. Without it, the knee is measured first.
    rate: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
    simulator: { type: 'string', default: builtSimulator },
  },
})
const shareOfKnee = 0.7
const ramp = { startRate: 50, leadSeconds: 2, windowSeconds: 3 }
const leadSeconds = 5
const drainSeconds = 10
const rampLimitMs = 180_000
const minutes = Number(flags.minutes)
// Windows of a minute, or thirds of a shorter run.
const windows = Math.max(3, Math.round(minutes))
const windowSeconds = (60 * minutes) / windows

const cores = findCores()
const folder = createTemporaryFolder('bench-soak')

async function measureStep({ port, pid }: Server, rate: number): Promise<RampStep> {
  const { leadSeconds, windowSeconds } = ramp
  const plan = { port, key, rate, leadSeconds, windowSeconds, windows: 1, seed: `ramp ${rate}` }
  let seen: { window: SoakWindow; cpu: CpuShares } | undefined
  const { wrong } = await runLoad(plan, pid, cores?.load, {
    onWindow: (window, cpu) => (seen = { window, cpu }),
  })
  const step = {
    rate,
    cpu: seen?.cpu.simulator ?? 0,
    tokenP99Ms: seen?.window.tokenP99Ms ?? Infinity,
    wrong: Object.values(wrong).reduce((sum, count) => sum + count, 0),
  }
  console.log(
    `  ${String(rate).padStart(6)} requests per second: tokens ${step.tokenP99Ms.toFixed(1)} ms late (p99), ` +
      `${(step.cpu * 100).toFixed(0)} % of a core${step.wrong > 0 ? `, ${step.wrong} wrong` : ''}`,
  )
  return step
}

async function soak(): Promise<boolean> {
  const simulator = await startSimulator({
    program: flags.simulator,
    folder,
    deployments: soakDeployments,
    core: cores?.servers,
    stderr: 'pipe',
    canCollect: true,
    env: { LATENCY_TIME_SCALE: '1', LOG_LEVEL: 'warn', SIMULATOR_SEED: 'soak' },
  })
  const { pid, port } = simulator
  const errors = collectErrors(simulator.child)
  const before = openDescriptors(pid)
  let knee: number | undefined
  if (flags.rate === '') {
    console.log('Finding the knee:')
    knee = await findKnee((rate) => measureStep(simulator, rate), ramp.startRate)
    await sleep(1_000)
  }
  const rate = knee === undefined ? Number(flags.rate) : Math.round(knee * shareOfKnee)
  const ofKnee = knee === undefined ? '' : `, ${shareOfKnee * 100} % of the knee of ${knee}`
  console.log(`${minutes} minutes of ${rate} requests per second${ofKnee}:`)
  console.log(windowHead)

  const watch = new MemoryWatch(pid)
  const windowsSeen: SoakWindow[] = []
  const cpus: CpuShares[] = []
  const plan = { port, key, rate, leadSeconds, windowSeconds, windows, seed: 'soak' }
  const { unfinished, wrong } = await runLoad(plan, pid, cores?.load, {
    onWindow(window, cpu) {
      windowsSeen.push(window)
      cpus.push(cpu)
      watch.collect()
      console.log(windowRow(windowsSeen.length, window, cpu.simulator, watch.lastMb))
    },
  })
  watch.stop()
  const run: SoakRun = {
    rate,
    windows: windowsSeen,
    cpus,
    memory: await watch.collected(),
    highestMb: watch.highestMb,
    descriptors: { before, after: await descriptorsBackTo(pid, before, drainSeconds) },
    errorLines: errors.lines,
    unfinished,
    wrong,
  }
  return report(run, knee)
}

function report(run: SoakRun, knee: number | undefined): boolean {
  const checks = checkSoak(run)
  const facts = describeSoak({ minutes, knee, run })
  const good = checks.every(({ isGood }) => isGood)
  console.log()
  for (const { name, isGood, seen } of checks)
    console.log(`${isGood ? 'ok  ' : 'FAIL'}  ${name.padEnd(36)}${seen}`)
  for (const [name, value] of facts) console.log(`      ${name.padEnd(36)}${value}`)
  console.log(good ? '\nPassed.' : '\nFailed.')
  if (flags.save && good) saveResults({ soak: { machine: describeMachine(cores !== undefined), facts } })
  return good
}

await runToEnd(rampLimitMs + 60_000 * minutes + 60_000, async () => {
  if (!hasProcessFacts) {
    throw new Error(`Could not run the soak test: /proc is required (got ${process.platform}). Use Linux.`)
  }
  if (!(minutes >= 0.2 && minutes <= 1_440) || (flags.rate !== '' && !(Number(flags.rate) > 0))) {
    throw new Error(
      `Could not read the flags: --minutes must be 0.2 to 1440 and --rate above 0 (got ${flags.minutes}, ${flags.rate || 'none'}).`,
    )
  }
  process.exitCode = (await soak()) ? 0 : 1
})
