#!/usr/bin/env node
import { openFilesProblem, ProcessSignals } from './process-signals.ts'

/** What an end that was asked for may take once all is closed; an extension that leaves something open cannot prevent it. */
const MAX_END_MS = 1_000

const signals = new ProcessSignals(process)

// Whoever reads what is printed may stop reading (`aoai-sim | head -3`): that ends no server.
process.stdout.on('error', ignoreClosedPipe)
process.stderr.on('error', ignoreClosedPipe)

const problem = openFilesProblem()
if (problem === undefined) process.exitCode = await load()
else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
if (signals.hasCome) setTimeout(() => process.exit(), MAX_END_MS).unref()

async function load(): Promise<number> {
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
