// Runs hostile clients and files, and reports how long they block other requests and how much memory they use. See
// README.md.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { structureCases, textCases } from './hostile-bodies.ts'
import { holderCases, nameCases } from './hostile-clients.ts'
import { fileCases } from './hostile-files.ts'
import type { HostileCase } from './hostile-target.ts'
import { hasProcessFacts } from './process-facts.ts'
import { stop } from './processes.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator, startSimulator, type Server } from './servers.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const { values: flags } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [''] },
    heap: { type: 'string', default: '512' },
    'limit-ms': { type: 'string', default: '500' },
    'limit-mb': { type: 'string', default: '1024' },
    quick: { type: 'boolean', default: false },
    save: { type: 'string' },
    simulator: { type: 'string', default: builtSimulator },
  },
})
const stallLimitMs = Number(flags['limit-ms'])
const memoryLimitMb = Number(flags['limit-mb'])

const root = createTemporaryFolder('hostile')
const allCases = [...structureCases, ...textCases, ...nameCases, ...holderCases, ...fileCases]
const runLimitMs = 45 * 60_000
/** Time limit of one attack, in milliseconds. */
const caseLimitMs = 90_000
/** Idle time of the server before and after an attack, in milliseconds. */
const settleMs = 300
/** Maximum attempts of a failed case, because other programs on a busy machine can cause a stall. */
const attempts = flags.quick ? 1 : 3

interface Result {
  readonly name: string
  readonly status: string
  readonly stallMs: number
  readonly peakMb: number
  readonly seconds: number
  readonly survived: boolean
}

async function attack(hostile: HostileCase): Promise<Result> {
  const folder = mkdtempSync(join(root, 'case-'))
  const before = await hostile.before?.()
  hostile.files?.(folder)
  const env: NodeJS.ProcessEnv = { ...hostile.env, ...before?.env }
  for (const [name, value] of Object.entries(env)) env[name] = value?.replace('FOLDER', folder)
  const server = await startSimulator({
    program: flags.simulator,
    folder,
    deployments: {},
    core: undefined,
    stderr: 'pipe',
    env: { NODE_OPTIONS: `--max-old-space-size=${flags.heap}`, ...env },
  })
  server.child.stderr?.resume()
  const prober = new Worker(new URL('./health-prober.mjs', import.meta.url), {
    workerData: { port: server.port, pid: server.pid },
    execArgv: [],
  })
  await sleep(settleMs)
  const startMs = performance.now()
  const status = await Promise.race([
    hostile.attack({ ...server, folder, program: flags.simulator }),
    sleep(caseLimitMs, 'no end', { ref: false }),
  ])
  const seconds = (performance.now() - startMs) / 1_000
  await sleep(settleMs)
  const survived = server.child.exitCode === null && server.child.signalCode === null
  const peakMb = survived ? highestMb(server) : NaN
  const report = new Promise<number>((resolve) => prober.once('message', resolve))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
  prober.postMessage('report')
  const stallMs = await report
  await prober.terminate()
  await stop(server.child)
  before?.end()
  return { name: hostile.name, status, stallMs, peakMb, seconds, survived }
}

/** Maximum resident memory of a process in MiB, the unit of container limits. */
function highestMb({ pid }: Server): number {
  const kib = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

function isGood({ survived, stallMs, peakMb, status }: Result): boolean {
  return survived && stallMs < stallLimitMs && peakMb < memoryLimitMb && !status.includes('HANGS')
}

/** Returns the best of several attempts, because a busy machine increases the stall. */
async function measure(hostile: HostileCase): Promise<Result> {
  let best = await attack(hostile)
  for (let attempt = 1; attempt < attempts && !isGood(best) && best.survived; attempt++) {
    const again = await attack(hostile)
    if (!again.survived || again.stallMs < best.stallMs) best = again
  }
  return best
}

function row(result: Result): string {
  const { name, status, stallMs, peakMb, seconds, survived } = result
  const memory = survived ? `${peakMb.toFixed(0)} MB` : '-'
  return [
    name.padEnd(56),
    status.slice(0, 44).padEnd(46),
    `${stallMs.toFixed(0)} ms`.padStart(10),
    memory.padStart(9),
    `${seconds.toFixed(1)} s`.padStart(8),
    survived ? (isGood(result) ? '  yes' : '  yes  OVER THE LIMIT') : '  DIED',
  ].join('')
}

await runToEnd(runLimitMs, async () => {
  if (!hasProcessFacts) {
    throw new Error(`Could not measure memory: /proc is required (got ${process.platform}). Use Linux.`)
  }
  const chosen = allCases.filter(({ name }) => flags.case.some((part) => name.includes(part)))
  if (chosen.length === 0)
    throw new Error(`Could not find a case (got --case ${flags.case.join(' --case ')}).`)
  console.log(
    `Heap: ${flags.heap} MB. Limits: ${stallLimitMs} ms for /healthz, ${memoryLimitMb} MB resident.\n`,
  )
  console.log(
    `${'case'.padEnd(56)}${'answers'.padEnd(46)}${'stall'.padStart(10)}${'memory'.padStart(9)}${'time'.padStart(8)}  survived`,
  )
  const results: Result[] = []
  for (const hostile of chosen) {
    const result = await measure(hostile)
    results.push(result)
    console.log(row(result))
    if (flags.save) writeFileSync(flags.save, `${JSON.stringify(results, undefined, 2)}\n`)
  }
  const bad = results.filter((result) => !isGood(result)).length
  console.log(`\n${results.length - bad} of ${results.length} cases are within the limits.`)
  process.exitCode = bad === 0 ? 0 : 1
})
