import type { CpuShares } from './soak-run.ts'
import type { SoakWindow } from './soak-window.ts'
import { slopeOf, type Series } from './statistics.ts'

/** Most that the fitted line of resident memory may rise over the watched time: this share of it, or this much. */
const memoryTolerance = { share: 0.08, mb: 16 } as const

/** Least throughput of the last window, as a share of the first one's. */
const leastThroughput = 0.95

/** Largest share of a core that the load generator may use before it may have been the bottleneck. */
const mostGeneratorCpu = 0.85

/** What a soak saw. */
export interface SoakRun {
  /** Requests a second that were asked for. */
  readonly rate: number
  readonly windows: readonly SoakWindow[]
  /** Seconds and resident MB at the end of each window, after a collection of garbage. */
  readonly memory: Series
  /** Most resident MB at any time. */
  readonly highestMb: number
  readonly descriptors: { readonly before: number; readonly after: number }
  /** What the simulator wrote to standard error. */
  readonly errorLines: readonly string[]
  /** Answers that never ended. */
  readonly unfinished: number
  readonly wrong: Readonly<Record<string, number>>
  /** What each window took. */
  readonly cpus: readonly CpuShares[]
}

/** One thing that must hold. */
export interface SoakCheck {
  readonly name: string
  readonly isGood: boolean
  /** What was seen, and what is allowed. */
  readonly seen: string
}

/** Judges a soak; it is passed when every check is good. */
export function judgeSoak(run: SoakRun): SoakCheck[] {
  return [
    judgeMemory(run.memory),
    judgeDescriptors(run.descriptors),
    judgeLog(run.errorLines),
    judgeThroughput(run),
    judgeAnswers(run),
    judgeGenerator(run.cpus),
  ]
}

function judgeMemory(memory: Series): SoakCheck {
  const name = 'memory is flat'
  const seconds = (memory.at(-1)?.[0] ?? 0) - (memory[0]?.[0] ?? 0)
  const meanMb = memory.reduce((sum, [, mb]) => sum + mb, 0) / memory.length
  const riseMb = slopeOf(memory) * seconds
  const allowedMb = Math.max(memoryTolerance.mb, meanMb * memoryTolerance.share)
  const seen =
    `fitted line ${signed(riseMb)} MB in ${seconds.toFixed(0)} s, ${signed((60 * riseMb) / seconds)} MB a minute, ` +
    `mean ${meanMb.toFixed(0)} MB (at most +${allowedMb.toFixed(0)} MB)`
  return { name, isGood: riseMb <= allowedMb, seen }
}

function judgeDescriptors({ before, after }: SoakRun['descriptors']): SoakCheck {
  return {
    name: 'no descriptor left open',
    isGood: after <= before,
    seen: `${before} before, ${after} after`,
  }
}

function judgeLog(lines: readonly string[]): SoakCheck {
  const bad = lines.filter(isBadLine)
  const seen =
    bad.length === 0 ? `${lines.length} warnings` : `${bad.length}, such as: ${bad[0]?.slice(0, 200)}`
  return { name: 'no error in the log', isGood: bad.length === 0, seen }
}

/** The log's own warnings are fine; an error is not, and neither is a line of Node.js such as a rejection nobody handled. */
function isBadLine(line: string): boolean {
  return line.trim() !== '' && !/^\{"level":"(?:warn|info|debug)"/.test(line)
}

function judgeThroughput({ windows, rate }: SoakRun): SoakCheck {
  const perSecond = ({ done, seconds }: SoakWindow): number => done / seconds
  const [first, last] = [windows[0], windows.at(-1)]
  if (!first || !last) return { name: 'throughput is flat', isGood: false, seen: 'nothing was measured' }
  const share = perSecond(last) / perSecond(first)
  const seen =
    `${perSecond(first).toFixed(0)} answers a second at first, ${perSecond(last).toFixed(0)} at last: ` +
    `${share.toFixed(3)} (at least ${leastThroughput}); ${rate.toFixed(0)} were asked for`
  return { name: 'throughput is flat', isGood: share >= leastThroughput, seen }
}

function judgeAnswers({ wrong, unfinished }: SoakRun): SoakCheck {
  const kinds = Object.entries(wrong).map(([name, count]) => `${count} x ${name}`)
  const seen = [...kinds, ...(unfinished > 0 ? [`${unfinished} never ended`] : [])].join('; ')
  return { name: 'all answers are right', isGood: seen === '', seen: seen === '' ? 'all' : seen }
}

function judgeGenerator(cpus: readonly CpuShares[]): SoakCheck {
  const most = Math.max(...cpus.map(({ generator }) => generator))
  const seen = `${percent(most)} of a core (at most ${percent(mostGeneratorCpu)}, or it was the bottleneck)`
  return { name: 'the load generator had time left', isGood: most <= mostGeneratorCpu, seen }
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`
