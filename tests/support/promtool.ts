import { execFileSync } from 'node:child_process'
import { prometheusFolder } from './dashboard.ts'

const program = 'promtool'

/** Whether this machine has it. */
export const hasPromtool = isInstalled()

/**
 * Runs promtool in the folder of Prometheus's configuration, and gives what it prints.
 *
 * @throws {Error} with what it prints about a mistake that it finds
 */
export function promtool(...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: prometheusFolder, encoding: 'utf8', stdio: 'pipe' })
}

function isInstalled(): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
