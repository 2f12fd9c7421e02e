import { stopAll } from './processes.ts'

/**
 * Runs a benchmark and then stops all processes that it started. Prints the message of an error and sets exit code 1,
 * also if the run exceeds the time limit.
 */
export async function runToEnd(limitMs: number, run: () => Promise<void>): Promise<void> {
  const limit = setTimeout(() => {
    console.error(`Could not finish within ${limitMs / 1000} s. Is the machine busy?`)
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
