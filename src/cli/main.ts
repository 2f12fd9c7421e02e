#!/usr/bin/env node
import { version } from '../lib/version.ts'
import { openFilesProblem, ProcessSignals } from './process-signals.ts'

/** Time until the process exits after a signal and after everything is closed, in case an extension leaves a handle open. */
const FORCED_EXIT_MS = 1_000

const signals = new ProcessSignals(process)

// The reader of the output can close the pipe (`aoai-sim | head -3`). That must not end the server.
process.stdout.on('error', ignoreClosedPipe)
process.stderr.on('error', ignoreClosedPipe)

const problem = openFilesProblem()
if (problem === undefined) process.exitCode = await load()
else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
if (signals.received) setTimeout(() => process.exit(), FORCED_EXIT_MS).unref()

async function load(): Promise<number> {
  const [first, ...others] = process.argv.slice(2)
  // Everything else loads the whole program, which takes several times as long.
  if ((first === '--version' || first === '-V') && others.length === 0) {
    process.stdout.write(`${version}\n`)
    return 0
  }
  const { run } = await import('./run.ts')
  return run({
    argv: process.argv.slice(2),
    env: process.env,
    workingDirectory: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    signals,
  })
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
