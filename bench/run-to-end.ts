import { stopAll } from './processes.ts'

/**
 * Runs a benchmark, and ends every process that it has started, whatever comes of it. An error is printed by its message,
 * and makes exit code 1; so does a run that takes longer than the limit, which only a busy machine does.
 */
export async function runToEnd(limitMs: number, run: () => Promise<void>): Promise<void> {
  const limit = setTimeout(() => {
    console.error(`Could not finish within ${limitMs / 1000} s. Is the machine busy with something else?`)
    process.exit(1)
  }, limitMs)
  try {
    await run()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  } finally {
    clearTimeout(limit)
    stopAll()
  }
}
