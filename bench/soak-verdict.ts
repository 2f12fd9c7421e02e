import type { CpuShares } from './soak-run.ts'
import type { SoakWindow } from './soak-window.ts'
import { slopeOf, type Series } from './statistics.ts'

/** Maximum rise of the fitted line of resident memory: a share of the mean, or an absolute value if that is more. */
const memoryTolerance = { share: 0.08, mb: 16 } as const

/** Minimum throughput of the last window, as a share of the first one. */
const minThroughput = 0.95

/** Maximum CPU use of the load generator, as a share of a core. Above it, the generator can be the bottleneck. */
const maxGeneratorCpu = 0.85

/** Measurements of a soak test. */
export interface SoakRun {
  /** Requested rate, in requests per second. */
  readonly rate: number
  readonly windows: readonly SoakWindow[]
  /** Seconds and resident MB at the end of each window, after a garbage collection. */
  readonly memory: Series
  /** Maximum resident MB. */
  readonly highestMb: number
  readonly descriptors: { readonly before: number; readonly after: number }
  /** Lines of the simulator on standard error. */
  readonly errorLines: readonly string[]
  /** Number of answers that never ended. */
  readonly unfinished: number
  readonly wrong: Readonly<Record<string, number>>
  /** CPU use in each window. */
  readonly cpus: readonly CpuShares[]
}

/** A check of the soak test. */
export interface SoakCheck {
  readonly name: string
  readonly isGood: boolean
  /** Measured value and limit. */
  readonly seen: string
}

/** Checks a soak test. It passes if all checks are good. */
export function checkSoak(run: SoakRun): SoakCheck[] {
  return [
    checkMemory(run.memory),
    checkDescriptors(run.descriptors),
    checkLog(run.errorLines),
    checkThroughput(run),
    checkAnswers(run),
    checkGenerator(run.cpus),
  ]
}

function checkMemory(memory: Series): SoakCheck {
  const name = 'memory is flat'
  const seconds = (memory.at(-1)?.[0] ?? 0) - (memory[0]?.[0] ?? 0)
  const meanMb = memory.reduce((sum, [, mb]) => sum + mb, 0) / memory.length
  const riseMb = slopeOf(memory) * seconds
  const allowedMb = Math.max(memoryTolerance.mb, meanMb * memoryTolerance.share)
  const seen =
    `fitted line ${signed(riseMb)} MB in ${seconds.toFixed(0)} s, ${signed((60 * riseMb) / seconds)} MB per minute, ` +
    `mean ${meanMb.toFixed(0)} MB (at most +${allowedMb.toFixed(0)} MB)`
  return { name, isGood: riseMb <= allowedMb, seen }
}

function checkDescriptors({ before, after }: SoakRun['descriptors']): SoakCheck {
  return {
    name: 'no descriptor left open',
    isGood: after <= before,
    seen: `${before} before, ${after} after`,
  }
}

function checkLog(lines: readonly string[]): SoakCheck {
  const bad = lines.filter(isBadLine)
  const seen =
    bad.length === 0 ? `${lines.length} warnings` : `${bad.length}, such as: ${bad[0]?.slice(0, 200)}`
  return { name: 'no error in the log', isGood: bad.length === 0, seen }
}

/**
 * Whether a line is an error. Warnings of the log are allowed, but no errors, and no lines of Node.js such as
 * unhandled rejections.
 */
function isBadLine(line: string): boolean {
  return line.trim() !== '' && !/^\{"level":"(?:warn|info|debug)"/.test(line)
}

function checkThroughput({ windows, rate }: SoakRun): SoakCheck {
  const perSecond = ({ done, seconds }: SoakWindow): number => done / seconds
  const [first, last] = [windows[0], windows.at(-1)]
  if (!first || !last) return { name: 'throughput is flat', isGood: false, seen: 'no windows' }
  const share = perSecond(last) / perSecond(first)
  const seen =
    `${perSecond(first).toFixed(0)} answers per second at first, ${perSecond(last).toFixed(0)} at the end: ` +
    `${share.toFixed(3)} (at least ${minThroughput}); requested rate ${rate.toFixed(0)}`
  return { name: 'throughput is flat', isGood: share >= minThroughput, seen }
}

function checkAnswers({ wrong, unfinished }: SoakRun): SoakCheck {
  const kinds = Object.entries(wrong).map(([name, count]) => `${count} x ${name}`)
  const seen = [...kinds, ...(unfinished > 0 ? [`${unfinished} never ended`] : [])].join('; ')
  return { name: 'all answers are right', isGood: seen === '', seen: seen === '' ? 'all' : seen }
}

function checkGenerator(cpus: readonly CpuShares[]): SoakCheck {
  const maxCpu = Math.max(...cpus.map(({ generator }) => generator))
  const seen = `${percent(maxCpu)} of a core (at most ${percent(maxGeneratorCpu)}, or it was the bottleneck)`
  return { name: 'the load generator had time left', isGood: maxCpu <= maxGeneratorCpu, seen }
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`
