// Compares the built simulator with a bare node:http server and with aimock, case by case. See README.md in this
// folder.
import { parseArgs, styleText } from 'node:util'
import { aimockVersion, installAimock } from './aimock.ts'
import { compareForwarding } from './forwarding.ts'
import { BenchSession, type CaseResult } from './bench-session.ts'
import { cases } from './cases.ts'
import { describeMachine, savedRatio, saveResults, type SavedThroughput } from './results.ts'
import { showRatio } from './results-table.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator } from './servers.ts'

const full = { rounds: 7, roundMs: 1000, warmUpMs: 2000, limitMs: 900_000 }
const quick = { rounds: 2, roundMs: 1000, warmUpMs: 300, limitMs: 240_000 }

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    // Selects cases by a part of their names.
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    'no-aimock': { type: 'boolean', default: false },
    // Checks that both generators agree, on a machine with wrk.
    'own-generator': { type: 'boolean', default: false },
    simulator: { type: 'string', default: builtSimulator },
  },
})
const plan = flags.quick ? quick : full
const workers = Number(flags.workers)
const peer = choosePeer()
const peerName = peer === 'aimock' ? `aimock ${aimockVersion}` : peer

const session = new BenchSession({
  program: flags.simulator,
  ownGenerator: flags['own-generator'],
  workers,
  peer,
  roundMs: plan.roundMs,
  warmUpMs: plan.warmUpMs,
})

function choosePeer(): 'aimock' | 'one process' | undefined {
  if (workers > 1) return 'one process'
  if (flags['no-aimock']) return undefined
  const problem = installAimock()
  if (problem === undefined) return 'aimock'
  console.log(`Continuing without aimock: ${problem}`)
  return undefined
}

function print({ name, bare, peer: other, unread, perSecond }: CaseResult): void {
  const figures = [
    perSecond.simulator,
    perSecond.bare,
    ...(perSecond.peer === undefined ? [] : [perSecond.peer]),
  ]
  const aside = styleText(
    'dim',
    `(${figures.map((value) => Math.round(value)).join(', ')} per second on this machine)`,
  )
  const ratios = [bare, ...(other ? [other] : [])].map((ratio) => showRatio(savedRatio(ratio)).padEnd(24))
  console.log(`${name.padEnd(28)}${ratios.join('').padEnd(peer ? 48 : 24)}${aside}`)
  if (unread) console.log(`${'  without a reader'.padEnd(28)}${showRatio(savedRatio(unread))}`)
}

function save(results: readonly CaseResult[]): void {
  const saved: SavedThroughput = {
    machine: describeMachine(session.cores !== undefined),
    generator: session.generator,
    rounds: plan.rounds,
    ...(peerName === undefined ? {} : { peer: peerName }),
    cases: results.map(({ name, bare, peer: other, unread }) => ({
      name,
      bare: savedRatio(bare),
      ...(other ? { peer: savedRatio(other) } : {}),
      ...(unread ? { unread: savedRatio(unread) } : {}),
    })),
  }
  saveResults(workers > 1 ? { workers: { workers, ...saved } } : { throughput: saved })
}

function refuseFlags(): void {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new Error(`Could not read --workers: must be a positive integer (got ${flags.workers}).`)
  }
  if (flags.save && (flags.quick || flags.only !== '')) {
    throw new Error(
      'Could not save partial results: --save cannot be used with --quick or --only. Remove one of them.',
    )
  }
}

await runToEnd(plan.limitMs, async () => {
  refuseFlags()
  const where = session.cores ? 'one core each for servers and load' : 'cores shared'
  console.log(`${plan.rounds} rounds per case, ${session.generator}, ${where}, Node.js ${process.version}`)
  console.log(`${'simulator against'.padEnd(28)}${'bare node:http'.padEnd(24)}${peerName ?? ''}`)
  const results: CaseResult[] = []
  for (const benchCase of cases.filter(({ name }) => name.includes(flags.only))) {
    const result = await session.measure(benchCase, plan.rounds)
    print(result)
    results.push(result)
  }
  if (flags.save) save(results)
  if (workers === 1)
    await compareForwarding({ program: flags.simulator, rounds: plan.rounds, only: flags.only })
})
