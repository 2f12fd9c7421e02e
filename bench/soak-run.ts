import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cpuSeconds } from './process-facts.ts'
import { start } from './processes.ts'
import type { LoadLine, LoadPlan, SoakWindow } from './soak-window.ts'

/** CPU use of the two processes, as shares of a core. */
export interface CpuShares {
  readonly simulator: number
  readonly generator: number
}

/** Result of a load. */
export interface LoadResult {
  /** Number of answers that never ended. */
  readonly unfinished: number
  /** Number of unexpected answers by description. */
  readonly wrong: Readonly<Record<string, number>>
}

/** Callbacks during a load. */
export interface LoadListener {
  /** The first window has started. */
  onBegin?(): void
  /** A window has ended. */
  onWindow(window: SoakWindow, cpu: CpuShares): void
}

/**
 * Runs the load generator in a separate process until all answers have ended.
 *
 * @param simulatorPid process to measure the CPU use of
 * @param core core of the generator; undefined means any core
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
  if (!end) throw new Error('Could not finish: the load generator exited early. See its output above.')
  return end
}
