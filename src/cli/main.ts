#!/usr/bin/env node
import { run } from './run.ts'

process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  workingDirectory: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
})
