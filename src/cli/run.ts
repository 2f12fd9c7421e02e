import { CommanderError, type Command, InvalidArgumentError } from 'commander'
import { OperatorError } from '../lib/operator-error.ts'
import { type CliHost, parseUrl } from './cli-host.ts'
import { addCertificateCommand } from './certificate.ts'
import { addConfigCommands } from './config-commands.ts'
import { addExtensionsCommand } from './extensions.ts'
import { addImportCommand } from './import.ts'
import { addLoadCommand } from './load.ts'
import { createProgram } from './program.ts'
import { addRecordingsCommand } from './recordings.ts'
import { addWatchCommand } from './watch.ts'
import { checkRetries, type Finding, findings } from './check-retries.ts'

interface Options {
  readonly url: URL
  readonly apiKey?: string
  readonly adminApiKey?: string
  readonly resource?: string
  readonly failOn?: readonly Finding[]
  readonly json?: true
}

/** Adds `check` and its subcommands, which query a running simulator. */
function addCheckCommand(program: Command, host: CliHost): void {
  const check = program
    .command('check')
    .description('Check the clients of a running simulator: retries.')
    .showHelpAfterError('Run aoai-sim check --help for all commands.')
  check
    .command('retries')
    .description('Report how clients retry. Requires JOURNAL_SIZE in the simulator (docs/retries.md).')
    .option('--url <url>', 'address of the simulator', parseUrl, new URL('http://127.0.0.1:8000'))
    .option(
      '--api-key <key>',
      'key of the simulator (default: SIMULATOR_API_KEY; flags are visible to other users)',
    )
    .option('--admin-api-key <key>', 'admin key, if it differs (default: ADMIN_API_KEY)')
    .option('--resource <name>', 'only requests to this resource, such as default (default: all)')
    .option(
      '--fail-on <findings>',
      `exit with code 1 if any of these is found: ${findings.join(',')}`,
      parseFindings,
    )
    .option('--json', 'print the report as JSON instead of text')
    .allowExcessArguments(false)
    .action((_options: Options, command: Command) => {
      // Both keys are also flags of the program and can precede the command.
      const { url, apiKey, adminApiKey, resource, failOn = [], json } = command.optsWithGlobals<Options>()
      const key = adminApiKey ?? apiKey
      return checkRetries(host, { url, apiKey: key, resource, failOn, isJson: json === true })
    })
}

function parseFindings(text: string): Finding[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== '')
  if (names.length > 0 && names.every(isFinding)) return names
  throw new InvalidArgumentError(`Give one or more of ${findings.join(', ')}, separated by commas.`)
}

function isFinding(name: string): name is Finding {
  return findings.some((finding) => finding === name)
}

/** Commands that handle signals themselves. */
const stopsGracefully: ReadonlySet<string> = new Set(['load', 'watch'])

/**
 * Runs the program. Returns its exit code: 0 for success, 2 for wrong usage or configuration, 1 for any other failure that the
 * operator can fix. Anything else is a bug and is thrown.
 */
export async function run(host: CliHost): Promise<number> {
  const program = createProgram(
    host,
    // The other commands do not load the server, which takes 0.13 s of CPU.
    async (flags) => (await import('./serve.ts')).serve(host, flags),
    (parent) => {
      addRecordingsCommand(parent, host)
      addCheckCommand(parent, host)
      addExtensionsCommand(parent, host)
      addLoadCommand(parent, host)
      addWatchCommand(parent, host)
      addCertificateCommand(parent, host)
      addConfigCommands(parent, host)
      addImportCommand(parent, host)
    },
  )
  program.hook('preAction', (_program, command) => {
    // All other commands need no graceful stop.
    if (command !== program && !stopsGracefully.has(command.name())) host.signals.release?.()
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
