import { CommanderError } from 'commander'
import { OperatorError } from '../lib/operator-error.ts'
import { addCheckCommand } from './check.ts'
import type { CliHost } from './cli-host.ts'
import { addExtensionsCommand } from './extensions.ts'
import { addLoadCommand } from './load.ts'
import { createProgram } from './program.ts'
import { addRecordingsCommand } from './recordings.ts'
import { serve } from './serve.ts'

/**
 * Runs the program and gives its exit code: 0 when it ended as asked, 2 for wrong usage or configuration, 1 for any
 * other failure that the operator can mend. Anything else is a bug and is thrown.
 */
export async function run(host: CliHost): Promise<number> {
  const program = createProgram(
    host,
    (flags) => serve(host, flags),
    (parent) => {
      addRecordingsCommand(parent, host)
      addCheckCommand(parent, host)
      addExtensionsCommand(parent, host)
      addLoadCommand(parent, host)
    },
  )
  program.hook('preAction', (_program, command) => {
    // All other commands end by themselves.
    if (command !== program && command.name() !== 'load') host.signals.release?.()
  })
  try {
    await program.parseAsync([...host.argv], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has printed its own message; help and version end this way too, with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof OperatorError)) throw error
    host.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
}
