import { Command, Help, Option } from 'commander'
import { settingsTable, type Setting } from '../config/settings-table.ts'
import { redactText } from '../lib/credential-texts.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { version } from '../lib/version.ts'
import type { CliHost } from './cli-host.ts'

/** Values of the flags, by name with dashes (`--port`). */
export type Flags = Readonly<Record<string, string | undefined>>

/** Creates the command line, with one flag for each setting. */
export function createProgram(
  { stdout, stderr }: Pick<CliHost, 'stdout' | 'stderr'>,
  serve: (flags: Flags) => Promise<void>,
  addCommands?: (program: Command) => void,
): Command {
  const program = new Command('aoai-sim')
    .description(
      'Simulator of Azure OpenAI for load tests and CI. Without a command, it starts the server. Commands are listed at the end.',
    )
    .version(version)
    .showHelpAfterError('Run aoai-sim --help for all flags and commands.')
    .allowExcessArguments()
    // Without this, a command would accept the flags of the server and ignore them.
    .enablePositionalOptions()
    .configureHelp({ padWidth, formatItem })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // Commander quotes the input, and a mistyped --api-key=... contains the key.
      writeErr: (text) => stderr.write(withoutValues(text)),
      getOutHelpWidth: () => 100,
    })
    .addHelpText('after', '\nEach flag can also be set as an environment variable or in the file .env.')
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

/** The help command of Commander supports one level of commands and shows the whole help for an unknown name. */
function addHelpCommand(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .argument('[command...]', 'a command, such as recordings lint')
    .description('Show the help of a command.')
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
  // A space after a comma lets the help break a long list.
  const unset = text === undefined ? unsetMeaning : `default ${text.replaceAll(',', ', ')}${inUnit}`
  return `${description} Must be ${range}. (${env}; ${unset})`
}

/** The program itself has no arguments: an argument is a mistyped command. */
function refuseCommand(program: Command, name: string): never {
  const known = program.commands.map((command) => command.name()).filter((command) => command !== 'help')
  const [nearest] = nearestNames(name, known, 1)
  const hint = nearest === undefined ? `The commands are ${known.join(', ')}` : `Did you mean ${nearest}?`
  return program.error(`error: unknown command '${name}'\n(${hint})`)
}

/** Maximum width of a flag that has its description on the same line. */
const MAX_NAME_WIDTH = 40

function padWidth(command: Command, helper: Help): number {
  return Math.min(MAX_NAME_WIDTH, Help.prototype.padWidth.call(helper, command, helper))
}

/** Puts the description of a wider flag on the next lines. */
function formatItem(name: string, width: number, description: string, helper: Help): string {
  const beside = (shown: string): string =>
    Help.prototype.formatItem.call(helper, shown, width, description, helper)
  return helper.displayWidth(name) <= width ? beside(name) : `  ${name}\n${beside('')}`
}

/** Commander names values in camel case; settings are found by their flag. */
function givenFlags(program: Command): Flags {
  const values = program.opts<Record<string, string | undefined>>()
  return Object.fromEntries(
    program.options
      .filter((option) => program.getOptionValueSource(option.attributeName()) === 'cli')
      .map((option) => [option.long ?? '', values[option.attributeName()]]),
  )
}
