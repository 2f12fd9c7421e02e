// Fails if a case is slower than in bench/results.json, relative to the bare server. See README.md.
import { parseArgs } from 'node:util'
import { BenchSession } from './bench-session.ts'
import { cases } from './cases.ts'
import { checkRatio, checkWithRetry, missingCases, readerTolerance, tolerance } from './check-verdict.ts'
import { describeMachine, readResults } from './results.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator } from './servers.ts'
import type { Ratio } from './statistics.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    simulator: { type: 'string', default: builtSimulator },
  },
})
const rounds = flags.quick ? 3 : 7
const limitMs = flags.quick ? 360_000 : 600_000

const session = new BenchSession({
  program: flags.simulator,
  ownGenerator: false,
  workers: 1,
  peer: undefined,
  roundMs: 1000,
  warmUpMs: flags.quick ? 1500 : 2000,
})

async function check(): Promise<boolean> {
  const { throughput } = readResults()
  if (!throughput) throw new Error('Could not compare: no results are stored. Run make bench BENCH=--save.')
  const { cpu, node } = describeMachine(session.cores !== undefined)
  const recordedBy = `${throughput.machine.cpu}, ${throughput.machine.node}, ${throughput.generator}`
  const measuredBy = `${cpu}, ${node}, ${session.generator}`
  console.log(
    `Each ratio may be up to ${tolerance * 100} % below the recorded one; ${rounds} rounds per case.`,
  )
  if (recordedBy !== measuredBy) {
    console.log(`Recorded on ${recordedBy}; this is ${measuredBy}. Ratios differ somewhat between machines.`)
  }
  console.log(`${''.padEnd(28)}recorded  measured  (spread)`)
  let good = true
  const measured = new Map<string, number>()
  for (const benchCase of cases) {
    const { name, comparedWith } = benchCase
    const stored = throughput.cases.find((one) => one.name === name)?.bare.ratio
    const recorded = comparedWith === undefined ? stored : measured.get(comparedWith)
    let isReaderFree = true
    const verdict = await checkWithRetry(async (attempt) => {
      const { bare, unread } = await session.measure(benchCase, attempt === 1 ? rounds : rounds * 2 + 1)
      const slow = checkRatio(bare.median, recorded) === 'slower'
      measured.set(name, bare.median)
      print(name, recorded, bare, slow ? (attempt === 1 ? 'measuring again' : 'SLOWER') : '')
      if (unread) {
        isReaderFree = checkRatio(unread.median, 1, readerTolerance) === 'ok'
        print('  without a reader', 1, unread, isReaderFree ? '' : 'SLOWER')
      }
      return bare.median
    }, recorded)
    good &&= verdict !== 'slower' && isReaderFree
  }
  for (const name of missingCases(
    throughput,
    cases.map(({ name }) => name),
  )) {
    good = false
    console.log(`${name.padEnd(28)}recorded, but the case no longer exists: run make bench BENCH=--save`)
  }
  return good
}

function print(
  name: string,
  recorded: number | undefined,
  { median, lowest, highest }: Ratio,
  note: string,
): void {
  const [was, is, from, to] = [recorded ?? NaN, median, lowest, highest].map((value) => value.toFixed(2))
  const shown = recorded === undefined ? '-' : (was ?? '')
  const change = recorded === undefined ? 'not recorded' : `${((100 * median) / recorded - 100).toFixed(0)} %`
  console.log(
    `${name.padEnd(28)}${shown.padStart(8)}${(is ?? '').padStart(10)}  (${from} to ${to})  ${change}  ${note}`.trimEnd(),
  )
}

await runToEnd(limitMs, async () => {
  const good = await check()
  console.log(
    good ? 'No case is slower than recorded.' : 'Slower than recorded: find the cause, or store new results.',
  )
  process.exitCode = good ? 0 : 1
})
