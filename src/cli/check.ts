import { type Command, InvalidArgumentError } from 'commander'
import { checkRetries, type Finding, findings } from './check-retries.ts'
import type { CliHost } from './cli-host.ts'
import { parseUrl } from './flag-values.ts'

interface Options {
  readonly url: URL
  readonly apiKey?: string
  readonly adminApiKey?: string
  readonly failOn?: readonly Finding[]
  readonly json?: true
}

/** Adds `check` with its subcommands, which ask a running simulator and judge what it has seen. */
export function addCheckCommand(program: Command, host: CliHost): void {
  const check = program
    .command('check')
    .description('Judge what the clients of a running simulator have done: retries.')
    .showHelpAfterError('Run aoai-sim check --help for the list of commands.')
  check
    .command('retries')
    .description('Tell how clients have retried. The simulator needs JOURNAL_SIZE (docs/retries.md).')
    .option('--url <url>', 'where the simulator runs', parseUrl, new URL('http://127.0.0.1:8000'))
    .option(
      '--api-key <key>',
      "the simulator's key (default: SIMULATOR_API_KEY, which no other user of this machine can see)",
    )
    .option(
      '--admin-api-key <key>',
      'the key of its administration, where that has one of its own (default: ADMIN_API_KEY)',
    )
    .option(
      '--fail-on <findings>',
      `end with exit code 1 if one of these was found: ${findings.join(',')}`,
      parseFindings,
    )
    .option('--json', 'print the report as JSON instead of text')
    .allowExcessArguments(false)
    .action((_options: Options, command: Command) => {
      // Both keys are flags of the program as well, and may stand before the command.
      const { url, apiKey, adminApiKey, failOn = [], json } = command.optsWithGlobals<Options>()
      return checkRetries(host, { url, apiKey: adminApiKey ?? apiKey, failOn, isJson: json === true })
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
