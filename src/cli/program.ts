import { Command, Help, Option } from 'commander'
import { settingsTable, type Setting } from '../config/settings-table.ts'
import { redactText } from '../lib/credential-texts.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { version } from '../lib/version.ts'
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
    .description(
      'A simulated Azure OpenAI endpoint for load tests and CI. Without a command it serves until it is stopped; the commands stand last.',
    )
    .version(version)
    .showHelpAfterError('Run aoai-sim --help for the list of flags and commands.')
    .allowExcessArguments()
    // Else a command would take the flags of the server, ignore them, and propose them for its own.
    .enablePositionalOptions()
    .configureHelp({ padWidth, formatItem })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // Commander quotes what was typed, and a mistyped --api-key=... has the key in it.
      writeErr: (text) => stderr.write(withoutValues(text)),
      getOutHelpWidth: () => 100,
    })
    .addHelpText(
      'after',
      '\nEach flag can also be set by its variable, in the environment or in a file .env.',
    )
    .action(() => {
      const [unknown] = program.args
      if (unknown !== undefined) refuseCommand(program, unknown)
      return serve(givenFlags(program))
    })
  for (const setting of settingsTable()) {
    program.addOption(new Option(`${setting.flag} <value>`, describe(setting)).helpGroup(`${setting.group}:`))
  }
  addCommands?.(program)
  addHelpCommand(program)
  return program
}

function withoutValues(text: string): string {
  return redactText(text.replace(/('--?[\w-]+)=[^']*/g, '$1=...'))
}

/** Commander's own one knows one level of commands, and shows the whole help for a name that there is not. */
function addHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .argument('[command...]', 'a command, such as recordings lint')
    .description('Show the help of a command, or this one.')
    .action((names: string[]) => {
      let command = program
      for (const name of names) {
        command = command.commands.find((known) => known.name() === name) ?? refuseCommand(command, name)
      }
      command.help()
    })
}

function describe({ description, range, unit, env, default: text, unsetMeaning }: Setting): string {
  const inUnit = unit === undefined ? '' : ` ${unit}`
  const unset = text === undefined ? unsetMeaning : `default ${text}${inUnit}`
  return `${description} Takes ${range}. (${env}; ${unset})`
}

/** An argument of the program itself can only be meant for a command. */
function refuseCommand(program: Command, name: string): never {
  const known = program.commands.map((command) => command.name()).filter((command) => command !== 'help')
  const [nearest] = nearestNames(name, known, 1)
  const hint = nearest === undefined ? `The commands are ${known.join(', ')}` : `Did you mean ${nearest}?`
  return program.error(`error: unknown command '${name}'\n(${hint})`)
}

/** The widest a name may be to have its description beside it. Some flags are so long that nothing would fit there. */
const MAX_NAME_WIDTH = 40

function padWidth(command: Command, helper: Help): number {
  return Math.min(MAX_NAME_WIDTH, Help.prototype.padWidth.call(helper, command, helper))
}

/** What is wider than that has its description on the lines below. */
function formatItem(name: string, width: number, description: string, helper: Help): string {
  const beside = (shown: string): string =>
    Help.prototype.formatItem.call(helper, shown, width, description, helper)
  return helper.displayWidth(name) <= width ? beside(name) : `  ${name}\n${beside('')}`
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
