import { Command, Option } from 'commander'
import { settingsTable, type Setting } from '../config/settings-table.ts'
import { version } from '../platform/version.ts'
import type { CliHost } from './cli-host.ts'

/** Values of the flags that were given, by the flag with its dashes. */
export type Flags = Readonly<Record<string, string | undefined>>

/** Describes the command line: one flag for each setting, all made from the settings themselves. */
export function createProgram(
  { stdout, stderr }: Pick<CliHost, 'stdout' | 'stderr'>,
  serve: (flags: Flags) => Promise<void>,
  addCommands?: (program: Command) => void,
): Command {
  const program = new Command('aoai-sim')
    .description('A simulated Azure OpenAI endpoint for load tests and CI.')
    .version(version)
    .showHelpAfterError('Run aoai-sim --help for the list of flags.')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => 100,
    })
    .addHelpText(
      'after',
      '\nEach flag can also be set by its variable, in the environment or in a file .env.',
    )
    .action(() => serve(givenFlags(program)))
  for (const setting of settingsTable()) {
    program.addOption(new Option(`${setting.flag} <value>`, describe(setting)).helpGroup(`${setting.group}:`))
  }
  addCommands?.(program)
  return program
}

function describe({ description, range, unit, env, default: text, whenUnset }: Setting): string {
  const inUnit = unit === undefined ? '' : ` ${unit}`
  const unset = text === undefined ? whenUnset : `default ${text}${inUnit}`
  return `${description} Takes ${range}. (${env}; ${unset})`
}

/** Commander names values in camel case; settings go by the flag. */
function givenFlags(program: Command): Flags {
  const values = program.opts<Record<string, string | undefined>>()
  return Object.fromEntries(
    program.options
      .filter((option) => program.getOptionValueSource(option.attributeName()) === 'cli')
      .map((option) => [option.long ?? '', values[option.attributeName()]]),
  )
}
