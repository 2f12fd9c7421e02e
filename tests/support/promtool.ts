import { execFileSync } from 'node:child_process'
import { prometheusFolder } from './dashboard.ts'
import { needs } from './installed-tool.ts'

const program = 'promtool'

/** What tests by it need. */
export const promtoolNeed = needs(program)

/**
 * Runs promtool in the folder of Prometheus's configuration, and gives what it prints.
 *
 * @throws {Error} with what it prints about a mistake that it finds
 */
export function promtool(...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: prometheusFolder, encoding: 'utf8', stdio: 'pipe' })
}

/**
 * Lets promtool judge an exposition.
 *
 * @throws {Error} with what it prints about metrics that break a convention
 */
export function checkMetrics(exposition: string): void {
  execFileSync(program, ['check', 'metrics'], { input: exposition, encoding: 'utf8', stdio: 'pipe' })
}
