// Compares the built simulator with a bare node:http server, case by case. See README.md beside this file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, styleText } from 'node:util'
import { capture } from './capture.ts'
import { cases, deployments, type BenchCase } from './cases.ts'
import { loadWithOwnGenerator, loadWithWrk } from './load.ts'
import { findCores, findFreePort, isInstalled, start, stopAll, untilItAnswers } from './processes.ts'
import { median, ratioOf, type Ratio } from './statistics.ts'

const full = { rounds: 7, roundMs: 1000, warmUpMs: 1000, limitMs: 120_000 }
const quick = { rounds: 2, roundMs: 1000, warmUpMs: 300, limitMs: 30_000 }
const key = 'benchmark'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    // For a machine with wrk, to see that both generators agree.
    'own-generator': { type: 'boolean', default: false },
    simulator: { type: 'string', default: fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)) },
  },
})
const plan = flags.quick ? quick : full
const measure = isInstalled('wrk') && !flags['own-generator'] ? loadWithWrk : loadWithOwnGenerator
const cores = findCores()
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const planFile = join(folder, 'plan.txt')

interface Result extends Ratio {
  readonly name: string
  readonly simulatorPerSecond: number
  readonly referencePerSecond: number
}

async function startSimulator(): Promise<number> {
  const deploymentFile = join(folder, 'deployments.json')
  writeFileSync(deploymentFile, JSON.stringify(deployments))
  const port = await findFreePort()
  const child = start([process.execPath, flags.simulator, '--port', String(port)], {
    core: cores?.servers,
    cwd: folder, // Away from any .env of the developer.
    env: {
      SIMULATOR_MODE: 'generate',
      SIMULATOR_API_KEY: key,
      OPENAI_DEPLOYMENT_CONFIG_PATH: deploymentFile,
      LATENCY_TIME_SCALE: '0',
      LOG_LEVEL: 'warn',
    },
  })
  await untilItAnswers(child, port)
  return port
}

async function compare(benchCase: BenchCase, simulatorPort: number): Promise<Result> {
  const answerFile = join(folder, 'answer.json')
  writeFileSync(answerFile, JSON.stringify(await capture(simulatorPort, key, benchCase)))
  const referencePort = await findFreePort()
  const script = fileURLToPath(new URL('./reference-server.mjs', import.meta.url))
  const command = [process.execPath, script, String(referencePort), answerFile]
  const reference = start(command, { core: cores?.servers })
  await untilItAnswers(reference, referencePort)

  const load = { benchCase, key, planFile, core: cores?.load }
  const simulator: number[] = []
  const bare: number[] = []
  await loadWithOwnGenerator({ ...load, port: simulatorPort }, plan.warmUpMs)
  await loadWithOwnGenerator({ ...load, port: referencePort }, plan.warmUpMs)
  for (let round = 0; round < plan.rounds; round += 1) {
    simulator.push(await measure({ ...load, port: simulatorPort }, plan.roundMs))
    bare.push(await measure({ ...load, port: referencePort }, plan.roundMs))
  }
  reference.kill('SIGKILL')
  return {
    name: benchCase.name,
    ...ratioOf(simulator, bare),
    simulatorPerSecond: median(simulator),
    referencePerSecond: median(bare),
  }
}

function print(result: Result): void {
  const ratio = result.median.toFixed(2).padStart(6)
  const spread = `${result.lowest.toFixed(2)} to ${result.highest.toFixed(2)}`
  const perSecond = [result.simulatorPerSecond, result.referencePerSecond].map((value) =>
    Math.round(value).toString(),
  )
  const aside = `(${perSecond.join(' and ')} a second on this machine, at this moment)`
  console.log(`${result.name.padEnd(28)}${ratio}   ${spread.padEnd(16)}${styleText('dim', aside)}`)
}

function save(results: readonly Result[]): void {
  const saved = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cores: availableParallelism(),
    pinned: cores !== undefined,
    generator: measure === loadWithWrk ? 'wrk' : 'load-generator.mjs',
    ratios: results.map(({ name, median, lowest, highest }) => ({
      name,
      ratio: Number(median.toFixed(3)),
      spread: [Number(lowest.toFixed(3)), Number(highest.toFixed(3))],
    })),
  }
  writeFileSync(new URL('./results.json', import.meta.url), `${JSON.stringify(saved, null, 2)}\n`)
}

function stopLate(): void {
  console.error(`Could not finish within ${plan.limitMs / 1000} s. Is the machine busy with something else?`)
  process.exit(1)
}

const limit = setTimeout(stopLate, plan.limitMs)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
try {
  const generator = measure === loadWithWrk ? 'wrk' : 'the built-in generator'
  console.log(
    `${plan.rounds} rounds a case, ${generator}, ${cores ? 'one core each' : 'cores shared'}, ${process.version}`,
  )
  console.log(`${'bare node:http = 1.00'.padEnd(28)} ratio   spread`)
  const simulatorPort = await startSimulator()
  const results: Result[] = []
  for (const benchCase of cases) {
    const result = await compare(benchCase, simulatorPort)
    print(result)
    results.push(result)
  }
  if (flags.save) save(results)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  clearTimeout(limit)
  stopAll()
}
