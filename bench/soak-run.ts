import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cpuSeconds } from './process-facts.ts'
import { start } from './processes.ts'
import type { LoadLine, LoadPlan, SoakWindow } from './soak-window.ts'

/** What a load was to the two processes, as shares of a core. */
export interface CpuShares {
  readonly simulator: number
  readonly generator: number
}

/** What a load came to. */
export interface LoadResult {
  /** Answers that never ended. */
  readonly unfinished: number
  /** Answers that were not of their kind, by what they were. */
  readonly wrong: Readonly<Record<string, number>>
}

/** Told of the run as it goes on. */
export interface LoadListener {
  /** The first window begins: the load before it is over. */
  onBegin?(): void
  /** A window has ended; with the CPU that it took. */
  onWindow(window: SoakWindow, cpu: CpuShares): void
}

/**
 * Runs the load generator in a process of its own until all answers have ended.
 *
 * @param simulatorPid of the process whose CPU is told
 * @param core of the generator; undefined where the system decides
 */
export async function runLoad(
  plan: LoadPlan,
  simulatorPid: number,
  core: string | undefined,
  listener: LoadListener,
): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./soak-load.ts', import.meta.url))
  const child = start([process.execPath, '--import', 'tsx', script, JSON.stringify(plan)], { core })
  const used = (): CpuShares => ({
    simulator: cpuSeconds(simulatorPid),
    generator: cpuSeconds(child.pid ?? 0),
  })
  let before = used()
  let end: LoadResult | undefined
  if (child.stdout) {
    for await (const text of createInterface({ input: child.stdout })) {
      const line: LoadLine = JSON.parse(text)
      if (line.kind === 'end') end = line
      else {
        const now = used()
        if (line.kind === 'begin') listener.onBegin?.()
        else {
          const share = (key: keyof CpuShares): number => (now[key] - before[key]) / line.window.seconds
          listener.onWindow(line.window, { simulator: share('simulator'), generator: share('generator') })
        }
        before = now
      }
    }
  }
  if (!end) throw new Error('Could not finish: the load generator ended early. Its own words are above.')
  return end
}
