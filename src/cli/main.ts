#!/usr/bin/env node
import { run } from './run.ts'

// Whoever reads what is printed may stop reading (`aoai-sim | head -3`): that ends no server.
process.stdout.on('error', ignoreClosedPipe)
process.stderr.on('error', ignoreClosedPipe)

process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  workingDirectory: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
})

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
